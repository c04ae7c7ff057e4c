"""Tables and a diagram of a model card, as lines of Markdown that read well in a terminal, too.

Figures of tags are as the manifest's metrics have them under "per_tag": by name, a list in the order of the tags, with
None where there is no such figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from vectortag.core.plain_text import escape_markdown
from vectortag.evaluation.metrics import ENOUGH_PHOTOS, best_and_worst, rank_tags
from vectortag.model.manifest import LabelSource, Manifest

FEWEST_POSITIVES = 5
"""A tag that no photo has taught gets thresholds of its own where at least this many validation photos show it."""

MOST = 10
"""How many of the best tags, and of the worst."""

BAR_CELLS = 25

MARKS: dict[LabelSource, str] = {"photos": "", "pretraining": " †", "children": " ‡"}

EXPLAINED: dict[LabelSource, str] = {
    "pretraining": (
        "† ({count} of {all} tags): no photo of the data sets taught it; its score is what the network's own\n"
        "classifier, from its pretraining, gives to classes of that kind, and how far to trust it was judged by such\n"
        f"tags that photos did teach, unless at least {FEWEST_POSITIVES} validation photos show it."
    ),
    "children": (
        "‡ ({count} of {all} tags): no data set knows when it is absent, so it has no score but the highest of the\n"
        "tags that imply it, if there are any, and cannot be judged."
    ),
}

TagFigures = Mapping[str, Sequence[Any]]


def reliability_diagram(bins: Mapping[str, Mapping[str, Sequence[Any]]]) -> Iterator[str]:
    """Bars in a block of fixed width, a line for each bin of scores, before calibration and after it side by side.

    Args:
        bins: "before" and "after", each with "score", "share" (None in an empty bin) and "entries".
    """
    count = len(bins["after"]["entries"])
    side = f"{'entries':>9}  share  "
    yield "```text"
    yield f"{'':11}  {'before calibration':{len(side) + BAR_CELLS + 2}}after calibration"
    yield f"{'score':11}  {side:{len(side) + BAR_CELLS + 2}}{side}".rstrip()
    for index in range(count):
        before, after = (_bin(bins[name], index) for name in ("before", "after"))
        yield f"{index / count:.2f} - {(index + 1) / count:.2f}  {before}  {after}".rstrip()
    yield "```"


def _bin(bins: Mapping[str, Sequence[Any]], index: int) -> str:
    entries, score, share = (bins[name][index] for name in ("entries", "score", "share"))
    if not entries:
        return f"{0:9}{'':{BAR_CELLS + 9}}"
    return f"{entries:9,}   {share:.2f}  {_bar(score, share)}"


def _bar(score: float, share: float) -> str:
    """
    >>> _bar(0.5, 0.25)
    '██████      ┃            '
    """
    cells = ("█" * round(share * BAR_CELLS)).ljust(BAR_CELLS)
    mark = min(int(score * BAR_CELLS), BAR_CELLS - 1)
    return f"{cells[:mark]}┃{cells[mark + 1 :]}"


def ranking(tags: Sequence[str], figures: TagFigures) -> Iterator[str]:
    """The best and the worst tags by average precision; see `rank_tags` for those that are left out."""
    precisions = np.array([np.nan if of_tag is None else of_tag for of_tag in figures["average_precision"]])
    best, worst = best_and_worst(rank_tags(precisions, np.array(figures["photos"])), MOST)
    if not best:
        yield "No tag can be judged."
        return
    yield f"By average precision (AP). Tags that fewer than {ENOUGH_PHOTOS} validation photos show are left out, where"
    yield "there are others."
    yield ""
    yield "| best | photos | AP | worst | photos | AP |"
    yield "| --- | ---: | ---: | --- | ---: | ---: |"
    for row in range(len(best)):
        sides = (_ranked(tags, figures, indexes, row) for indexes in (best, worst[::-1]))
        yield f"| {' | '.join(sides)} |"


def _ranked(tags: Sequence[str], figures: TagFigures, indexes: Sequence[int], row: int) -> str:
    if row >= len(indexes):
        return " | | "
    index = indexes[row]
    photos, precision = figures["photos"][index], figures["average_precision"][index]
    return f"{escape_markdown(tags[index])} | {photos:,} | {percent(precision)}"


def blind_spots(tags: Sequence[str], figures: TagFigures) -> Iterator[str]:
    """What the validation photos say that the model cannot do, and what they cannot say."""
    indexes = range(len(tags))
    missed = [n for n in indexes if figures["photos"][n] >= ENOUGH_PHOTOS and figures["recall"][n] == 0]
    if missed:
        names = ", ".join(f"{escape_markdown(tags[n])} ({figures['photos'][n]})" for n in missed)
        yield f"- Known blind spots: tags of which it found none of the validation photos (so many): {names}."
    unjudged = sum(figures["average_precision"][n] is None for n in indexes)
    if unjudged:
        yield f"- {unjudged} of its {len(tags)} tags could not be judged: no validation photo shows them, or none is"
        yield "  known to be without them."


def tag_table(manifest: Manifest) -> Iterator[str]:
    """Every tag with its figures, or, where the manifest has none, the names alone."""
    figures, label_sources = manifest.metrics.get("per_tag"), manifest.label_sources
    names = [
        f"{escape_markdown(tag)}{MARKS[teacher]}" for tag, teacher in zip(manifest.tags, label_sources, strict=True)
    ]
    if figures:
        yield "On the validation photos of all sets: how many show the tag, among those whose set knows when it is"
        yield "absent; average precision; how often the tag is right where it is shown, and how many of its photos are"
        yield 'found, at the thresholds of the profile "balanced"; and the expected calibration error before and after'
        yield "calibration. The report has the same for each set."
        yield ""
    for teacher, text in EXPLAINED.items():
        if teacher in label_sources:
            yield text.format(count=label_sources.count(teacher), all=len(label_sources))
            yield ""
    if not figures:
        yield ", ".join(names)
        return
    yield "| tag | photos | AP | precision | recall | error before | after |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for index, name in enumerate(names):
        shares = (percent(figures[figure][index]) for figure in ("average_precision", "precision", "recall"))
        errors = (_error(figures[figure][index]) for figure in ("calibration_error_before", "calibration_error"))
        judged = figures["calibration_error"][index] is not None
        photos = f"{figures['photos'][index]:,}" if judged else "-"
        yield f"| {name} | {photos} | {' | '.join((*shares, *errors))} |"


def percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def _error(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
