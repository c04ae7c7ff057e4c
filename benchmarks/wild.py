"""What a model names on photos of sources unlike each other, beside what its frozen ImageNet classes say.

    VECTORTAG_MORE=... python benchmarks/wild.py [--models lite2 ...] [--json benchmarks/wild.json]

VECTORTAG_MORE is a folder of photo sets, `<set>/metadata.csv` with a column `split`; their validation parts are scored
at the model's default thresholds by the code that tags. A set has subject tags, `SUBJECTS`: what its labels surely say.
Figures, in percent:

- named: photos of which at least one of the subject tags that they have is shown;
- found: of all pairs of a photo and a subject tag that it has, how many are shown;
- right: of all subject tags that are shown, how many the photo has; where a set's labels are complete for them;
- map: mean average precision over the subject tags with 5 photos or more, where labels are complete;
- silent: photos without any tag.

`classes_named` is what the ImageNet classes alone name, a tag's classes summed, from 0.3 on. The shipped models have
learnt other photos of these sets; `left_out` is taken from the model folder: what a head that saw no photo of the set
makes of it.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from measuring import print_table

from vectortag.core.types import FloatArray
from vectortag.data.embedding_cache import embed_photos
from vectortag.data.records import read_data_set
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import NETWORK
from vectortag.model.precision import PRECISIONS, Precision
from vectortag.model.registry import shipped_models
from vectortag.model.taxonomy import Taxonomy

COCO18 = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse",
)  # fmt: skip
VOC = (
    "airplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "table", "dog", "horse",
    "motorcycle", "person", "potted plant", "sheep", "couch", "train", "tv",
)  # fmt: skip
SUBJECTS: Mapping[str, Sequence[str]] = {
    "houses": ("bedroom", "bathroom", "kitchen", "house"),
    "scenesbw": ("bedroom", "kitchen", "living room", "office"),
    "weather": ("sunset", "clouds", "rain", "sky"),
    "receipts": ("receipt", "document"),
    "daynight": ("night", "city"),
    "flowers": ("tulip", "rose", "daisy", "dandelion", "sunflower", "flower"),
    "grocery": ("fruit", "vegetable", "food"),
    "food10": ("food",),
    "clothing": ("clothing", "shirt", "t-shirt", "pants", "shoes", "dress", "jacket", "shorts", "hat", "skirt"),
    "animalpose": ("cat", "cow", "dog", "horse", "sheep"),
    "voc12animals": VOC,
    "coco18": COCO18,
}
COMPLETE = ("voc12animals", "coco18")
CLASS_THRESHOLD = 0.3
ENOUGH = 5
"""Photos that a tag must have for an average precision of its own."""

Mask = npt.NDArray[np.bool_]


def truth_of(words: Sequence[Sequence[str]], subjects: Sequence[str], taxonomy: Taxonomy, name: str) -> Mask:
    """(N, S): which of the subject tags each photo has, by its words."""
    tags = [taxonomy.tags_of(some, dataset=name) for some in words]
    return np.array([[subject in of_one for subject in subjects] for of_one in tags], bool)


def figures(truth: Mask, shown: Mask, scores: FloatArray, any_tag: Mask, *, complete: bool) -> dict[str, Any]:
    """What one set says of a model.

    Args:
        truth, shown: (N, S) of the subject tags.
        scores: (N, S), NaN for a tag that the model does not have.
        any_tag: (N,), whether any tag at all is shown.
    """
    has_subject = truth.any(axis=1)
    found: dict[str, Any] = {
        "photos": len(truth),
        "named": percent((truth & shown).any(axis=1)[has_subject]),
        "found": percent(shown[truth]),
        "silent": percent(~any_tag),
    }
    if complete:
        found["right"] = percent(truth[shown])
        precisions = [average_precision(truth[:, tag], scores[:, tag]) for tag in range(truth.shape[1])]
        found["map"] = round(100 * float(np.mean([one for one in precisions if one is not None])), 1)
    return found


def average_precision(truth: npt.NDArray[np.bool_], scores: FloatArray) -> float | None:
    """Of one tag, (N,), (N,); None where too few photos have it or the model has no such tag."""
    if truth.sum() < ENOUGH or np.isnan(scores).any():
        return None
    ranked = truth[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(ranked) / np.arange(1, len(ranked) + 1))[ranked].mean())


def percent(values: npt.NDArray[np.bool_]) -> float | None:
    return round(100 * float(values.mean()), 1) if len(values) else None


def by_classes(tagger: Tagger, embeddings: FloatArray, subjects: Sequence[str]) -> Mask:
    """(N, S): which subject tags the ImageNet classes alone show."""
    classifier, groups = tagger.folder.classifier, Taxonomy.load().groups
    if classifier is None:
        return np.zeros((len(embeddings), len(subjects)), bool)
    members = np.array([[name in groups.get(subject, ()) for name in classifier.names] for subject in subjects])
    return classifier.probabilities(embeddings) @ members.T.astype(np.float32) >= CLASS_THRESHOLD


def score_set(tagger: Tagger, folder: Path) -> dict[str, Any]:
    """The figures of a model on the validation part of a set."""
    name, taxonomy = folder.name, tagger.folder.manifest.taxonomy
    data = read_data_set(folder)
    records = [record for record in data.records if record.split == "val"]
    network = tagger.folder.manifest.files[NETWORK]
    found, failed = embed_photos(tagger.embedder, network, [record.path for record in records])
    if failed:
        raise SystemExit(str(failed[0]))
    readable, embeddings = records, np.stack([found[record.path] for record in records])
    scores = tagger.scores(embeddings)
    shown = tagger.shown(scores)
    places = {tag: place for place, tag in enumerate(tagger.tags)}
    subjects = SUBJECTS[name]
    columns = [places.get(subject) for subject in subjects]
    truth = truth_of([record.words for record in readable], subjects, taxonomy, name)
    own_shown = np.stack([np.zeros(len(shown), bool) if c is None else shown[:, c] for c in columns], axis=1)
    own_scores = np.stack([np.full(len(shown), np.nan) if c is None else scores[:, c] for c in columns], axis=1)
    scored = figures(truth, own_shown, own_scores, shown.any(axis=1), complete=name in COMPLETE)
    classes = by_classes(tagger, embeddings, subjects)
    scored["classes_named"] = percent((truth & classes).any(axis=1)[truth.any(axis=1)])
    scored["by_tag"] = {
        subject: percent(own_shown[truth[:, place], place])
        for place, subject in enumerate(subjects)
        if truth[:, place].sum() >= ENOUGH
    }
    return scored


def score_model(path: Path, root: Path, precision: Precision) -> dict[str, Any]:
    """The figures of a model on all sets."""
    tagger = Tagger.load(path, additions=False, precision=precision)
    sets = {name: score_set(tagger, root / name) for name in SUBJECTS if (root / name / "metadata.csv").is_file()}
    manifest = tagger.folder.manifest
    return {
        "sha256": tagger.folder.digest,
        "precision": tagger.embedder.session.precision,
        "sets": sets,
        "left_out": manifest.metrics.get("left_out", {}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="What models name on photos of many sources.")
    parser.add_argument("--models", nargs="+", default=[folder.name for folder in shipped_models()])
    parser.add_argument("--json", type=Path, help="keep the figures here; those of other models stay")
    parser.add_argument("--precision", choices=PRECISIONS, default="exact")
    arguments = parser.parse_args()
    root = Path(os.environ["VECTORTAG_MORE"])
    folders = {folder.name: folder for folder in shipped_models()}
    kept = json.loads(arguments.json.read_text()) if arguments.json and arguments.json.is_file() else {}
    rows = []
    for name in arguments.models:
        kept[name] = score_model(folders.get(name, Path(name)), root, arguments.precision)
        for data, found in kept[name]["sets"].items():
            rows.append({"model": name, "set": data} | {key: found.get(key, "") for key in COLUMNS})
    print_table(rows, None)
    if arguments.json:
        arguments.json.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


COLUMNS = ("photos", "named", "found", "right", "map", "silent", "classes_named")

if __name__ == "__main__":
    main()
