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

case "${1:-}" in
    setup) setup ;;
    lint) lint ;;
    format) "$venv/bin/ruff" format . && "$venv/bin/ruff" check --fix . ;;
    test) shift; setup; lint; "$venv/bin/python" -m pytest "$@" ;;
    *) sed -n 2p "$0"; exit 2 ;;
esac
