"""The heap goes back to the system: what a process holds, by its own account."""

from __future__ import annotations

import subprocess
import sys

import pytest

HELD = """
import sys, numpy
from vectortag.core.heap import trim_heap

def held():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssAnon"))

before = held()
blocks = [numpy.ones(100_000, numpy.uint8) for _ in range(600)]  # 60 MB, each below the size of a mapping of its own
last = numpy.ones(100_000, numpy.uint8)
full = held() - before
del blocks
if sys.argv[1] == "trimmed":
    trim_heap()
print(full, held() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc gives its heap back")
def test_a_heap_that_is_trimmed_gives_back_what_is_free_below_a_block_in_use():
    def held(how: str) -> tuple[int, int]:
        command = [sys.executable, "-c", HELD, how]
        full, left = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
        return int(full), int(left)

    full, left = held("as it is")
    trimmed_full, trimmed_left = held("trimmed")

    assert min(full, trimmed_full) > 50_000
    assert left > 50_000
    assert trimmed_left < 10_000
