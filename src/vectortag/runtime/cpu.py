"""The machine as this process finds it: how many cores it may use, and what its processor can compute with."""

from __future__ import annotations

import functools
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")

EXTENSIONS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
"""Of an x86 processor, what decides how fast a network runs, by the names that Linux gives them."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Attributes: `cores` is how many this process may use; `extensions` are those of EXTENSIONS that are there."""

    cpu: str
    cores: int
    extensions: tuple[str, ...]

    def has(self, *extensions: str) -> bool:
        """True where the processor has one of these."""
        return any(extension in self.extensions for extension in extensions)


def this_machine() -> Machine:
    """What is known of this machine. Where there is no /proc/cpuinfo (macOS, Windows), no extension is."""
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
    """How many cores this process may really use: its affinity, cut by a container's quota."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cgroup_quota()
    return affinity if quota is None else max(1, min(affinity, int(quota + 0.5)))


def _cgroup_quota(root: Path = Path("/sys/fs/cgroup")) -> float | None:
    """CPUs granted by the control group, in cores (version 2, then 1); None where there is no limit."""
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
