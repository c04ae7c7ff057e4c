"""`vectortag`: where the command line starts. `--version` is answered before anything heavy is imported."""

from __future__ import annotations

import gc
import os
import sys

import vectortag

LARGE_MATRICES = {"fit", "add-tag", "refresh", "train"}
"""Commands that gain by several threads in numpy. Tagging has small matrices and its own threads."""


def main() -> None:
    """Run the command line. Exit status: 0 all well, 1 some inputs failed, 2 wrong usage."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"vectortag {vectortag.__version__}\n")
        return
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for them reads all installed packages
    if not LARGE_MATRICES.intersection(sys.argv[1:]):
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy starts a thread a core otherwise, and waits busily
    from vectortag.apps.cli.app import run

    status = run(sys.argv[1:])
    gc.freeze()  # at its end the interpreter looks for garbage among all objects, which is a tenth of a quick start
    sys.exit(status)
