"""The machine: how many cores this process may use, and the extensions of the processor."""

from __future__ import annotations

import functools
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")
CONTROL_GROUP = Path("/sys/fs/cgroup")
"""Where Linux says how much of the cores a container may use."""

EXTENSIONS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
"""Extensions of x86 processors that decide how fast a network runs, by their names in Linux."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What is known of a machine.

    Attributes:
        cpu: the name of the processor.
        cores: how many this process may use.
        extensions: those of EXTENSIONS that the processor has.
    """

    cpu: str
    cores: int
    extensions: tuple[str, ...]

    def has(self, *extensions: str) -> bool:
        """True if the processor has at least one of these."""
        return any(extension in self.extensions for extension in extensions)


def this_machine() -> Machine:
    """This machine; without /proc/cpuinfo (macOS, Windows) its extensions are not known and none is listed."""
    cpu, extensions = _processor(CPU_INFO)
    return Machine(cpu, usable_cores(), extensions)


@functools.cache
def _processor(cpu_info: Path) -> tuple[str, tuple[str, ...]]:
    try:
        text = cpu_info.read_text()
    except OSError:
        text = ""
    name, flags = (re.search(rf"^{key}\s*:\s*(.*)$", text, re.MULTILINE) for key in ("model name", "flags"))
    known = set(flags[1].split()) if flags else set()
    return name[1] if name else platform.processor() or platform.machine(), tuple(e for e in EXTENSIONS if e in known)


def usable_cores() -> int:
    """How many cores this process may use: its affinity, limited by the container's quota."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cgroup_quota(CONTROL_GROUP)
    return affinity if quota is None else max(1, min(affinity, int(quota + 0.5)))


def _cgroup_quota(root: Path) -> float | None:
    """The CPU quota of the control group (version 2, then 1), in cores; None without a limit."""
    try:
        quota, period = (root / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (root / "cpu/cpu.cfs_quota_us").read_text().strip()
            period = (root / "cpu/cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    if quota == "max" or int(quota) <= 0:
        return None
    return int(quota) / int(period)
