"""How many tags shown on the sixty free photos are right, and how often the main subject is named.

    python benchmarks/free_photos.py FOLDER [--models lite2 ...] [--write docs/free_photos.md]

FOLDER holds the photos by the names in docs/free_photos.csv; each file must have the sha256 that stands there. A shown
tag is right if it is among the photo's true tags. `--write` replaces the page's section "What the models say" with the
figures and every error.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

from measuring import print_table

import vectortag as vt
from vectortag.model.registry import shipped_models

PAGE = Path(__file__).parents[1] / "docs"
SECTION = "## What the models say"


@dataclass(frozen=True)
class Judged:
    """A photo and what a model shows on it."""

    photo: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    missed: tuple[str, ...]
    """The words for the main subject, if none of them is shown."""


def judge(tagger: vt.Tagger, row: dict[str, str], folder: Path) -> Judged:
    """Raises SystemExit where the file is another one than the list names."""
    file = folder / row["file"]
    if hashlib.sha256(file.read_bytes()).hexdigest() != row["sha256"]:
        raise SystemExit(f"{file} is not the listed photo: its sha256 differs from docs/free_photos.csv")
    shown = [one.tag for one in tagger.tag(file).tags]
    true, subject = row["true_tags"].split(";"), row["main_subject"].split(";")
    return Judged(
        row["id"],
        tuple(tag for tag in shown if tag in true),
        tuple(tag for tag in shown if tag not in true),
        () if set(subject) & set(shown) else tuple(subject),
    )


def figures(judged: list[Judged]) -> dict[str, object]:
    right, wrong = (sum(len(getattr(one, name)) for one in judged) for name in ("right", "wrong"))
    named = sum(not one.missed for one in judged)
    return {
        "photos": len(judged),
        "shown tags": right + wrong,
        "right, %": round(100 * right / max(1, right + wrong), 1),
        "subject named, %": round(100 * named / len(judged), 1),
        "without a tag": sum(not one.right + one.wrong for one in judged),
    }


def section(found: dict[str, list[Judged]]) -> str:
    """The page's section, in Markdown."""
    rows = [(name, *map(str, figures(judged).values())) for name, judged in found.items()]
    head = ("model", *next(iter(map(figures, found.values()))))
    lines = [SECTION, "", "`python benchmarks/free_photos.py FOLDER --write docs/free_photos.md`", ""]
    lines += [
        "| " + " | ".join(head) + " |",
        "|" + " --- |" * len(head),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
    for name, judged in found.items():
        lines += ["", f"Every error of {name}:", "", "| photo | shown and not in its list | subject not named |"]
        lines.append("| --- | --- | --- |")
        for one in judged:
            if one.wrong or one.missed:
                lines.append(f"| {one.photo} | {', '.join(one.wrong)} | {' or '.join(one.missed)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="What models say of the sixty free photos.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="+", default=[folder.name for folder in shipped_models()])
    parser.add_argument("--write", type=Path, help="the page whose section is replaced")
    arguments = parser.parse_args()
    with (PAGE / "free_photos.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found: dict[str, list[Judged]] = {}
    for name in arguments.models:
        tagger = vt.Tagger.load(name, additions=False)
        found[Path(name).name] = [judge(tagger, row, arguments.folder) for row in rows]
    print_table([{"model": name} | figures(judged) for name, judged in found.items()], None)
    if arguments.write:
        before, _, _ = arguments.write.read_text(encoding="utf-8").partition(SECTION)
        arguments.write.write_text(before.rstrip() + "\n\n" + section(found), encoding="utf-8")


if __name__ == "__main__":
    main()
