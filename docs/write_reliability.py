"""Write the table of docs/reliability.md from the record of ./task.sh long: python docs/write_reliability.py RECORD"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("reliability.md")
START, END = "<!-- record -->\n", "<!-- end of the record -->\n"


def main(arguments: list[str]) -> int:
    record = json.loads(Path(arguments[0]).read_text("utf-8"))
    page = PAGE.read_text("utf-8")
    before, after = page.partition(START)[0], page.partition(END)[2]
    PAGE.write_text(before + START + table(record) + END + after, "utf-8")
    return 0


def table(record: dict[str, Any]) -> str:
    """The counts as Markdown: a row for each kind of thing that was tried."""
    tests = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(record["tests"].items()))
    lines = [
        f"Run on {record['date']}, {record['system']}. Tests: {tests}.",
        "",
        "| what | tried | what came of it | worst |",
        "| --- | ---: | --- | --- |",
        *rows(record["kinds"]),
    ]
    return "\n" + "\n".join(lines) + "\n\n"


def rows(kinds: dict[str, Any]) -> Iterator[str]:
    for kind, entry in sorted(kinds.items()):
        outcomes = sorted(entry["outcomes"].items(), key=lambda item: -item[1])
        came = "; ".join(f"{outcome}: {count:,}" for outcome, count in outcomes)
        worst = "; ".join(f"{value:,g} {name}" for name, value in sorted(entry["worst"].items()))
        yield f"| {kind} | {sum(entry['outcomes'].values()):,} | {came} | {worst} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
