"""vectortag evaluate"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from vectortag.apps.cli import options
from vectortag.apps.cli.output import notes, open_output, stdout
from vectortag.apps.formats import to_json
from vectortag.data.outputs import REPORT_JSON, InputFiles, check_output
from vectortag.data.records import KNOWN_TAGS
from vectortag.evaluation.evaluate import Report, Split
from vectortag.evaluation.evaluate import evaluate as evaluate_model
from vectortag.evaluation.protocols import Averages, Corel5k, Protocol, ProtocolReport, evaluate_by_protocol
from vectortag.inference.tagger import Tagger


def evaluate(
    model: Annotated[str, typer.Argument(help="A model's name or folder.", show_default=False)],
    data: Annotated[Path, typer.Argument(help="A metadata.csv, or its folder.", show_default=False)],
    split: Annotated[Split, typer.Option(help="The part of the data set to use.")] = "all",
    dataset: options.DataName = None,
    protocol: Annotated[
        Protocol | None,
        typer.Option(help="Figures as papers report them. corel5k: five words per photo; coco: mAP, CF1, OF1."),
    ] = None,
    profile: options.Profile = "balanced",
    size: options.Size = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    output: options.Output = None,
    overwrite: options.Overwrite = False,
    skip_bad_rows: options.SkipBadRows = False,
    runtime: options.Runtime = "auto",
    precision: options.Precision = "auto",
) -> int:
    """Measure a model on tagged photos: mAP, F1, calibration, and figures for each tag.

    `--split val` uses the column `split`. If there is none, it uses the validation photos of the model's training.

    `--protocol` computes the figures of published papers. They do not use the model's thresholds, so `--profile` has no
    effect.

    **Examples**

    `vectortag evaluate resnet18 photos/metadata.csv --split val`

    `vectortag evaluate resnet18 coco/metadata.csv --split val --protocol coco`
    """
    if output is not None:
        check_output(output, REPORT_JSON, inputs=InputFiles([data, data.with_name(KNOWN_TAGS)]), overwrite=overwrite)
    tagger = Tagger.load(model, profile=profile, size=size, runtime=runtime, precision=precision, additions=False)
    report: Report | ProtocolReport
    if protocol:
        report = evaluate_by_protocol(tagger, data, protocol, split=split, dataset=dataset, skip_bad_rows=skip_bad_rows)
    else:
        report = evaluate_model(tagger, data, split=split, dataset=dataset, skip_bad_rows=skip_bad_rows)
    for failure in report.failed:
        notes.print(f"left out: {failure}", style="yellow")
    if as_json or output:
        with open_output(output) as stream:
            stream.write(to_json(report.to_json(), stream, indent=2) + "\n")
    if not as_json:
        made_by = f"{report.model} in {report.precision} at {report.size} pixels"
        stdout().print(f"{made_by} on {report.data}, {report.split}: {report.photos:,} photos")
        if isinstance(report, ProtocolReport):
            _print_lines(_protocol_lines(report))
        else:
            _print(report)
    return 1 if report.failed and not skip_bad_rows else 0


def _print_lines(lines: Iterable[tuple[str, str]]) -> None:
    for name, value in lines:
        stdout().print(f"  {name:18}{value}")


def _protocol_lines(report: ProtocolReport) -> Iterator[tuple[str, str]]:
    figures = report.figures
    if isinstance(figures, Corel5k):
        yield (
            "5 words a photo",
            f"means over {figures.words} test words, {len(figures.missing)} of them not in the model",
        )
        yield "precision", _percent(figures.precision)
        yield "recall", _percent(figures.recall)
        yield "F1", _percent(figures.f1)
        yield "N+", str(figures.n_plus)
        if figures.translated:
            yield "not comparable", "the model's taxonomy translated the words; published figures are of raw words"
    else:
        yield "mAP", f"{_percent(figures.map)}   over {figures.judged} of {figures.categories} categories"
        yield "score >= 0.5", _averages(figures.at_half)
        yield "top 3", _averages(figures.top_three)


def _averages(of: Averages) -> str:
    by_class = f"CP {_percent(of.class_precision)}  CR {_percent(of.class_recall)}  CF1 {_percent(of.class_f1)}"
    overall = f"OP {_percent(of.overall_precision)}  OR {_percent(of.overall_recall)}  OF1 {_percent(of.overall_f1)}"
    return f"{by_class}   {overall}"


def _print(report: Report) -> None:
    five = report.at_five
    rows = [
        ("macro mAP", f"{_percent(report.map)}   over {report.map_tags} tags"),
        ("micro F1", f"{_percent(report.micro_f1)}   at the fitted thresholds"),
        ("macro F1", _percent(report.macro_f1)),
        ("5 tags a photo", f"F1 {_percent(five.f1)}, N+ {five.n_plus}"),
        ("calibration error", f"{_four(report.calibration_error)}   per tag {_four(report.calibration_error_per_tag)}"),
    ]
    _print_lines(rows)
    table = Table("tag", *_NUMBERS, box=None, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for tag in sorted(report.tags, key=lambda t: -(t.average_precision or -1)):
        table.add_row(
            tag.tag,
            str(tag.support),
            _percent(tag.average_precision),
            _two(tag.threshold),
            _percent(tag.precision),
            _percent(tag.recall),
            _percent(tag.f1),
            "-" if tag.calibration_error is None else f"{tag.calibration_error:.3f}",
        )
    stdout().print(table)


_NUMBERS = ("photos", "AP", "threshold", "precision", "recall", "F1", "cal. error")


def _percent(value: float | None) -> str:
    return "   -" if value is None or value != value else f"{100 * value:.1f}"


def _four(value: float) -> str:
    return "-" if value != value else f"{value:.4f}"


def _two(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
