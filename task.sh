#!/bin/sh
# The project's tasks: ./task.sh test | long | setup | lint | format | docs
set -eu
cd "$(dirname "$0")"
venv="${VECTORTAG_VENV:-.venv}"

setup() { # everything that the tests need, in a virtual environment of their own
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --upgrade "pip>=25.1"
    "$venv/bin/python" -m pip install --quiet --editable ".[all]" --group dev --group docs
    # for the example of a web page; without it, its tests say what is missing
    "$venv/bin/npm" --prefix examples/onnx/browser install --silent --no-package-lock --ignore-scripts || true
}

lint() {
    "$venv/bin/ruff" format --check .
    "$venv/bin/ruff" check .
    "$venv/bin/mypy"
    "$venv/bin/lint-imports"
}

PARTS="others tests/train tests/apps/ui tests/apps/server lint tests/hostile tests/library"

tests() { # all parts, two at a time, the longest first: that takes half of the time of one after the other
    if [ $# -gt 0 ]; then
        "$venv/bin/python" -m pytest "$@"
        return
    fi
    printf '%s\n' $PARTS | xargs -n 1 -P 2 ./task.sh part
}

part() { # in a process of its own: a crash there has cost whole runs before
    export OMP_NUM_THREADS=1 # torch's threads wait for each other: with two parts on the cores, hardly anything else
    log=$(mktemp) outcome=0
    if [ "$1" = lint ]; then
        ./task.sh lint >"$log" 2>&1 || outcome=$?
    else
        "$venv/bin/python" -m pytest $(files "$1") >"$log" 2>&1 || outcome=$?
    fi
    printf '== %s\n' "$1" | cat - "$log"
    rm -f "$log"
    return "$outcome"
}

files() { # what pytest is given for a part
    if [ "$1" != others ]; then
        echo "$1"
        return
    fi
    for part in $PARTS; do
        [ "${part%%/*}" != tests ] || printf -- '--ignore=%s ' "$part"
    done
}

with_ray() { # 240 MB, for the long tests only
    "$venv/bin/python" -m pip install --quiet --editable ".[all,ray]"
}

RECORD=build/reliability.json

long() { # what is too long for every run, and all that counts what it tries; the counts become docs/reliability.md
    export OMP_NUM_THREADS=1
    rm -f "$RECORD"
    outcome=0
    for part in $PARTS; do
        [ "$part" != lint ] || continue
        # 5: there is no such test in the part
        "$venv/bin/python" -m pytest -m "long or tried" --record "$RECORD" $(files "$part") "$@" || [ $? -eq 5 ] || outcome=1
    done
    "$venv/bin/python" docs/write_reliability.py "$RECORD"
    return "$outcome"
}

case "${1:-}" in
    setup) setup ;;
    lint) lint ;;
    docs) "$venv/bin/python" docs/build_site.py ;; # the tests build it, too
    format) "$venv/bin/ruff" format . && "$venv/bin/ruff" check --fix . ;;
    test) shift; setup; [ $# -eq 0 ] || lint; tests "$@" ;;
    part) part "$2" ;; # of `test`
    long) shift; setup; with_ray; long "$@" ;;
    *) sed -n 2p "$0"; exit 2 ;;
esac
