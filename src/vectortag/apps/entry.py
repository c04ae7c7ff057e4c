"""The entry point of `vectortag`. `--version` is answered before anything heavy is imported."""

from __future__ import annotations

import gc
import os
import sys

import vectortag

LARGE_MATRICES = {"fit", "add-tag", "refresh", "train"}
"""Commands that are faster with several threads in numpy. Tagging has small matrices and its own threads."""


def main() -> None:
    """Run the command line. Exit status: 0 all well, 1 some inputs failed, 2 wrong usage."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"vectortag {vectortag.__version__}\n")
        return
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # the search for plugins reads all installed packages
    if not LARGE_MATRICES.intersection(sys.argv[1:]):
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # else numpy starts one thread per core, and they busy-wait
    from vectortag.apps.cli.app import run

    status = run(sys.argv[1:])
    gc.freeze()  # else the interpreter collects garbage at its end, which takes a tenth of a quick start
    sys.exit(status)
