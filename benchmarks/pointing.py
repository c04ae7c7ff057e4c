"""Do heat maps point at the thing? The pointing game (Zhang et al. 2016, arXiv:1608.00507), and how sharp the maps are.

    python benchmarks/pointing.py --photos DIR --boxes instances.json [--models lite0 ...] [--sizes 224 448 ...]
    VECTORTAG_DATA=... python benchmarks/pointing.py --collages [--json FILE]

With `--boxes`, a file in COCO's form says where things are: for each tag of each photo it is a hit where the map's
maximum lies at most 15 pixels from one of the tag's boxes. Categories become tags by the model's taxonomy. With
`--collages`, four of COCO's validation photos become one picture, and for each tag that exactly one of them has, it is
a hit where the maximum lies in its quarter; by chance one in four.

`--sizes` are input sizes of the maps; whose map it is and all scores are those of the model's default size. Figures:

- by tag, overall: the share of hits, the mean over tags that at least `--least` photos have, and over all maps;
- inside: the share of a map's warmth that lies inside the boxes; boxes: the share of the photo that they cover;
- hot: the share of the photo where a map is above half of its maximum; empty: the share of maps that are zero.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measuring import machine_line, print_table
from PIL import Image

from vectortag.data.records import read_data_set
from vectortag.data.split import split_by_column
from vectortag.data.vocabulary import record_tags
from vectortag.inference.tagger import Tagger
from vectortag.model.taxonomy import Taxonomy
from vectortag.runtime.pixels import open_image

TOLERANCE = 15
"""Pixels of the photo, as in the paper."""

SIDE = 256
"""Pixels of a photo in a collage: what the shared set has."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""


@dataclass(frozen=True)
class Scene:
    """A photo, how far from a box a hit may be, and the boxes of each tag."""

    photo: Path
    tolerance: int
    boxes: dict[str, list[Box]]


@dataclass(frozen=True)
class Pointed:
    """One map against the boxes of its tag; all but `hit` are shares of the map's warmth or of the photo's area."""

    hit: bool
    inside: float
    boxes: float
    hot: float
    empty: bool


def judge(heatmap: np.ndarray, size: tuple[int, int], boxes: Sequence[Box], tolerance: int) -> Pointed:
    """Compare a map (h, w) in [0, 1], enlarged to (width, height) as it is drawn, with boxes."""
    values = np.asarray(Image.fromarray(heatmap).resize(size, Image.Resampling.BILINEAR)).clip(0, 1)
    covered = mask(boxes, size)
    allowed = mask([grown(box, tolerance) for box in boxes], size)
    total = float(values.sum())
    if total == 0:
        return Pointed(False, 0.0, float(covered.mean()), 0.0, True)
    hit = bool(allowed.flat[int(values.argmax())])
    return Pointed(
        hit, float(values[covered].sum()) / total, float(covered.mean()), float((values > 0.5).mean()), False
    )


def mask(boxes: Iterable[Box], size: tuple[int, int]) -> np.ndarray:
    """(height, width) bool: the pixels whose middle lies in a box."""
    x, y = np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5
    covered = np.zeros(size[::-1], bool)
    for left, top, right, bottom in boxes:
        covered |= ((y >= top) & (y <= bottom))[:, None] & ((x >= left) & (x <= right))[None]
    return covered


def grown(box: Box, by: int) -> Box:
    left, top, right, bottom = box
    return left - by, top - by, right + by, bottom + by


def read_boxes(file: Path, photos: Path, taxonomy: Taxonomy, tags: Sequence[str], dataset: str) -> list[Scene]:
    """The photos of a COCO-style file that show one of the tags; categories without a tag are left out."""
    content = json.loads(file.read_text("utf-8"))
    names = {one["id"]: taxonomy.canonical(one["name"], dataset=dataset) for one in content["categories"]}
    found: dict[int, dict[str, list[Box]]] = defaultdict(lambda: defaultdict(list))
    for one in content["annotations"]:
        tag = names[one["category_id"]]
        if tag in tags:
            left, top, width, height = one["bbox"]
            found[one["image_id"]][tag].append((left, top, left + width, top + height))
    return [
        Scene(photos / one["file_name"], TOLERANCE, dict(found[one["id"]]))
        for one in content["images"]
        if one["id"] in found
    ]


def make_collages(metadata: Path, folder: Path, taxonomy: Taxonomy, tags: Sequence[str]) -> list[Scene]:
    """Every validation photo of a data set in one collage of four; a tag takes part where one of the four has it."""
    records = split_by_column(read_data_set(metadata, name=metadata.parent.name))[1]
    order = np.random.default_rng(1).permutation(len(records))
    scenes = []
    for number, four in enumerate(order[: len(order) // 4 * 4].reshape(-1, 4)):
        shown = [set(record_tags(records[place], taxonomy)) for place in four]
        picture = Image.new("RGB", (2 * SIDE, 2 * SIDE))
        boxes: dict[str, list[Box]] = {}
        for quarter, place in enumerate(four):
            left, top = SIDE * (quarter % 2), SIDE * (quarter // 2)
            with Image.open(records[place].path) as photo:
                picture.paste(photo.convert("RGB").resize((SIDE, SIDE)), (left, top))
            named = {taxonomy.canonical(word, dataset=records[place].dataset) for word in records[place].words}
            others = set().union(*(shown[other] for other in range(4) if other != quarter))
            for tag in (named & set(tags)) - others:
                boxes[tag] = [(left, top, left + SIDE, top + SIDE)]
        picture.save(folder / f"{number}.png")
        scenes.append(Scene(folder / f"{number}.png", 0, boxes))
    return scenes


def point(tagger: Tagger, scenes: Sequence[Scene], size: int) -> Iterator[tuple[str, Pointed]]:
    """Judge the maps of an input size: the tag of each with the judgement."""
    photos = [scene.photo for scene in scenes]
    seen = zip(
        scenes,
        tagger.embedder.feature_maps(photos),
        tagger.embedder.at(size).feature_maps(photos),
        strict=True,
    )
    for scene, (photo, feature_map), (_, fine) in seen:
        if isinstance(feature_map, Exception) or isinstance(fine, Exception):
            raise SystemExit(f"{feature_map if isinstance(feature_map, Exception) else fine}")
        with open_image(photo, max_pixels=tagger.embedder.recipe.max_pixels) as image:
            pixels = image.size
        for heatmap in tagger.analysis_of(photo, feature_map, fine=fine).heatmaps(scene.boxes):
            yield heatmap.tag, judge(heatmap.values, pixels, scene.boxes[heatmap.tag], scene.tolerance)


def summary(judged: Sequence[tuple[str, Pointed]], least: int) -> dict[str, object]:
    """Shares in percent."""
    hits: dict[str, list[bool]] = defaultdict(list)
    for tag, one in judged:
        hits[tag].append(one.hit)
    by_tag = [np.mean(of) for of in hits.values() if len(of) >= least]
    every = [one for _, one in judged]
    shares = {
        name: 100 * np.mean([getattr(one, name) for one in every]) for name in ("inside", "boxes", "hot", "empty")
    }
    return {
        "tags": len(by_tag),
        "by tag": float(100 * np.mean(by_tag)) if by_tag else "-",
        "maps": len(every),
        "overall": float(100 * np.mean([one.hit for one in every])),
        **{name: float(share) for name, share in shares.items()},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--boxes", type=Path, help="A JSON file in COCO's form: images, annotations, categories.")
    what.add_argument("--collages", action="store_true", help="Collages of COCO's validation photos.")
    parser.add_argument("--photos", type=Path, help="The folder of the photos that the boxes are of.")
    parser.add_argument("--dataset", default="coco", help="The set's name in the taxonomy.")
    parser.add_argument("--models", nargs="+", default=["lite0", "resnet18"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[224, 320, 384, 448, 512])
    parser.add_argument("--precision", default="exact")
    parser.add_argument("--least", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.boxes and not arguments.photos:
        parser.error("--boxes needs --photos")
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for model in arguments.models:
            tagger = Tagger.load(model, precision=arguments.precision, additions=False)
            taxonomy = tagger.folder.manifest.taxonomy
            if arguments.boxes:
                scenes = read_boxes(arguments.boxes, arguments.photos, taxonomy, tagger.tags, arguments.dataset)
            else:
                metadata = Path(os.environ["VECTORTAG_DATA"]) / "coco" / "metadata.csv"
                scenes = make_collages(metadata, Path(scratch), taxonomy, tagger.tags)
            if not scenes:
                raise SystemExit(f"{model}: no photo shows one of its tags")
            for size in arguments.sizes:
                judged = list(point(tagger, scenes, size))
                rows.append({"model": tagger.folder.id, "size": size, **summary(judged, arguments.least)})
    print(machine_line(), "\n")
    print_table(rows, arguments.json)


if __name__ == "__main__":
    main()
