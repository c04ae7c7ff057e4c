"""Which families of timm can be a backbone, each tried from its start to a heat map.

    python benchmarks/families.py
    python benchmarks/families.py resnet18 swin_tiny_patch4_window7_224

Each network gets random weights and small images. It is built, trained for a step, exported, and opened by the Tagger
on a photo; the heat map in closed form is compared with the Grad-CAM of autograd in torch. Printed is a table.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

SIZE = 64
"""Pixels a side; a network that takes no such images is tried with its own size."""

TAGS = 16

FAMILIES = [
    "resnet18", "resnetv2_18", "regnety_002", "densenet121", "vgg11_bn", "repvgg_a0", "efficientnet_b0",
    "tf_efficientnet_lite0", "tf_efficientnetv2_b0", "mobilenetv2_035", "mobilenetv3_small_050",
    "mobilenetv4_conv_small_035", "mobilenetv4_hybrid_medium", "ghostnet_050", "hgnetv2_b0", "convnext_atto",
    "convnextv2_atto", "inception_next_atto", "mambaout_femto", "dm_nfnet_f0", "fastvit_t8", "mobileone_s0",
    "vit_tiny_patch16_224", "deit_tiny_patch16_224", "deit_tiny_distilled_patch16_224", "beit_base_patch16_224",
    "eva02_tiny_patch14_224", "vit_small_patch16_dinov3", "swin_tiny_patch4_window7_224", "swinv2_cr_tiny_ns_224",
    "swinv2_tiny_window8_256", "maxvit_nano_rw_256", "coatnet_nano_rw_224", "davit_tiny", "pvt_v2_b0",
    "poolformer_s12", "mixer_s32_224", "xcit_nano_12_p16_224", "cait_xxs24_224", "efficientvit_b0",
    "efficientformer_l1",
    "levit_128s", "mobilevit_xxs", "tiny_vit_5m_224", "edgenext_xx_small", "hiera_tiny_224",
]  # fmt: skip


def main() -> None:
    """Try and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("architectures", nargs="*", default=FAMILIES)
    print("| network | map | size | largest difference of a heat map | seconds |\n| --- | --- | --- | ---: | ---: |")
    for architecture in parser.parse_args().architectures:
        started = time.monotonic()
        try:
            found = tried(architecture)
        except Exception as error:  # whatever it is: it is what the table is for
            found = f"{type(error).__name__}: {error}".splitlines()[0][:250]
        print(f"| `{architecture}` | {found} | {time.monotonic() - started:.0f} |", flush=True)


def tried(architecture: str) -> str:
    """Cells of the table for one network.

    Raises:
        Exception: a step fails.
    """
    import timm
    import torch
    from safetensors.torch import save_file

    from vectortag.train.config import BackboneConfig
    from vectortag.train.network import create_backbone

    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.safetensors"
        whole = timm.create_model(architecture)
        save_file({name: array.contiguous() for name, array in whole.state_dict().items()}, file)
        own = whole.default_cfg["input_size"][-1]
        for size in (SIZE, own):
            try:
                backbone = create_backbone(BackboneConfig(architecture=architecture, init=str(file), image_size=size))
                break
            except Exception:
                if size == own:
                    raise
        return checked(backbone, size, Path(folder))


def checked(backbone, size: int, folder: Path) -> str:
    """Train for a step, export, open, compare."""
    import torch

    from vectortag.train.config import HeadConfig
    from vectortag.train.export import export_backbone
    from vectortag.train.heads import create_head
    from vectortag.train.network import Network

    head = create_head(HeadConfig(dropout=0.0), backbone.width, TAGS, seed=0)
    network = Network(backbone, head).train()
    images = torch.randint(0, 256, (2, size, size, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    before = [parameter.detach().clone() for parameter in network.parameters()]
    optimiser = torch.optim.SGD(network.parameters(), lr=1e-3)
    network(images).square().mean().backward()
    optimiser.step()
    still = sum(bool(old.equal(new)) for old, new in zip(before, network.parameters(), strict=True))
    if still == len(before):
        raise RuntimeError("no parameter learns")
    exported = export_backbone(backbone.eval(), size)
    difference = largest_difference(backbone, head.eval(), exported.network, size, folder)
    sizes = "any" if backbone.takes_any_size else "one"
    kind = type(backbone.to_map).__name__
    left = "" if backbone.feeds_timms_classifier else ", without timm's classifier"
    return f"{kind}{left} | {sizes}, {size} px | {difference:.0e}"


def largest_difference(backbone, head, exported: bytes, size: int, folder: Path) -> float:
    """Between heat maps of the Tagger and of autograd, of a photo of noise."""
    import torch
    from PIL import Image

    from vectortag.train.heads import to_block

    photo = folder / "photo.png"
    pixels = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
    Image.fromarray(pixels).save(photo)
    tagger = opened(exported, to_block(head), backbone, size, folder)
    ours = tagger.analyse(photo).heatmaps(tagger.tags)

    cells = backbone(torch.from_numpy(pixels)[None])
    logits = head(cells.mean(dim=(2, 3)))
    worst = 0.0
    for tag in range(logits.shape[1]):
        (gradients,) = torch.autograd.grad(logits[0, tag], cells, retain_graph=True)
        raw = torch.relu((gradients.mean(dim=(2, 3), keepdim=True) * cells).sum(dim=1))[0]
        raw = (raw - raw.min()) / (raw.max() - raw.min()).clamp(min=1e-12)
        worst = max(worst, float(np.abs(ours[tag].values - raw.detach().numpy()).max()))
    if not any(heatmap.values.any() for heatmap in ours):
        raise RuntimeError("all heat maps are empty")
    return worst


def opened(exported: bytes, block, backbone, size: int, folder: Path):
    """A Tagger of a model folder with this network and this head."""
    from vectortag.inference.tagger import Tagger
    from vectortag.model.head import Head
    from vectortag.model.write_folder import write_model_folder

    tags = tuple(f"tag{number}" for number in range(block.tag_count))
    ones, zeros, half = [1.0] * len(tags), [0.0] * len(tags), [0.5] * len(tags)
    profiles = dict.fromkeys(("precise", "balanced", "thorough"), half)
    model = write_model_folder(
        folder / "model",
        network=exported,
        head=Head((block,)),
        card=lambda manifest: f"# {manifest.name}\n",
        name="tried",
        tags=tags,
        taxonomy={},
        backbone={
            "architecture": "tried",
            "width": backbone.width,
            "stride": backbone.stride,
            "any_size": backbone.takes_any_size,
        },
        pixels={},
        operating_points=[{"size": size, "slope": ones, "bias": zeros, "thresholds": profiles}],
    )
    return Tagger.load(model.path, additions=False, precision="exact")


if __name__ == "__main__":
    main()
