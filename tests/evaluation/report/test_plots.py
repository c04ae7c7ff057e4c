"""The figures of a report: what they show, and that nothing in them covers anything else."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import combinations
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vectortag.evaluation.metrics import Reliability
from vectortag.evaluation.report.curves import PrecisionRecall
from vectortag.model.history import Epoch, Learning

LONG = "a tag whose name is far too long for any figure"
EVEN = Reliability(np.linspace(0.1, 0.9, 5), np.linspace(0.0, 1.0, 5), np.array([900, 40, 10, 5, 60]))
CURVE = PrecisionRecall(np.array([1.0, 0.5, 0.67, 0.5]), np.array([0.3, 0.3, 0.7, 1.0]))


@pytest.fixture
def plots(need_module: Callable[[str], ModuleType]) -> Any:
    need_module("matplotlib")
    return need_module("vectortag.evaluation.report.plots")


@pytest.fixture
def make_epochs() -> Callable[[int], Any]:
    """make_epochs(5): so many epochs of different figures."""
    return lambda count: tuple(Epoch(1 / n, 2 / n, 0.1 * n) for n in range(1, count + 1))


@pytest.fixture
def make_figure(plots: Any, make_epochs: Any) -> Callable[[str], Any]:
    """make_figure("reliability"): one of the four figures, with names as long as they come."""
    names = ["_hidden", "$x$", LONG, *(f"tag number {n}" for n in range(27))]
    shares = np.random.default_rng(0).random((30, 30))
    curves = [(f"{plots.label(name)} 0.52", CURVE) for name in names[:3]]
    figures = {
        "learning": lambda: plots.learning_curve(Learning(make_epochs(30), best=12)),
        "one epoch": lambda: plots.learning_curve(Learning(make_epochs(1), best=0)),
        "precision and recall": lambda: plots.precision_recall_curves(CURVE, curves, curves, operating=(0.5, 0.6)),
        "reliability": lambda: plots.reliability_diagram(EVEN, EVEN, (0.1, 0.05)),
        "co-occurrence": lambda: plots.co_occurrence_matrix(names, shares),
        "two tags": lambda: plots.co_occurrence_matrix(["sea", LONG], shares[:2, :2]),
    }
    return lambda name: figures[name]()


EVERY_FIGURE = pytest.mark.parametrize(
    "name", ["learning", "one epoch", "precision and recall", "reliability", "co-occurrence", "two tags"]
)


def lines(axes: Any) -> dict[str, tuple[list[float], list[float]]]:
    """The data of the labelled lines: label -> x and y."""
    drawn = {line.get_label(): line for line in axes.get_lines()}
    return {name: (list(line.get_xdata()), list(line.get_ydata())) for name, line in drawn.items()}


def texts_in(figure: Any) -> list[Any]:
    """Every text that is drawn; matplotlib keeps some labels of ticks beyond the ends of an axis, which are not."""
    from matplotlib.text import Text

    hidden = set()
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        beyond = [tick for tick in axis.get_major_ticks() if not low - 1e-9 <= tick.get_loc() <= high + 1e-9]
        hidden |= {text for tick in beyond for text in (tick.label1, tick.label2)}
    texts = figure.findobj(Text)
    return [text for text in texts if text not in hidden and text.get_visible() and text.get_text().strip()]


@EVERY_FIGURE
def test_no_text_covers_another_or_leaves_the_figure(make_figure, name: str):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = make_figure(name)
    FigureCanvasAgg(figure).draw()

    boxes = [(text.get_text(), text.get_window_extent()) for text in texts_in(figure)]
    covered = [(a, b) for (a, one), (b, other) in combinations(boxes, 2) if one.shrunk(0.98, 0.9).overlaps(other)]
    paper = figure.bbox.padded(1)
    outside = [text for text, box in boxes if not (paper.contains(box.x0, box.y0) and paper.contains(box.x1, box.y1))]
    assert len(boxes) >= 4
    assert (covered, outside) == ([], [])


@EVERY_FIGURE
def test_a_figure_becomes_a_png_and_pyplot_is_left_alone(plots, make_figure, name: str):
    with Image.open(io.BytesIO(plots.to_png(make_figure(name)))) as image:
        assert image.format == "PNG"
        assert image.width >= 400
        assert len(image.convert("RGB").getcolors(1 << 24)) > 10


def test_nothing_global_is_touched(plots, make_figure):
    import matplotlib as mpl
    from matplotlib import pyplot

    before = dict(mpl.rcParams)
    plots.to_png(make_figure("co-occurrence"))

    assert dict(mpl.rcParams) == before
    assert pyplot.get_fignums() == []


def test_a_matrix_without_tags_says_so(plots):
    figure = plots.co_occurrence_matrix([], np.empty((0, 0)))

    plots.to_png(figure)
    assert [text.get_text() for text in texts_in(figure)] == ["no tag is known of any photo"]


def test_the_learning_curve_has_every_epoch_and_marks_the_best(plots, make_epochs):
    losses, precisions = plots.learning_curve(Learning(make_epochs(3), best=1)).axes

    drawn = lines(losses)
    assert drawn["training"] == ([1, 2, 3], pytest.approx([1, 1 / 2, 1 / 3]))
    assert drawn["validation"] == ([1, 2, 3], pytest.approx([2, 1, 2 / 3]))
    assert lines(precisions)["validation"] == ([1, 2, 3], pytest.approx([0.1, 0.2, 0.3]))
    assert drawn["best: epoch 2"][0] == lines(precisions)["best: epoch 2"][0] == [2, 2]


def test_a_map_that_does_not_exist_leaves_a_gap(plots):
    figure = plots.learning_curve(Learning((Epoch(1, 1, float("nan")), Epoch(1, 1, 0.5)), best=1))

    plots.to_png(figure)
    assert np.isnan(lines(figure.axes[1])["validation"][1]).tolist() == [True, False]


def test_the_curves_are_drawn_point_by_point_under_their_names(plots):
    (axes,) = plots.precision_recall_curves(CURVE, [("sea 0.9", CURVE)], [], operating=(0.4, 0.7)).axes

    drawn = lines(axes)
    assert drawn["all entries together"] == drawn["sea 0.9"] == (CURVE.recall.tolist(), CURVE.precision.tolist())
    assert drawn["at the model's thresholds"] == ([0.4], [0.7])


def test_a_curve_of_very_many_points_keeps_its_shape(plots):
    recall = np.sort(np.random.default_rng(0).random(300_000)) ** 3
    many = PrecisionRecall(1 - recall**2, recall / recall[-1])

    (axes,) = plots.precision_recall_curves(many, [], [], operating=(0.4, 0.7)).axes

    x, y = lines(axes)["all entries together"]
    assert len(x) <= plots.MOST_POINTS
    assert np.abs(np.interp(many.recall, x, y) - many.precision).max() < 0.01


def test_a_set_that_cannot_be_judged_has_an_empty_curve(plots):
    nothing = PrecisionRecall(np.empty(0), np.empty(0))

    figure = plots.precision_recall_curves(nothing, [], [], operating=(0, 0))

    plots.to_png(figure)
    assert lines(figure.axes[0])["all entries together"] == ([], [])


def test_reliability_is_drawn_before_and_after_with_its_error_and_without_empty_bins(plots):
    gap = Reliability(np.array([0.1, np.nan, 0.9]), np.array([0.2, np.nan, 0.7]), np.array([6, 0, 3]))

    shares, _ = plots.reliability_diagram(EVEN, gap, (0.12341, 0.0567)).axes

    drawn = lines(shares)
    assert drawn["before calibration: ECE 0.1234"] == (EVEN.score.tolist(), EVEN.share.tolist())
    assert drawn["after: ECE 0.0567"] == ([0.1, 0.9], [0.2, 0.7])


def test_the_matrix_has_a_named_row_and_column_for_each_tag(plots):
    shares = np.array([[np.nan, 0.25], [1.0, np.nan]])

    axes, _ = plots.co_occurrence_matrix(["sea", "sky"], shares).axes

    np.testing.assert_array_equal(axes.get_images()[0].get_array().filled(np.nan), shares)
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [text.get_text() for text in labels] == ["sea", "sky"]


def test_every_curve_is_in_the_legend_whatever_its_tag_is_called(plots):
    curves = [(f"{plots.label(name)} 0.52", CURVE) for name in ("_hidden", "$x$", LONG)]

    (legend,) = plots.precision_recall_curves(CURVE, curves, [], operating=(0.4, 0.7)).legends

    entries = [text.get_text().strip() for text in legend.get_texts()]
    assert entries[2:] == ["_hidden 0.52", r"\$x\$ 0.52", "a tag whose name is far… 0.52"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("sea", "sea"), (LONG, "a tag whose name is far…"), ("_sea", " _sea"), ("100$ or $200", r"100\$ or \$200")],
)
def test_labels_are_short_and_mean_what_they_say(plots, text: str, shown: str):
    assert plots.label(text) == shown
