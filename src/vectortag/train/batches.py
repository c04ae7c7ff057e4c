"""Which photos make which batch, and what a batch holds: all of it a function of seed, epoch and step."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from vectortag.core.types import ByteArray
from vectortag.data.sampling import rarity_weights
from vectortag.data.training_photos import Photos, Rows, StreamedPhotos
from vectortag.train.augment import augment, draws
from vectortag.train.config import TrainConfig
from vectortag.train.sections import AugmentConfig

FRESH = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
"""How a process starts that has nothing of this one."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The photos of one step.

    Attributes:
        whole: rows of the source, in the order drawn, that all processes take together.
        rank, world: of several processes, this one takes every `world`-th row, from the one of its rank on.
    """

    epoch: int
    step: int
    whole: Rows
    rank: int = 0
    world: int = 1

    @property
    def share(self) -> slice:
        """The places in `whole` of what this process takes. What is random is drawn for all of it, then shared."""
        return slice(self.rank, None, self.world)

    @property
    def rows(self) -> Rows:
        """(B,) rows that this process takes."""
        return self.whole[self.share]


class Source(Protocol):
    """Where the network's inputs come from."""

    def __len__(self) -> int: ...

    def inputs(self, batch: Batch) -> Tensor:
        """(B, ...) for the rows of a batch."""
        ...


@dataclass(frozen=True, slots=True)
class CachedViews:
    """Activations of a frozen part of the network: V views of each photo, (N, ...) float16 or float32 each."""

    views: tuple[npt.NDArray[np.floating], ...]
    seed: int

    def __len__(self) -> int:
        return len(self.views[0])

    def inputs(self, batch: Batch) -> Tensor:
        """One view of each photo, drawn anew each epoch."""
        random = np.random.default_rng([self.seed, batch.epoch, batch.step, 2])
        chosen = random.integers(len(self.views), size=len(batch.whole))[batch.share]
        picked = [self.views[view][row] for view, row in zip(chosen, batch.rows, strict=True)]
        return torch.from_numpy(np.stack(picked)).float()


@dataclass(frozen=True, slots=True)
class AugmentedPhotos:
    """Photos (N, H, W, 3) uint8, augmented anew each epoch to (B, size, size, 3) uint8."""

    photos: Photos
    size: int
    config: AugmentConfig
    seed: int

    def __len__(self) -> int:
        return len(self.photos)

    def inputs(self, batch: Batch) -> Tensor:
        images = [
            augment(photo, self.size, self.config, draws(self.seed, batch.epoch, int(row)))
            for row, photo in zip(batch.rows, self.photos[batch.rows], strict=True)
        ]
        return torch.from_numpy(np.stack(images))


@dataclass(frozen=True, slots=True)
class PlainPhotos:
    """Photos (N, size, size, 3) uint8 as they are: for validation."""

    photos: Photos

    def __len__(self) -> int:
        return len(self.photos)

    def inputs(self, batch: Batch) -> Tensor:
        return torch.from_numpy(self.photos[batch.rows])


class BatchSampler(Sampler[Batch]):
    """Cuts each epoch's order into batches; of several processes, each takes every `world`-th photo of a batch.

    So a step sees the same photos in any number of processes. The last batch is dropped where it is short and not the
    only one, so that every step weighs the same.
    """

    def __init__(self, config: TrainConfig, targets: ByteArray, *, rank: int = 0, world: int = 1) -> None:
        self._seed, self._rank, self._world = config.seed, rank, world
        self._size = min(config.batch_size, len(targets))
        self._weights = rarity_weights(targets) if config.sampler == "rarity" else None
        self._count = len(targets)
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return max(1, self._count // self._size)

    def __iter__(self) -> Iterator[Batch]:
        random = np.random.default_rng([self._seed, self._epoch])
        if self._weights is None:
            order = random.permutation(self._count)
        else:
            order = random.choice(self._count, self._count, p=self._weights)
        for step in range(len(self)):
            rows = order[step * self._size : (step + 1) * self._size]
            yield Batch(self._epoch, step, rows, self._rank, self._world)


class InOrder(Sampler[Batch]):
    """Every photo once, in order: for validation. Of several processes, each takes every `world`-th batch.

    Batches are smaller than `size` where some process would get none and the others wait for it.
    """

    def __init__(self, count: int, size: int, *, rank: int = 0, world: int = 1) -> None:
        self._count, self._size = count, min(size, max(1, count // world))
        self._steps = range(rank, -(-count // self._size), world)

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[Batch]:
        for step in self._steps:
            rows = np.arange(step * self._size, min((step + 1) * self._size, self._count))
            yield Batch(0, step, rows)


class Batches(Dataset[tuple[Tensor, Tensor]]):
    """Batch -> (inputs, targets): inputs (B, ...), targets (B, T) float32 with NaN for unknown.

    Args:
        targets: (N, T) float32 in [0, 1], NaN for unknown; see `vectortag.train.losses.to_float`.
        unnamed: (N, T) bool, the unknown entries of which each counts as absent in a `share` of its batches.
    """

    def __init__(
        self,
        source: Source,
        targets: Tensor,
        *,
        mixup: float = 0.0,
        unnamed: npt.NDArray[np.bool_] | None = None,
        share: float = 0.0,
        seed: int = 0,
    ) -> None:
        self._source, self._targets, self._mixup, self._seed = source, targets, mixup, seed
        self._unnamed, self._share = unnamed, share

    @classmethod
    def for_training(
        cls, config: TrainConfig, source: Source, targets: Tensor, unnamed: npt.NDArray[np.bool_] | None
    ) -> Batches:
        """The batches that a configuration trains on: mixed, and with its share of unnamed entries as absent."""
        share = config.vocabulary.unnamed
        return cls(source, targets, mixup=config.augment.mixup, unnamed=unnamed, share=share, seed=config.seed)

    @property
    def streamed(self) -> StreamedPhotos | None:
        """The photos, where they are read from shards."""
        photos = getattr(self._source, "photos", None)
        return photos if isinstance(photos, StreamedPhotos) else None

    def __getitem__(self, batch: Batch) -> tuple[Tensor, Tensor]:
        inputs, targets = self._source.inputs(batch), self._targets[batch.rows]
        if self._unnamed is not None and self._share:
            random = np.random.default_rng([self._seed, batch.epoch, batch.step, 3])
            chances = random.random((len(batch.whole), targets.shape[1]), np.float32)[batch.share]
            drawn = self._unnamed[batch.rows] & (chances < self._share)
            targets = targets.masked_fill(torch.from_numpy(drawn), 0.0)
        return self._mix(inputs, targets, batch) if self._mixup else (inputs, targets)

    def _mix(self, inputs: Tensor, targets: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Each photo with another of its batch: unknown where either is unknown."""
        random = np.random.default_rng([self._seed, batch.epoch, batch.step, 1])
        share = float(random.beta(self._mixup, self._mixup))
        partner = random.permutation(len(inputs))
        mixed = share * inputs.float() + (1 - share) * inputs[partner].float()
        return mixed.to(inputs.dtype), share * targets + (1 - share) * targets[partner]


def loader(batches: Batches, sampler: Sampler[Batch], *, workers: int = 0) -> DataLoader[tuple[Tensor, Tensor]]:
    """A DataLoader whose items are whole batches.

    Clients of object stores do not survive a fork: where one is read, workers are started afresh.
    """
    remote = batches.streamed is not None and batches.streamed.is_remote
    return DataLoader(
        batches,
        batch_size=None,
        sampler=sampler,
        num_workers=workers,
        multiprocessing_context=FRESH if remote and workers else None,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
    )
