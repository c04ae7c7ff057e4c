"""How fast one epoch trains, against a plain loop and against the bare step.

    VECTORTAG_DATA=... VECTORTAG_WEIGHTS=... python benchmarks/train_step.py --photos 256 --rounds 2

Three ways through the same photos, interleaved, in one process; photos a second and the ratios to two of them, each the
median of the rounds:

    plain     the usual way: Pillow and torchvision in the training process, fp32, NCHW
    engine    `vectortag train` with freeze = "none": prepared photos, worker processes, memory format, precision
    bare      forward, backward and step of the engine's network on one ready batch: what it could reach at most

The first step, in which memory is laid out and workers start, is not counted: an epoch has hundreds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import lightning.pytorch as pl
import torch
from PIL import Image
from torch import nn
from torchvision import transforms

from vectortag.data.training_cache import prepared_photos
from vectortag.train.batches import AugmentedPhotos, Batches, BatchSampler, loader
from vectortag.train.config import BackboneConfig, DataConfig, TrainConfig
from vectortag.train.dataset import TrainingData, load_training_data
from vectortag.train.engine import _precision
from vectortag.train.heads import create_head
from vectortag.train.lightning_module import TagModule
from vectortag.train.losses import create_loss, masked_bce, to_float
from vectortag.train.network import Network, create_backbone
from vectortag.train.sections import ScheduleConfig

BATCH = 32


def main() -> None:
    """Measure and print a table and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", default=["plain", "engine", "bare"], choices=["plain", "engine", "bare"])
    parser.add_argument("--architecture", default="resnet18")
    parser.add_argument("--weights", default="resnet18_imagenet_distilled.safetensors")
    arguments = parser.parse_args()
    config = TrainConfig(
        name="benchmark",
        data=(DataConfig(name="corel5k", csv=f"{os.environ['VECTORTAG_DATA']}/corel5k/metadata.csv"),),
        backbone=BackboneConfig(
            architecture=arguments.architecture, init=f"{os.environ['VECTORTAG_WEIGHTS']}/{arguments.weights}"
        ),
        max_samples=arguments.photos,
        batch_size=BATCH,
        schedule=ScheduleConfig(kind="constant"),
    )
    data = load_training_data(config)
    prepared_photos(data.training.records, config.augment.resize or 224)  # made once, before the first epoch
    ways: dict[str, Callable[[TrainConfig, TrainingData], float]] = {"plain": plain, "engine": engine, "bare": bare}
    rates: dict[str, list[float]] = {name: [] for name in arguments.ways}
    for _ in range(arguments.rounds):
        for name in arguments.ways:
            rates[name].append(ways[name](config, data))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name, rate in medians.items():
        line = f"{name:8}{rate:8.1f} photos/s"
        for other in sorted({"plain", "bare"} & rates.keys() - {name}):
            ratio = statistics.median(a / b for a, b in zip(rates[name], rates[other], strict=True))
            line += f"   {ratio:5.2f} x {other}"
        print(line)
    machine = {
        "machine": platform.processor() or platform.machine(),
        "capability": torch.backends.cpu.get_cpu_capability(),
    }
    print(json.dumps({**machine, "torch": torch.__version__, "precision": str(_precision(config)), **medians}))


def _network(config: TrainConfig, data: TrainingData) -> Network:
    backbone = create_backbone(config.backbone)
    return Network(backbone, create_head(config.head, backbone.width, len(data.tags), seed=config.seed)).train()


def plain(config: TrainConfig, data: TrainingData) -> float:
    """One epoch of the loop that tutorials show."""
    network = _network(config, data)
    optimiser = torch.optim.Adam(network.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    prepare = transforms.Compose(
        [
            transforms.Resize((256, 256)),
            transforms.RandomCrop(224),
            transforms.RandomHorizontalFlip(),
            transforms.RandomRotation(15),
            transforms.ColorJitter(0.2, 0.2, 0.2, 0.1),
            transforms.PILToTensor(),
        ]
    )
    paths, targets = [record.path for record in data.training.records], torch.from_numpy(data.training.targets)
    clock = _Clock()
    for rows in torch.randperm(len(paths)).split(BATCH):
        images = torch.stack([prepare(_open(paths[row])) for row in rows.tolist()])
        loss = masked_bce(network(images.permute(0, 2, 3, 1)), to_float(targets[rows]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        clock.on_train_batch_end()
    return clock.photos_a_second


def _open(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def engine(config: TrainConfig, data: TrainingData) -> float:
    """One epoch of the Lightning module as `vectortag train` runs it."""
    network = _network(config, data)
    photos = prepared_photos(data.training.records, config.augment.resize or 224)
    source = AugmentedPhotos(photos, config.backbone.image_size, config.augment, config.seed)
    batches = Batches(source, to_float(torch.from_numpy(data.training.targets)))
    clock = _Clock()
    module = _module(config, data, network)
    trainer = _trainer(config, clock)
    sampler = BatchSampler(config, data.training.targets)
    trainer.fit(module, loader(batches, sampler, workers=config.worker_count))
    return clock.photos_a_second


def bare(config: TrainConfig, data: TrainingData) -> float:
    """The same module on one ready batch."""
    module = _module(config, data, _network(config, data))
    images = torch.randint(0, 256, (BATCH, 224, 224, 3), dtype=torch.uint8)
    batch = (images, to_float(torch.from_numpy(data.training.targets[:BATCH])))
    optimiser = torch.optim.Adam(module.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    bf16 = _precision(config) == "bf16-mixed"
    clock = _Clock()
    for _ in range(len(data.training.records) // BATCH):
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = module.loss(module(batch[0]), batch[1])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        clock.on_train_batch_end()
    return clock.photos_a_second


def _module(config: TrainConfig, data: TrainingData, network: nn.Module) -> TagModule:
    loss = create_loss(config.loss, torch.from_numpy(data.training.targets))
    module = TagModule(config, network.backbone, network.head, loss)
    module.on_train_epoch_end = lambda: None  # type: ignore[method-assign]  # there is no validation here
    return module.to(memory_format=torch.channels_last)


class _Clock(pl.Callback):
    """The ends of the steps."""

    def __init__(self) -> None:
        self._ends: list[float] = []

    def on_train_batch_end(self, *_: object) -> None:
        self._ends.append(time.perf_counter())

    @property
    def photos_a_second(self) -> float:
        """From the end of the first step to that of the last."""
        return BATCH * (len(self._ends) - 1) / (self._ends[-1] - self._ends[0])


def _trainer(config: TrainConfig, clock: _Clock) -> pl.Trainer:
    return pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        precision=_precision(config),
        callbacks=[clock],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


if __name__ == "__main__":
    main()
