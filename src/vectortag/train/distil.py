"""What is learnt from other networks: the scores of a teacher, and what the starting network knew."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div, log_softmax

from vectortag.classifier import Classifier
from vectortag.data.embeddings import embed_photos
from vectortag.data.records import Record
from vectortag.data.training import TrainingData
from vectortag.errors import ConfigError, TrainingError
from vectortag.model_folder import NETWORK
from vectortag.tagger import Tagger
from vectortag.train.config import DistilConfig, TrainConfig
from vectortag.train.losses import to_float
from vectortag.train.network import Backbone, pretrained_classifier
from vectortag.types import FloatArray


def training_targets(data: TrainingData, config: DistilConfig) -> Tensor:
    """(N, T) float32 in [0, 1] with NaN for unknown: what people said, mixed with the scores of the teacher.

    Raises:
        TrainingError: the teacher has none of the tags, or cannot read a photo.
    """
    targets = to_float(torch.from_numpy(data.training.targets))
    if not config.teacher:
        return targets
    taught, scores = _scores(config.teacher, data.tags, data.training.records)
    said, soft = targets[:, taught], torch.from_numpy(scores)
    targets[:, taught] = torch.where(said.isnan(), soft, (1 - config.share) * said + config.share * soft)
    return targets


def _scores(teacher: str, tags: Sequence[str], records: Sequence[Record]) -> tuple[list[int], FloatArray]:
    """The places of the tags that a teacher has, and its scores of them, (N, R)."""
    tagger = Tagger.load(teacher, additions=False, precision="exact")
    places = [place for place, tag in enumerate(tags) if tag in tagger.tags]
    if not places:
        raise TrainingError(f"distil.teacher: {tagger.id} has none of the {len(tags)} tags")
    paths = [record.path for record in records]
    embeddings, failed = embed_photos(tagger.embedder, tagger.folder.manifest.files[NETWORK], paths)
    if failed:
        raise TrainingError(f"distil.teacher: {failed[0]}. List all: vectortag check DATA")
    scores = tagger.scores(np.stack([embeddings[path] for path in paths]))
    return places, scores[:, [tagger.tags.index(tags[place]) for place in places]]


def starting_classifier(config: TrainConfig, backbone: Backbone) -> Classifier | None:
    """The classifier that came with the starting weights, where the trained backbone will still go with one.

    Raises:
        ConfigError: the configuration needs one, and there is none.
    """
    if config.freeze != "backbone" and not config.distil.hold:
        if config.vocabulary.groups:
            raise ConfigError(
                "vocabulary.groups: a backbone that is trained forgets its own classes. Set distil.hold, as to 0.1"
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
