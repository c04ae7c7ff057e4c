"""CPU and wall time to tag a photo, against the usual way in torch, the floor, and ONNX Runtime.

    python benchmarks/tagging.py [--rounds 5] [--photos 208] [--sizes 500x375 ...] [--cores N] [--json FILE]

Every way runs in a process of its own, in turns with the others; the figures are medians over the rounds.

- usual: Pillow decodes the whole photo, torchvision resizes it, ResNet-18 and the head run in eager torch, a photo at
  a time;
- decode SIZE, MODEL runtime: what cannot be saved: decoding and resizing alone, to the model's input size, with Pillow
  ("exact") or the quicker way of lower precisions ("auto"); the bare runtime alone, on pixels that are ready;
- MODEL auto: `Tagger.tag_many` with what "auto" chooses here; MODEL exact: in float32; MODEL one by one: what it would
  be without batches, where the processor has VNNI or AMX;
- MODEL onnxruntime: the same in ONNX Runtime, in float32 and int8, with the same decoding.

`over floor` is the CPU time over decode + runtime together, the median of the rounds' own ratios, since a machine that
others use drifts; `busy` the share of all cores' time that was used.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from measuring import SIZES, Children, Way, Work, machine_line, make_photos, print_table

from vectortag.core.types import ByteArray
from vectortag.runtime.cpu import usable_cores

MODELS = ("lite2", "lite0", "resnet18")


def usual() -> Work:
    """Torch in eager mode, as most scripts have it."""
    import timm
    import torch
    from PIL import Image
    from torch import nn
    from torchvision import transforms

    head = nn.Sequential(nn.Linear(512, 256), nn.ReLU(), nn.Dropout(0.4), nn.Linear(256, 298))
    network = nn.Sequential(timm.create_model("resnet18", pretrained=False, num_classes=0), head).eval()
    pixels = transforms.Compose(
        [
            transforms.Resize((224, 224)),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )

    def work(photos: Sequence[Path]) -> None:
        with torch.inference_mode():
            for photo in photos:
                torch.sigmoid(network(pixels(Image.open(photo).convert("RGB"))[None]))

    return work


def decode(size: int, precision: str) -> Work:
    """Decoding and resizing alone, on all cores."""
    from vectortag.runtime.pixels import PixelRecipe, load_pixels

    pool, recipe, exact = ThreadPoolExecutor(usable_cores()), PixelRecipe(), precision == "exact"
    return lambda photos: list(pool.map(lambda photo: load_pixels(photo, size, recipe, exact=exact), photos))


def runtime(model: str, precision: str) -> Work:
    """The bare runtime on pixels that are ready, on all cores, as the tagger calls it."""
    from vectortag.inference.tagger import Tagger
    from vectortag.runtime.embedder import GROUP, LARGEST_IN_BATCHES

    embedder = Tagger.load(model, precision=precision, additions=False).embedder
    pool, session = ThreadPoolExecutor(usable_cores()), embedder.session
    batch = session.batch if embedder.size <= LARGEST_IN_BATCHES else 1
    ready: dict[Path, ByteArray] = {}

    def work(photos: Sequence[Path]) -> None:
        for photo in photos:
            if photo not in ready:
                ready[photo] = embedder.pixels(photo)
        images = [ready[photo] for photo in photos]
        groups = (np.stack(images[first : first + GROUP]) for first in range(0, len(images), GROUP))
        list(pool.map(lambda group: session.run(group, batch=batch, concurrent=True), groups))

    return work


def ours(model: str, precision: str, name: str, one_by_one: bool = False) -> Work:
    """`tag_many`."""
    from vectortag.inference.tagger import Tagger

    tagger = Tagger.load(model, precision=precision, runtime=name, additions=False)
    if one_by_one:
        tagger.embedder.session.batch = 1
    return lambda photos: list(tagger.tag_many(photos))


def ways() -> dict[str, Way]:
    """By name."""
    from vectortag.model.folder import find_model_folder
    from vectortag.model.precision import choose, open_model

    found: dict[str, Way] = {"usual": (usual, ())}
    for size in sorted({input_size(model) for model in MODELS}):
        found |= {f"decode {size} {precision}": (decode, (size, precision)) for precision in ("exact", "auto")}
    for model in MODELS:
        folder = find_model_folder(model)
        precisions = ["exact"] if choose(folder).precision == "f32" else ["auto", "exact"]
        for precision in precisions:
            found[f"{model} runtime {precision}"] = (runtime, (model, precision))
            found[f"{model} {precision}"] = (ours, (model, precision, "openvino"))
        if open_model(folder).batch > 1:
            found[f"{model} one by one"] = (ours, (model, "auto", "openvino", True))
        for precision in ("exact", "int8")[: 2 if folder.has_int8 else 1]:
            found[f"{model} onnxruntime {precision}"] = (ours, (model, precision, "onnxruntime"))
    return found


def over_floor(children: Children, size: str, name: str, floor: Sequence[str]) -> float:
    """CPU time over that of the parts that cannot be saved."""
    rounds = zip(*(children.results[way, size] for way in (name, *floor)), strict=True)
    return statistics.median(whole[0] / sum(part[0] for part in parts) for whole, *parts in rounds)


def input_size(model: str) -> int:
    """Pixels a side."""
    from vectortag.model.folder import find_model_folder

    return find_model_folder(model).manifest.sizes[0]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--photos", type=int, default=208)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=[*SIZES])
    parser.add_argument("--cores", type=int)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    every, pixels = ways(), {model: input_size(model) for model in MODELS}
    children = Children(every, arguments.cores)
    cores = arguments.cores or usable_cores()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for size in arguments.sizes:
            photos = make_photos(Path(folder) / size, SIZES[size])
            count = max(len(photos), arguments.photos // (1 if SIZES[size][0] < 1000 else 2))
            children.measure(size, (photos * (1 + count // len(photos)))[:count], rounds=arguments.rounds)
    print(machine_line(), f"({cores} used)\n")
    for size in arguments.sizes:
        usual_cpu, usual_wall = children.medians("usual", size)
        for name in every:
            cpu, wall = children.medians(name, size)
            row = {"photos": size, "way": name, "CPU ms": cpu, "wall ms": wall, "busy": cpu / wall / cores}
            row |= {"CPU: usual /": usual_cpu / cpu, "wall: usual /": usual_wall / wall}
            model, _, precision = name.partition(" ")
            bare = f"{model} runtime {precision}"
            over: float | str = ""
            if (bare, size) in children.results:
                over = over_floor(children, size, name, (f"decode {pixels[model]} {precision}", bare))
            rows.append(row | {"over floor": over})
    print_table(rows, arguments.json)


if __name__ == "__main__":
    main()
