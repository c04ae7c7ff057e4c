"""What heat maps cost: all of a photo's against tagging it, and five against torch with hooks and the package grad-cam.

    python benchmarks/heatmaps.py [--rounds 5] [--photos 52] [--json FILE]

Every way runs in a process of its own, in turns with the others, on photos of 500 x 375; medians over the rounds.

- tag, all maps: `Tagger.tag_many`, and `Tagger.analyse_many` with the maps of every tag;
- five maps: `Tagger.analyse_many` with the maps of five tags; five fine maps: the same with `fine=True`;
- hooks: ResNet-18 and the same head in torch, the last stage's output kept by a hook, and one `backward` a tag;
- grad-cam: the same network in the package grad-cam, five targets.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measuring import SIZES, Children, Way, Work, machine_line, make_photos, print_table

TAGS = 5
MODELS = ("lite2", "lite0", "resnet18")


def tag(model: str) -> Work:
    """Tags alone."""
    from vectortag.inference.tagger import Tagger

    tagger = Tagger.load(model, additions=False)
    return lambda photos: list(tagger.tag_many(photos))


def maps(model: str, count: int | None, fine: bool = False) -> Work:
    """Tags and maps from one forward pass; of fine maps, from two."""
    from vectortag.inference.tagger import Tagger

    tagger = Tagger.load(model, additions=False)
    wanted = tagger.tags if count is None else tagger.tags[:count]
    return lambda photos: [analysis.heatmaps(wanted) for analysis in tagger.analyse_many(photos, fine=fine)]


def _network() -> Any:
    import timm
    from torch import nn

    head = nn.Sequential(nn.Linear(512, 256), nn.ReLU(), nn.Dropout(0.4), nn.Linear(256, 298))
    return nn.Sequential(timm.create_model("resnet18", pretrained=False, num_classes=0), head).eval()


def _pixels(photo: Path) -> Any:
    import torch

    from vectortag.runtime.pixels import PixelRecipe, load_pixels

    pixels = torch.from_numpy(load_pixels(photo, 224, PixelRecipe()).copy()).permute(2, 0, 1)
    return (pixels.float() / 127.5 - 1)[None]


def hooks() -> Work:
    """As most people write it."""
    import torch

    network = _network()
    kept: list[Any] = []
    network[0].layer4.register_forward_hook(lambda _module, _given, cells: kept.append(cells))

    def work(photos: Sequence[Path]) -> None:
        for photo in photos:
            kept.clear()
            logits = network(_pixels(photo))
            for place in range(TAGS):
                (gradients,) = torch.autograd.grad(logits[0, place], kept[0], retain_graph=True)
                torch.relu((gradients.mean(dim=(2, 3), keepdim=True) * kept[0]).sum(dim=1)).numpy(force=True)

    return work


def package() -> Work:
    """pytorch-grad-cam."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    network = _network()
    cam = GradCAM(model=network, target_layers=[network[0].layer4[-1]])

    def work(photos: Sequence[Path]) -> None:
        for photo in photos:
            pixels = _pixels(photo)
            for place in range(TAGS):
                cam(input_tensor=pixels, targets=[ClassifierOutputTarget(place)])

    return work


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--photos", type=int, default=52)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    ways: dict[str, Way] = {"hooks": (hooks, ()), "grad-cam": (package, ())}
    for model in MODELS:
        ways |= {f"{model}: tag": (tag, (model,)), f"{model}: all maps": (maps, (model, None))}
        ways |= {f"{model}: five maps": (maps, (model, TAGS)), f"{model}: five fine maps": (maps, (model, TAGS, True))}
    children = Children(ways)
    with tempfile.TemporaryDirectory() as folder:
        photos = make_photos(Path(folder) / "photos", SIZES["500x375"])
        children.measure(
            "photo", (photos * (1 + arguments.photos // len(photos)))[: arguments.photos], rounds=arguments.rounds
        )
    rows = []
    for name in ways:
        cpu, wall = children.medians(name, "photo")
        model = name.partition(":")[0]
        over_tag = cpu / children.medians(f"{model}: tag", "photo")[0] if model in MODELS else ""
        theirs = children.medians("grad-cam", "photo")[0] / cpu
        rows.append({"way": name, "CPU ms": cpu, "wall ms": wall, "over tag": over_tag, "grad-cam /": theirs})
    print(machine_line(), "\n")
    print_table(rows, arguments.json)


if __name__ == "__main__":
    main()
