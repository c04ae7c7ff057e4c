"""The figures of a report, drawn with matplotlib's objects: no global state, no window."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from vectortag.core.plain_text import printable
from vectortag.core.types import Doubles
from vectortag.data.outputs import SOFTWARE
from vectortag.evaluation.metrics import Reliability
from vectortag.evaluation.report.curves import PrecisionRecall
from vectortag.model.history import Learning

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#595959"
"""Of the palette of Okabe and Ito (2008), which colour-blind people tell apart; orange is their vermilion."""

DASHES: tuple[tuple[float, ...], ...] = ((1, 0), (5, 2), (1.5, 1.5))
"""Tags of one colour differ in their dashes."""

DPI = 120
LONGEST_LABEL = 24
"""Letters: what is longer is cut, so that no label pushes a figure aside."""

MOST_POINTS = 2000
"""Of a curve: more than the figure has pixels."""


def to_png(figure: Figure) -> bytes:
    """The figure as the content of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": SOFTWARE})
    return buffer.getvalue()


def label(text: str) -> str:
    """A text for a figure: cut where it is long, and without what matplotlib takes for formulas or hidden entries."""
    text = printable(text)
    short = text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1].rstrip() + "…"
    return (" " if short.startswith("_") else "") + short.replace("$", r"\$")


def learning_curve(learning: Learning) -> Figure:
    """Losses and validation mAP over the epochs."""
    epochs, best = learning.epochs, learning.best
    figure = Figure(figsize=(8, 6), layout="constrained")
    losses, precisions = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    numbers = np.arange(1, len(epochs) + 1)
    marker: dict[str, Any] = {"marker": "o", "markersize": 4}
    losses.plot(numbers, [epoch.train_loss for epoch in epochs], color=BLUE, label="training", **marker)
    losses.plot(numbers, [epoch.val_loss for epoch in epochs], color=ORANGE, label="validation", **marker)
    precisions.plot(numbers, [epoch.val_map for epoch in epochs], color=ORANGE, label="validation", **marker)
    for axes in (losses, precisions):
        _plain(axes)
        axes.axvline(best + 1, color=GREY, linestyle=":", label=f"best: epoch {best + 1}")
    losses.set_ylabel("loss")
    losses.legend(frameon=False)
    precisions.set_ylabel("mAP")
    precisions.set_xlabel("epoch")
    precisions.xaxis.set_major_locator(MaxNLocator(integer=True))
    precisions.set_xlim(0.5, len(epochs) + 0.5)
    figure.align_ylabels()
    return figure


def precision_recall_curves(
    together: PrecisionRecall,
    best: Sequence[tuple[str, PrecisionRecall]],
    worst: Sequence[tuple[str, PrecisionRecall]],
    *,
    operating: tuple[float, float],
) -> Figure:
    """All entries together, and single tags; `operating` is (recall, precision) at the model's own thresholds.

    Args:
        best, worst: (text for the legend, curve) of at most three tags each; see `label`.
    """
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots()
    _plain(axes)
    _draw(axes, together, label="all entries together", color=BLUE, linewidth=2.8, zorder=3)
    dot: dict[str, Any] = {"markersize": 9, "markeredgecolor": "white", "zorder": 4}
    axes.plot(*operating, "o", color=BLUE, label="at the model's thresholds", **dot)
    for colour, curves in ((GREEN, best), (ORANGE, worst)):
        for (name, curve), dashes in zip(curves, DASHES, strict=False):
            _draw(axes, curve, label=name, color=colour, linewidth=1.3, dashes=dashes)
    axes.set(xlim=(0, 1.01), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def reliability_diagram(before: Reliability, after: Reliability, errors: tuple[float, float]) -> Figure:
    """Scores against shares of positives, and how many entries are in each bin.

    Args:
        before, after: calibration.
        errors: the expected calibration errors before and after.
    """
    figure = Figure(figsize=(6.5, 7.5), layout="constrained")
    shares, entries = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    shares.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="score = share")
    named = (("before calibration", ORANGE, before, errors[0]), ("after", BLUE, after, errors[1]))
    for name, colour, bins, error in named:
        text = f"{name}: ECE {error:.4f}"
        filled = bins.entries > 0
        shares.plot(bins.score[filled], bins.share[filled], color=colour, marker="o", markersize=5, label=text)
        edges = np.linspace(0, 1, len(bins.entries) + 1)
        entries.stairs(bins.entries, edges, color=colour, linewidth=1.6)
    for axes in (shares, entries):
        _plain(axes)
    shares.set(xlim=(0, 1), ylim=(0, 1), ylabel="share that has the tag")
    shares.legend(frameon=False, loc="upper left")
    entries.set_yscale("symlog", linthresh=1)
    entries.set_ylim(bottom=0)
    entries.set(xlabel="score", ylabel="entries")
    figure.align_ylabels()
    return figure


def co_occurrence_matrix(names: Sequence[str], shares: Doubles) -> Figure:
    """Which tags come together: (P, P) shares, rows and columns called `names`."""
    side = max(5.0, 3.5 + 0.24 * len(names))  # inches: the label of the shorter axis needs five
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    if not names:
        figure.text(0.5, 0.5, "no tag is known of any photo", ha="center")
        return figure
    axes = figure.subplots()
    axes.set_facecolor("#e8e8e8")
    image = axes.imshow(shares, cmap="viridis", vmin=0, vmax=1, interpolation="nearest")
    texts = [label(name) for name in names]
    axes.set_xticks(range(len(names)), texts, rotation=90, fontsize=9)
    axes.set_yticks(range(len(names)), texts, fontsize=9)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("... have this tag, too", fontsize=11)
    axes.set_ylabel("of the photos with this tag ...", fontsize=11)
    bar = figure.colorbar(image, ax=axes, shrink=0.7, format=PercentFormatter(1))
    bar.outline.set_visible(False)
    return figure


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e0e0e0", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=10)
    axes.xaxis.label.set_fontsize(11)
    axes.yaxis.label.set_fontsize(11)


def _draw(axes: Axes, curve: PrecisionRecall, **style: Any) -> None:
    """Draw a curve; of one with very many points, those at which recall has grown by a pixel."""
    points = np.arange(len(curve.recall))
    if len(points) > MOST_POINTS:
        points = np.unique(np.searchsorted(curve.recall, np.linspace(0, 1, MOST_POINTS)))
    axes.plot(curve.recall[points], curve.precision[points], **style)
