"""What is learnt from other networks: the scores of a teacher, and what the starting network knew."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, kl_div, log_softmax

from vectortag.core.errors import ConfigError, TrainingError
from vectortag.core.types import FloatArray
from vectortag.data.records import Record
from vectortag.data.training import TrainingData
from vectortag.data.usable import embed_photos_of
from vectortag.inference.tagger import Tagger
from vectortag.model.classifier import Classifier
from vectortag.model.folder import NETWORK
from vectortag.train.backbone import Backbone
from vectortag.train.config import TrainConfig
from vectortag.train.heads import create_head
from vectortag.train.losses import to_float
from vectortag.train.network import Network, create_backbone, pretrained_classifier
from vectortag.train.run import BEST, CONFIG, TAGS
from vectortag.train.sections import DistilConfig


def training_targets(data: TrainingData, config: DistilConfig) -> Tensor:
    """(N, T) float32 in [0, 1] with NaN for unknown: what people said, mixed with the scores of the teacher.

    A teacher that is a run has its say at each step instead; see `Teacher`.

    Raises:
        TrainingError: the teacher has none of the tags, or cannot read a photo.
    """
    targets = to_float(torch.from_numpy(data.training.targets))
    if not config.teacher or _is_a_run(config.teacher):
        return targets
    taught, scores = _scores(config.teacher, data.tags, data.training.records)
    return _with_say(targets, taught, torch.from_numpy(scores), config.share)


def _with_say(said: Tensor, taught: Sequence[int], soft: Tensor, share: float) -> Tensor:
    """Targets (N, T) in which a teacher has its say of some tags, (N, R): its share, and all where nobody spoke."""
    targets, before = said.clone(), said[:, taught]
    targets[:, taught] = torch.where(before.isnan(), soft, (1 - share) * before + share * soft)
    return targets


def _scores(teacher: str, tags: Sequence[str], records: Sequence[Record]) -> tuple[list[int], FloatArray]:
    """The places of the tags that a teacher has, and its scores of them, (N, R)."""
    tagger = Tagger.load(teacher, additions=False, precision="exact")
    places = [place for place, tag in enumerate(tags) if tag in tagger.tags]
    if not places:
        raise TrainingError(f"distil.teacher: {tagger.id} has none of the {len(tags)} tags")
    embeddings, failed = embed_photos_of(tagger.embedder, tagger.folder.manifest.files[NETWORK], records)
    if failed:
        raise TrainingError(f"distil.teacher: {failed[0]}. List all: vectortag check DATA")
    scores = tagger.scores(np.stack([embeddings[record.path] for record in records]))
    return places, scores[:, [tagger.tags.index(tags[place]) for place in places]]


def _is_a_run(teacher: str) -> bool:
    return (Path(teacher) / BEST).is_file()


class Teacher(nn.Module):
    """A trained network that is shown each view that its pupil is trained on, at the size it was trained with."""

    def __init__(self, network: Network, size: int, places: Sequence[tuple[int, int]], share: float) -> None:
        """Take over a network.

        Args:
            size: pixels a side.
            places: of each tag that both have, its place among the pupil's and among the teacher's.
            share: how much of a target the teacher decides where somebody has said something.
        """
        super().__init__()
        self.network, self.size, self.share = network.requires_grad_(False), size, share
        self.taught, self.own = ([*column] for column in zip(*places, strict=True))

    def train(self, mode: bool = True) -> Teacher:
        """It no longer learns: its norms keep their statistics."""
        super().train(mode)
        self.network.eval()
        return self

    @torch.no_grad()
    def forward(self, images: Tensor, said: Tensor) -> Tensor:
        """Targets (B, T) with the teacher's say, from images (B, H, W, 3) and what people said, NaN for unknown."""
        pixels = images.permute(0, 3, 1, 2).float()
        if pixels.shape[-1] != self.size:
            pixels = interpolate(pixels, (self.size, self.size), mode="bilinear", antialias=True)
        soft = self.network(pixels.permute(0, 2, 3, 1))[:, self.own].float().sigmoid()
        return _with_say(said, self.taught, soft, self.share)


def teacher_of_views(config: TrainConfig, tags: Sequence[str]) -> Teacher | None:
    """The teacher of a configuration, where it is a run.

    Raises:
        TrainingError: it has none of the tags.
        ConfigError: it, or this training, is of a part of a network only; its weights cannot be read.
    """
    run = Path(config.distil.teacher)
    if not config.distil.teacher or not _is_a_run(config.distil.teacher):
        return None
    taught = TrainConfig.model_validate_json((run / CONFIG).read_text("utf-8"))
    if taught.freeze != "none" or config.freeze != "none":
        raise ConfigError('distil.teacher: a run can teach where both were trained with freeze = "none". Name a model')
    own = json.loads((run / TAGS).read_text("utf-8"))
    places = [(place, own.index(tag)) for place, tag in enumerate(tags) if tag in own]
    if not places:
        raise TrainingError(f"distil.teacher: {run} has none of the {len(tags)} tags")
    backbone = create_backbone(taught.backbone)
    head = create_head(taught.head, backbone.width, len(own), seed=0)
    weights = torch.load(run / BEST, map_location="cpu", weights_only=True)["state_dict"]
    for prefix, part in (("trunk.", backbone), ("head.", head)):
        part.load_state_dict({name.removeprefix(prefix): w for name, w in weights.items() if name.startswith(prefix)})
    return Teacher(Network(backbone, head), taught.backbone.image_size, places, config.distil.share)


def starting_classifier(config: TrainConfig, backbone: Backbone) -> Classifier | None:
    """The classifier that came with the starting weights, where the trained backbone will still go with one.

    Raises:
        ConfigError: the configuration needs one, and there is none.
    """
    if config.freeze != "backbone" and not config.distil.hold:
        if config.vocabulary.groups:
            raise ConfigError(
                "vocabulary.groups: a backbone that is trained forgets its own classes. Set distil.hold, such as 0.1"
            )
        return None
    classifier = pretrained_classifier(config.backbone, backbone)
    if classifier is None and (config.distil.hold or config.vocabulary.groups):
        key = "distil.hold" if config.distil.hold else "vocabulary.groups"
        raise ConfigError(f"{key}: the starting weights have no ImageNet classifier on the mean of the feature map")
    return classifier


class Held(nn.Module):
    """Holds a network to what it said at the start, by its own classifier, of whatever it is shown.

    Attributes:
        classifier: the classifier as it is trained, (B, K) -> (B, C).
    """

    def __init__(self, trunk: nn.Module, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = _layer(classifier)
        self.trunk, self.said = copy.deepcopy(trunk), _layer(classifier)
        self.trunk.requires_grad_(False)
        self.said.requires_grad_(False)

    def train(self, mode: bool = True) -> Held:
        """The network as it was stays as it was: its norms keep their statistics."""
        super().train(mode)
        self.trunk.eval()
        return self

    def forward(self, inputs: Tensor, embeddings: Tensor) -> Tensor:
        """How far embeddings (B, K) are from saying the same: the Kullback-Leibler divergence, nats a photo."""
        with torch.no_grad():
            features = self.trunk(inputs)
            before = self.said(features.mean(dim=(2, 3)) if features.ndim == 4 else features)
        now, then = (log_softmax(logits.float(), dim=1) for logits in (self.classifier(embeddings), before))
        return kl_div(now, then, reduction="batchmean", log_target=True)

    def trained(self, names: tuple[str, ...]) -> Classifier:
        """The classifier as it is now."""
        w, b = (part.detach().cpu().float().numpy() for part in (self.classifier.weight, self.classifier.bias))
        return Classifier(w, b, names)


def _layer(classifier: Classifier) -> nn.Linear:
    classes, width = classifier.w.shape
    layer = nn.Linear(width, classes)
    layer.load_state_dict({"weight": torch.from_numpy(classifier.w), "bias": torch.from_numpy(classifier.b)})
    return layer
