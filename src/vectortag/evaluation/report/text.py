"""README.md of a report: the figures, and what the pictures beside it show."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from vectortag.core.plain_text import code_span, escape_markdown
from vectortag.evaluation.card_tables import TagFigures, ranking
from vectortag.evaluation.evaluate import Report
from vectortag.evaluation.model_card import figures_table, hashes_and_commit, over_folds
from vectortag.model.folder import ModelFolder
from vectortag.model.history import Learning

SECTIONS = {
    "learning_curve.png": """
## Learning

Above, the loss on training and on validation photos after each epoch: where validation turns upwards while training
goes on falling, the network learns by heart. Below, the mean average precision on the validation photos of all sets
together. The dotted line is the epoch that was kept.

![Learning](learning_curve.png)""",
    "precision_recall.png": """
## Precision and recall

As the threshold falls, more is found and more is wrong. The thick line is over all tags and photos together, and the
dot is where the model's own thresholds put it. Green are the best tags, orange the worst, with their average precision.

![Precision and recall](precision_recall.png)""",
    "reliability.png": """
## Honest scores

Of what gets a score of 0.8, do 80 % have the tag? The dotted line is a model that always keeps its word; ECE, the
expected calibration error, is the mean distance from it. The calibration was fitted on these photos; MODEL_CARD.md
judges each half of them by a calibration that the other half fitted. Below, how many entries (a tag of a photo) have
such a score.

![Honest scores](reliability.png)""",
    "co_occurrence.png": """
## Tags that come together

The most frequent tags of the validation photos. A row says how often its photos have each of the other tags, among
those of which that is known; grey where it is known of fewer than five. Two tags that always come together teach the
model little about either.

![Tags that come together](co_occurrence.png)""",
    "heatmaps.png": """
## Where it looks

First the best tags by average precision (AP), then the worst, down to the very worst, two a row: a photo, then the heat
map over it with the score. The photo is the one with the middle score among the validation photos that have the tag:
neither a lucky nor an unlucky example.

![Where it looks](heatmaps.png)""",
    "per_tag.csv": """
## Every tag

[per_tag.csv](per_tag.csv): for each data set and tag the number of photos that have it, average precision, threshold,
precision, recall and F1 at that threshold, and calibration error.""",
}
"""What is said of each file of the report, in the order of the report."""


def readme(
    folder: ModelFolder,
    learning: Learning | None,
    reports: Sequence[Report],
    figures: TagFigures,
    files: Container[str],
) -> str:
    """The text, in Markdown, with a section for each of the files that are there.

    Args:
        figures: "photos" and "average_precision" of each tag, over all sets.
    """
    sections = [text for name, text in SECTIONS.items() if name in files]
    best = ["", "## The best and the worst tags", "", *ranking(folder.manifest.tags, figures)]
    return "\n".join([*_head(folder, learning), *_figures(reports), *best, *sections]) + "\n"


def _head(folder: ModelFolder, learning: Learning | None) -> Iterator[str]:
    yield f"# How {escape_markdown(folder.manifest.name)} was trained"
    yield ""
    yield f"The model is {code_span(folder.id)}, with {len(folder.manifest.tags)} tags."
    if learning is not None:
        yield f"Of {len(learning.epochs)} epochs the best, number {learning.best + 1}, was kept:"
        yield f"{learning.epochs[learning.best]}."
    yield ""
    yield from hashes_and_commit(folder.manifest)
    yield from over_folds(folder.manifest)
    if folder.manifest.metrics.get("folds"):
        yield "out_of_fold.npz has the scores of these heads, label_errors.csv the labels that look wrong, and"
        yield "label_errors.html their photos."
        yield ""


def _figures(reports: Sequence[Report]) -> Iterator[str]:
    yield "All figures are those of the exported model on validation photos, from which it did not learn. F1 is at its"
    yield 'thresholds of the profile "balanced", which were chosen on these photos: MODEL_CARD.md says how much that'
    yield "flatters."
    yield ""
    yield from figures_table({report.data: report.summary() for report in reports})
