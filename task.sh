#!/bin/sh
# The project's tasks: ./task.sh test | setup | lint | format
set -eu
cd "$(dirname "$0")"
venv="${VECTORTAG_VENV:-.venv}"

setup() { # everything that the tests need, in a virtual environment of their own
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --upgrade "pip>=25.1"
    "$venv/bin/python" -m pip install --quiet --editable ".[all]" --group dev
}

lint() {
    "$venv/bin/ruff" format --check .
    "$venv/bin/ruff" check .
    "$venv/bin/mypy"
    "$venv/bin/lint-imports"
}

tests() { # whole trainings in a second run, whose own process never holds torch: a crash there has cost runs before
    if [ $# -gt 0 ]; then
        "$venv/bin/python" -m pytest "$@"
    else
        "$venv/bin/python" -m pytest --ignore=tests/train/test_recipe.py
        "$venv/bin/python" -m pytest tests/train/test_recipe.py
    fi
}

case "${1:-}" in
    setup) setup ;;
    lint) lint ;;
    format) "$venv/bin/ruff" format . && "$venv/bin/ruff" check --fix . ;;
    test) shift; setup; lint; tests "$@" ;;
    *) sed -n 2p "$0"; exit 2 ;;
esac
