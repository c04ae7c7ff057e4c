#!/bin/sh
# The project's tasks: ./task.sh test | long | setup | lint | format | docs
set -eu
cd "$(dirname "$0")"
venv="${VECTORTAG_VENV:-.venv}"

setup() { # everything that the tests need, in a virtual environment of their own
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --upgrade "pip>=25.1"
    "$venv/bin/python" -m pip install --quiet --editable ".[all]" --group dev --group docs
}

lint() {
    "$venv/bin/ruff" format --check .
    "$venv/bin/ruff" check .
    "$venv/bin/mypy"
    "$venv/bin/lint-imports"
}

BESIDE="tests/train/test_recipe.py tests/apps/server"
AFTER="tests/apps/ui"

tests() { # two runs beside each other, of about the same length, save a third of the time
    if [ $# -gt 0 ]; then
        "$venv/bin/python" -m pytest "$@"
        return
    fi
    export OMP_NUM_THREADS=1 # torch's threads wait for each other: with two runs on the cores, hardly anything else
    log=$(mktemp)
    each $BESIDE >"$log" 2>&1 &
    side=$!
    outcome=0
    "$venv/bin/python" -m pytest $(printf -- '--ignore=%s ' $BESIDE $AFTER) || outcome=$?
    each $AFTER || outcome=$?
    wait "$side" || outcome=$?
    cat "$log"
    rm -f "$log"
    return "$outcome"
}

each() { # every part in a process of its own, that never holds torch itself: a crash there has cost runs before
    failed=0
    for part in "$@"; do
        "$venv/bin/python" -m pytest "$part" || failed=$?
    done
    return "$failed"
}

RECORD=build/reliability.json

long() { # what is too long for every run, and all that counts what it tries; the counts become docs/reliability.md
    export OMP_NUM_THREADS=1
    rm -f "$RECORD"
    outcome=0
    for part in "tests $(printf -- '--ignore=%s ' $BESIDE $AFTER)" $BESIDE $AFTER; do
        # shellcheck disable=SC2086 # the first part is several words
        "$venv/bin/python" -m pytest -m "long or tried" --record "$RECORD" $part "$@" || [ $? -eq 5 ] || outcome=1
    done
    "$venv/bin/python" docs/write_reliability.py "$RECORD"
    return "$outcome"
}

case "${1:-}" in
    setup) setup ;;
    lint) lint ;;
    docs) "$venv/bin/python" docs/build_site.py ;; # the tests build it, too
    format) "$venv/bin/ruff" format . && "$venv/bin/ruff" check --fix . ;;
    test) shift; setup; lint; tests "$@" ;;
    long) shift; setup; long "$@" ;;
    *) sed -n 2p "$0"; exit 2 ;;
esac
