"""A Ray cluster on loopback whose nodes can be killed, and where its processes listen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import s3

from vectortag.apps.ray_engine import ON_LOOPBACK

LOOPBACK = ("0100007F", "0000000000000000FFFF00000100007F", 24 * "0" + "01000000")
"""127.0.0.1 and ::1 as the kernel writes them."""


def family(root: int) -> Iterator[int]:
    """A process and its descendants."""
    yield root
    with suppress(OSError):  # it has ended
        for task in Path(f"/proc/{root}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from family(int(child))


def addresses_open_to(root: int) -> set[str]:
    """Where a process and its descendants listen, as the kernel writes it."""
    files = set()
    for process in family(root):
        with suppress(OSError):
            files |= {str(file.readlink()) for file in Path(f"/proc/{process}/fd").iterdir()}
    rows = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()]
    listening = "0A"
    return {row[1].partition(":")[0] for row in rows if row[3] == listening and f"socket:[{row[9]}]" in files}


def environment() -> dict[str, str]:
    """Of cluster and job: on loopback, a token that both know, no report to anybody, no proxy between processes."""
    ray = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": 32 * "0"}
    return s3.clean() | ray | ON_LOOPBACK | {"OMP_NUM_THREADS": "1"}


CLUSTER = """
import sys
from ray.cluster_utils import Cluster

nodes = int(sys.argv[1])
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
made = [cluster.add_node(num_cpus=1, include_dashboard=False) for _ in range(nodes)]
print(cluster.address, flush=True)
for line in sys.stdin:
    cluster.remove_node(cluster.head_node if line == "head\\n" else made.pop(), allow_graceful=False)
    print("killed", flush=True)
cluster.shutdown()
"""


class RayNodes:
    """A cluster of a head, which has no core for Taggers, and some nodes of one core each."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._input, self._output = process.stdin, process.stdout
        self.address = self._output.readline().strip()

    def kill(self, what: Literal["node", "head"]) -> None:
        """End all processes of a node or of the head by SIGKILL."""
        self._input.write(f"{what}\n")
        self._input.flush()
        assert self._output.readline() == "killed\n"


@contextmanager
def nodes_of(count: int) -> Iterator[RayNodes]:
    """A cluster, which ends with the block."""
    command = [sys.executable, "-c", CLUSTER, str(count)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, env=environment(), start_new_session=True, **pipes) as process:
        try:
            yield RayNodes(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(60)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
