"""How the cost of tagging grows with the number of photos and of tags; with cores, see `tagging.py --cores`.

    python benchmarks/growth.py [--rounds 5] [--json FILE]

CPU milliseconds a photo of 500 x 375 with the network of lite0: jobs of 13 to 1,300 photos, and heads of 10 to 10,000
tags with random weights, all scores made for every photo.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from measuring import SIZES, Children, Way, Work, machine_line, make_photos, print_table

TAGS = (10, 100, 298, 1_000, 10_000)
JOBS = (13, 130, 1_300)


def tagging(model: str) -> Work:
    """`tag_many`."""
    from vectortag.inference.tagger import Tagger

    tagger = Tagger.load(model, additions=False)
    return lambda photos: list(tagger.tag_many(photos))


def write_model(folder: Path, tags: int) -> str:
    """The network of lite0 with a head of so many tags, of which about one in fifty is found in a photo."""
    from vectortag.model.blocks import MlpBlock
    from vectortag.model.head import Head
    from vectortag.model.registry import find_model_folder
    from vectortag.model.write_folder import write_model_folder

    base = find_model_folder("lite0")
    (first, *_) = base.head.blocks
    assert isinstance(first, MlpBlock)
    w2 = np.random.default_rng(0).normal(0, 0.1, (tags, len(first.w1))).astype(np.float32)
    point = base.manifest.operating_points[0]
    written = write_model_folder(
        folder / f"tags{tags}",
        network=base.network.read_bytes(),
        head=Head((MlpBlock(first.w1, first.b1, w2, np.full(tags, -2, np.float32)),)),
        card=lambda manifest: f"# {manifest.name}\n",
        name=f"tags{tags}",
        tags=tuple(f"tag {place}" for place in range(tags)),
        backbone=base.manifest.backbone,
        pixels=base.manifest.pixels,
        operating_points=(
            {
                "size": point.size,
                "slope": [1.0] * tags,
                "bias": [0.0] * tags,
                "thresholds": {profile: [0.5] * tags for profile in point.thresholds},
            },
        ),
    )
    return str(written.path)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        photos = make_photos(folder / "photos", SIZES["500x375"])
        ways: dict[str, Way] = {f"{tags:,}": (tagging, (write_model(folder, tags),)) for tags in TAGS}
        children = Children(ways)
        children.measure("tags", photos * 4, rounds=arguments.rounds)
        rows += [{"what": "tags", "number": name, "CPU ms": children.medians(name, "tags")[0]} for name in ways]
        children = Children({"lite0": (tagging, ("lite0",))})
        for count in JOBS:
            children.measure(str(count), photos * (count // len(photos)), rounds=arguments.rounds)
            cpu, _ = children.medians("lite0", str(count))
            rows.append({"what": "photos", "number": f"{count:,}", "CPU ms": cpu})
    print(machine_line(), "\n")
    print_table(rows, arguments.json)


if __name__ == "__main__":
    main()
