"""MODEL_CARD.md, written from the manifest alone: it can be written again whenever its words change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vectortag.core.plain_text import code_span, escape_markdown
from vectortag.evaluation.card_tables import blind_spots, percent, ranking, reliability_diagram, tag_table
from vectortag.model.folder import ModelFolder
from vectortag.model.manifest import Manifest
from vectortag.model.write_folder import rewrite_model_folder


def write_card(manifest: Manifest) -> str:
    """The model card: what the model is, what it was made from, how good it is, where it fails."""
    return "\n".join(line for part in PARTS for line in part(manifest)) + "\n"


def rewrite_card(folder: ModelFolder) -> ModelFolder:
    """Write a model folder again with the card that its manifest gives today; every other file stays as it is.

    The folder's id changes where the card does, and with it what was added to the model no longer applies.

    Raises:
        ModelFolderError: the folder cannot be written.
    """
    return rewrite_model_folder(
        folder, folder.path, int8_network=folder.int8_content(), words=folder.words, card=write_card
    )


def _config(manifest: Manifest) -> dict[str, Any]:
    config: dict[str, Any] = manifest.provenance.get("config", {})
    return config


def _head(manifest: Manifest) -> Iterator[str]:
    backbone, point = manifest.backbone, manifest.operating_points[0]
    yield f"# {escape_markdown(manifest.name)}"
    yield ""
    architecture, version = escape_markdown(backbone.architecture), str(manifest.provenance.get("vectortag", "?"))
    yield f"A multi-label image tagger: {len(manifest.tags)} tags, {architecture}, {point.size} x {point.size}"
    yield f"pixels. Made with VectorTag {escape_markdown(version)}."
    yield ""
    if any(data.get("rights") for data in _config(manifest).get("data", ())):
        yield "For evaluation and demonstration: the photos it learnt from are research data. Retrain on photos of your"
        yield "own for production."
        yield ""
    if base := manifest.provenance.get("base"):
        network = code_span(str(base))
        yield f"The network is that of {network}, unchanged; the head was fitted on what it sees in the photos below."
        yield ""
    if origin := _config(manifest).get("backbone", {}).get("origin"):
        yield f"**Starting weights.** {escape_markdown(str(origin))}"
        yield ""


def _data(manifest: Manifest) -> Iterator[str]:
    yield "## Data"
    yield ""
    yield "| set | training photos | validation photos | tags whose absence it knows | what | rights |"
    yield "| --- | ---: | ---: | ---: | --- | --- |"
    described = {data["name"]: data for data in _config(manifest).get("data", ())}
    for info in manifest.data_sets:
        about = described.get(info.name, {})
        yield (
            f"| {escape_markdown(info.name)} | {info.train_photos:,} | {len(info.validation):,} | {len(info.known)} "
            f"| {escape_markdown(str(about.get('about', '')))} | {escape_markdown(str(about.get('rights', '')))} |"
        )
    yield ""


def hashes_and_commit(manifest: Manifest) -> Iterator[str]:
    """By what it can be told whether a training was of the same data and the same code."""
    digests = manifest.provenance.get("data")
    if isinstance(digests, Mapping):
        for name, digest in digests.items():
            yield f"- Hash of the photos and words of {escape_markdown(str(name))}: {code_span(str(digest))}"
    if commit := manifest.provenance.get("git"):
        yield f"- Commit of the folder in which it was made: {code_span(str(commit))}"
    if commit or (isinstance(digests, Mapping) and digests):
        yield ""


def _figures(manifest: Manifest) -> Iterator[str]:
    sets = [info.name for info in manifest.data_sets if info.name in manifest.metrics]
    if not sets:
        return
    yield "## Figures"
    yield ""
    yield "On the validation photos, the exported file run by the code that users run; thresholds of the profile"
    yield '"balanced". Macro mAP over the tags that have positives and negatives there.'
    yield ""
    yield from figures_table({name: manifest.metrics[name] for name in sets})
    yield ""
    yield from _larger(manifest, sets)
    cross = manifest.metrics.get("cross_fitted")
    if left_out := manifest.metrics.get("left_out"):
        yield from _left_out(left_out)
        if alone := manifest.metrics.get("one_source"):
            yield f"One source alone teaches {len(alone)} tags, so what they are worth elsewhere is not known:"
            yield f"{', '.join(alone)}."
            yield ""
    elif cross:
        yield "Thresholds and calibration were fitted on these same photos. Fitted on one half of them and judged on"
        yield f"the other, over all sets together: micro F1 {percent(cross['micro_f1'])}, macro F1"
        yield f"{percent(cross['macro_f1'])}. Precision, recall and calibration below are told in this honest way."
        yield ""
    yield from over_folds(manifest)


def over_folds(manifest: Manifest) -> Iterator[str]:
    """The figures over folds, and how many labels look wrong to heads that have not learnt them."""
    if not (folds := manifest.metrics.get("folds")):
        return
    yield f"Over {folds['folds']} folds of all photos, each judged by a head that has not learnt it, mean and standard"
    yield f"deviation: mAP {_spread(folds['map'])}, micro F1 {_spread(folds['micro_f1'])}."
    yield f"Of {folds['labels']:,} labels, {folds['doubted']:,} look wrong to these heads."
    yield ""


def _spread(of: Mapping[str, float | None]) -> str:
    return f"{percent(of['mean'])} ± {percent(of['deviation'])}"


def _left_out(figures: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What heads that had not seen a set made of it."""
    yield "Thresholds and calibration were fitted on sets that were left out: for each, a head was trained that saw no"
    yield "photo of it. What those heads showed there, in percent of what the set names and of what they showed:"
    yield ""
    yield "| set left out | found | right | photos without a tag |"
    yield "| --- | ---: | ---: | ---: |"
    for name, of_set in figures.items():
        found, right, silent = (of_set.get(key) for key in ("found", "right", "silent"))
        yield f"| {name} | {percent(found)} | {percent(right)} | {percent(silent)} |"
    yield ""


def _larger(manifest: Manifest, sets: Sequence[str]) -> Iterator[str]:
    """The figures at the other input sizes."""
    others = manifest.metrics.get("sizes", {})
    if others:
        yield f"That is at {manifest.sizes[0]} pixels. At the other sizes that it offers (`--size`; the profile"
        yield '"thorough" takes the largest):'
        yield ""
        yield from figures_table({f"{name}, {size}": at[name] for size, at in others.items() for name in sets})
        yield ""


def _lower_precisions(manifest: Manifest) -> Iterator[str]:
    if manifest.lost:
        where = "mean of the sets" if len(manifest.sizes) == 1 else "mean of the sets, at the worst size"
        yield f"Points of mAP that a lower precision loses against float32 on the validation photos, {where}:"
        yield f"{', '.join(f'{escape_markdown(name)} {points:+.2f}' for name, points in manifest.lost.items())}."
        yield ""


def _calibration(manifest: Manifest) -> Iterator[str]:
    """Whether scores mean what they say."""
    cross = manifest.metrics.get("cross_fitted")
    if not cross:
        return
    yield "## Do scores mean what they say?"
    yield ""
    yield "Of what gets a score of 0.8, 80 % should have the tag. The expected calibration error is how far scores are"
    yield "from that, on average:"
    yield ""
    yield "| | before calibration | after |"
    yield "| --- | ---: | ---: |"
    for name, what in ERRORS.items():
        if name in cross:
            yield f"| {what} | {_error(cross[f'{name}_before'])} | {_error(cross[name])} |"
    yield ""
    if bins := manifest.metrics.get("reliability"):
        yield "Most tags are absent from most photos and score near 0 there, which makes these figures small. How it is"
        yield "with the other scores shows here: a bar is the share that has the tag, among the entries (a tag of a"
        yield "photo) with such a score; `┃` is their mean score, where the bar should end. One that falls short of it"
        yield "says that the model promises too much."
        yield ""
        yield from reliability_diagram(bins)
        yield ""


def _best_and_worst(manifest: Manifest) -> Iterator[str]:
    figures = manifest.metrics.get("per_tag")
    if not figures:
        return
    yield "## The best and the worst tags"
    yield ""
    yield from ranking(manifest.tags, figures)
    yield ""
    yield "There are no photos here, for the rights in them are not ours to give. A typical photo of each of these tags"
    yield "with its heat map is in the report; make it from the data sets above, wherever you have them:"
    yield code_span(f"vectortag report {manifest.name} DATA...")
    yield ""


def figures_table(summaries: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A Markdown table with a row for each data set, from the summary of its `vectortag.evaluation.evaluate.Report`."""
    yield "| set | photos | mAP | tags | micro F1 | macro F1 | F1 at 5 | N+ at 5 | calibration error |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for name, m in summaries.items():
        five = m["at_five"]
        yield (
            f"| {escape_markdown(name)} | {m['photos']:,} | {percent(m['map'])} | {m['map_tags']} "
            f"| {percent(m['micro_f1'])} | {percent(m['macro_f1'])} | {percent(five['f1'])} | {five['n_plus']} "
            f"| {_error(m['calibration_error'])} |"
        )


def _limits(manifest: Manifest) -> Iterator[str]:
    sizes = " or ".join(map(str, manifest.sizes))
    yield "## Limits"
    yield ""
    yield "- It knows only the tags below; a thing without a tag is passed over in silence, or taken for its neighbour."
    yield f"- It sees every photo squashed to a square of {sizes} pixels: small things in large photos are missed."
    yield "- Its tags follow the words of those who tagged its photos, and repeat their habits and errors."
    yield "- Rare tags were judged on few validation photos."
    if careful := [tag for tag in manifest.tags if tag in manifest.taxonomy.careful]:
        names = ", ".join(map(escape_markdown, careful))
        yield f"- Better left out than wrong, so shown only where nearly all are right: {names}."
        yield "  The profile thorough shows them more often."
    if figures := manifest.metrics.get("per_tag"):
        yield from blind_spots(manifest.tags, figures)
    yield ""


def _tags(manifest: Manifest) -> Iterator[str]:
    yield "## Tags"
    yield ""
    yield from tag_table(manifest)


def _error(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


ERRORS = {"calibration_error": "all entries together", "calibration_error_per_tag": "mean of the tags' own"}

PARTS = (_head, _data, hashes_and_commit, _figures, _lower_precisions, _calibration, _best_and_worst, _limits, _tags)
