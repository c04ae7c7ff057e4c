"""`vectortag` as a program: what is answered at once, and what is set before numpy is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import vectortag

MAIN = "from vectortag.apps.entry import main; main()"


def python(code: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_the_console_script_prints_the_version():
    script = Path(sys.executable).with_name("vectortag")

    outcome = subprocess.run([script, "--version"], capture_output=True, text=True, check=False)

    assert (outcome.returncode, outcome.stdout) == (0, f"vectortag {vectortag.__version__}\n")


def test_the_version_is_printed_before_anything_heavy_is_imported():
    heavy = "{'msgspec', 'numpy', 'openvino', 'PIL', 'pydantic', 'rich', 'typer'}"

    outcome = python(f"{MAIN}; import sys; print(sorted({heavy} & sys.modules.keys()))", "--version")

    assert outcome.stdout.splitlines() == [f"vectortag {vectortag.__version__}", "[]"]


def test_the_exit_status_reaches_the_shell(tmp_path: Path):
    assert python(MAIN, "check", tmp_path).returncode == 1


@pytest.mark.parametrize(("command", "threads"), [("tag", "1"), ("fit", None)])
def test_numpy_gets_one_thread_but_for_the_commands_with_large_matrices(command: str, threads: str | None):
    code = f"""
import os, sys
sys.argv[1:] = ["{command}", "--help"]
try:
    from vectortag.apps.entry import main
    main()
finally:
    print(os.environ.get("OPENBLAS_NUM_THREADS"), file=sys.stderr)
"""
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}

    outcome = python(code, env=environment)

    assert outcome.stderr == f"{threads}\n"


def test_a_users_own_number_of_threads_stays():
    code = f"{MAIN}"
    watch = (
        "import atexit, os, sys; atexit.register(lambda: print(os.environ['OPENBLAS_NUM_THREADS'], file=sys.stderr));"
    )

    outcome = python(f"{watch} {code}", "tag", "--help", env={**os.environ, "OPENBLAS_NUM_THREADS": "3"})

    assert (outcome.returncode, outcome.stderr) == (0, "3\n")
