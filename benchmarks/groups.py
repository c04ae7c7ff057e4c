"""How good are tags that no photo has taught, made of the classes that the backbone was pretrained with?

    VECTORTAG_DATA=... python benchmarks/groups.py --model lite2

On the validation photos, by average precision: for each tag that is both taught and a group of the taxonomy, what the
group alone gives, which has seen no photo of the sets, beside the taught row; and the groups that are tags of the model
by themselves, where the sets happen to name them. Then, at each profile's threshold, how often the latter are right.
"""

from __future__ import annotations

import argparse
import json
import os

import numpy as np

from vectortag.data.records import read_data_set
from vectortag.data.vocabulary import build_targets, judgeable
from vectortag.evaluation.evaluate import choose_part, embed_records, known_in
from vectortag.evaluation.metrics import average_precision
from vectortag.inference.tagger import Tagger
from vectortag.model.calibration import PROFILES
from vectortag.model.class_groups import group_block
from vectortag.model.taxonomy import Taxonomy

SETS = ("coco", "corel5k", "flickr8k")
FEWEST = 5
"""Tags with fewer positives in the validation photos of all sets are left out."""


def main() -> None:
    """Measure and print two tables and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="lite2")
    tagger = Tagger.load(parser.parse_args().model, additions=False, precision="exact")
    manifest, classifier = tagger.folder.manifest, tagger.folder.classifier
    if classifier is None:
        raise SystemExit(f"{tagger.id}: the model has no classifier of its own")
    embeddings, targets = _validation(tagger)
    taxonomy = Taxonomy.load()
    taught = manifest.head[0].tags
    both = [tag for tag in manifest.tags[:taught] if tag in taxonomy.groups]
    places = [manifest.tags.index(tag) for tag in both]
    groups = average_precision(group_block(classifier, taxonomy, both).logits(embeddings), targets[:, places])
    scores = tagger.scores(embeddings)
    precisions = average_precision(scores, targets)
    support = (targets == 1).sum(axis=0)
    enough = [row for row, place in enumerate(places) if support[place] >= FEWEST]
    print(f"{'tag':20} photos  group  taught   (average precision, %)")
    for row in sorted(enough, key=lambda row: -groups[row]):
        place = places[row]
        print(f"{both[row]:20} {support[place]:6} {100 * groups[row]:6.1f} {100 * precisions[place]:7.1f}")
    others = [p for p in range(taught, len(manifest.tags)) if support[p] >= FEWEST and not np.isnan(precisions[p])]
    print(f"\n{'untaught tag':20} photos    AP")
    for place in sorted(others, key=lambda place: -precisions[place]):
        print(f"{manifest.tags[place]:20} {support[place]:6} {100 * precisions[place]:6.1f}")
    result = {
        "model": tagger.id,
        "taught tags": len(enough),
        "group mAP": _percent(groups[enough].mean()),
        "taught mAP": _percent(precisions[[places[row] for row in enough]].mean()),
        "untaught tags that the sets name": len(others),
        "untaught mAP": _percent(precisions[others].mean()),
    }
    for profile in PROFILES:
        shown = scores[:, taught:] >= manifest.operating_points[0].calibration.thresholds[profile][taught:]
        right, wrong = ((shown & (targets[:, taught:] == said)).sum() for said in (1, 0))
        result[f"{profile}: shown"] = int(right + wrong)
        result[f"{profile}: right"] = _percent(right / max(right + wrong, 1))
    print(json.dumps(result, indent=2))


def _validation(tagger: Tagger) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings (N, K) and targets (N, T) of the validation photos of all sets."""
    parts = []
    for name in SETS:
        data = read_data_set(f"{os.environ['VECTORTAG_DATA']}/{name}/metadata.csv", name=name)
        records = choose_part(data, "val", tagger.folder.manifest)
        embeddings, readable, _ = embed_records(tagger, records)
        known = known_in(data, tagger.folder.manifest)
        parts.append(
            (embeddings, judgeable(build_targets(readable, tagger.tags, tagger.folder.manifest.taxonomy, known)))
        )
    embeddings, targets = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return embeddings, targets


def _percent(share: float) -> float:
    return round(100 * float(share), 1)


if __name__ == "__main__":
    main()
