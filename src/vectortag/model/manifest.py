"""manifest.json: what a model folder says of itself. Read and written through one strict schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta, field

from vectortag.core.errors import ModelFolderError, ShapeError
from vectortag.core.schema import Count, Finite, Positive, Schema, SchemaError, from_json
from vectortag.model.blocks import StoredKind
from vectortag.model.calibration import PROFILES, Calibration, Profile
from vectortag.model.taxonomy import Taxonomy
from vectortag.runtime.pixels import PixelRecipe

FORMAT_VERSION = 1

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z"
"""What a model may be called: it is also the name of its folder."""

LabelSource = Literal["photos", "pretraining", "children"]

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
PhotoHash = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z")]
"""The first 16 hex digits of the SHA-256 of a photo's file: enough to find a validation photo again."""


class Backbone(Schema, frozen=True, kw_only=True):
    """The network in model.onnx: images uint8 (N, H, W, 3) -> feature map float32 (N, width, H/stride, W/stride).

    Attributes:
        any_size: whether H and W are free; a Vision Transformer takes one size only.
    """

    architecture: str
    width: Positive
    stride: Positive
    any_size: bool = True


class BlockInfo(Schema, frozen=True, kw_only=True):
    """One block of head.safetensors and how many of the tags, in order, are its own."""

    kind: StoredKind
    tags: Positive


class OperatingPoint(Schema, frozen=True, kw_only=True):
    """Calibration and thresholds at one input size; every list is aligned with the manifest's tags."""

    size: Positive
    slope: tuple[Finite, ...]
    bias: tuple[Finite, ...]
    thresholds: Mapping[Profile, tuple[Finite | None, ...]]

    @classmethod
    def of(cls, size: int, calibration: Calibration) -> OperatingPoint:
        """What a manifest stores of a calibration; NaN becomes None."""
        return cls(
            size=size,
            slope=tuple(calibration.slope.tolist()),
            bias=tuple(calibration.bias.tolist()),
            thresholds={
                profile: tuple(None if np.isnan(value) else value for value in values.tolist())
                for profile, values in calibration.thresholds.items()
            },
        )

    @property
    def calibration(self) -> Calibration:
        """The same as arrays, in float32."""
        return Calibration(
            np.array(self.slope, np.float32),
            np.array(self.bias, np.float32),
            {
                profile: np.array([np.nan if value is None else value for value in values], np.float32)
                for profile, values in self.thresholds.items()
            },
        )


class DataSetInfo(Schema, frozen=True, kw_only=True):
    """One data set the model was trained on.

    Attributes:
        known: the tags whose absence this set knows; a missing tag that is not among them is unknown, not absent.
        validation: the hashes of the validation photos.
    """

    name: str
    train_photos: Count
    known: tuple[str, ...]
    validation: tuple[PhotoHash, ...]


RESERVED_METRICS = frozenset({"cross_fitted", "sizes", "per_tag", "reliability", "left_out", "one_source", "folds"})
"""Keys of a manifest's metrics that are no data sets; no data set may have such a name."""


class Manifest(Schema, frozen=True, kw_only=True):
    """Everything about a model that is not a matrix. `operating_points[0]` is the default.

    Attributes:
        metrics: the figures at the default size, a data set an entry; under "cross_fitted", of all together; under
            "sizes", the same of each other size. "per_tag" has lists in the order of the tags, and "reliability" the
            bins of the calibration error. "left_out" says what each set got from heads that had not seen it, and
            "one_source" names the tags that could not be judged so.
        lost: points of mAP on the validation photos that a lower precision loses against float32, on average over
            the data sets and at the worst of the offered sizes; what is not in it was not measured.
    """

    format_version: Literal[1] = 1
    name: Annotated[str, Meta(pattern=NAME)]
    tags: Annotated[tuple[str, ...], Meta(min_length=1)]
    backbone: Backbone
    head: Annotated[tuple[BlockInfo, ...], Meta(min_length=1)]
    pixels: PixelRecipe
    operating_points: Annotated[tuple[OperatingPoint, ...], Meta(min_length=1)]
    data_sets: tuple[DataSetInfo, ...] = ()
    metrics: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    lost: Mapping[Literal["bf16", "int8"], Finite] = field(default_factory=dict)
    taxonomy: Taxonomy = Taxonomy()
    files: Mapping[str, Sha256]

    @property
    def label_sources(self) -> tuple[LabelSource, ...]:
        """Where the labels of each tag came from, in the order of the tags.

        "photos", or "pretraining": a tag of softmax groups, made of what the backbone knew before it saw a photo of
        these data sets; or "children": no set knew its absence, so it has no score but the highest of theirs, if any.
        """
        kinds = [block.kind for block in self.head for _ in range(block.tags)]
        return tuple(
            "pretraining" if kind == "softmax_groups" else "photos" if slope else "children"
            for kind, slope in zip(kinds, self.operating_points[0].slope, strict=True)
        )

    @property
    def sizes(self) -> tuple[int, ...]:
        """The input sizes that the model offers, the default first."""
        return tuple(point.size for point in self.operating_points)

    def point_for(self, profile: Profile) -> OperatingPoint:
        """The operating point of a profile: thorough takes the largest size that is offered, the others the default."""
        return self.operating_point(max(self.sizes) if profile == "thorough" else self.sizes[0])

    def __post_init__(self) -> None:
        super().__post_init__()
        count = len(self.tags)
        if len(set(self.tags)) != count:
            raise ValueError("tags has one tag twice")
        if sum(block.tags for block in self.head) != count:
            raise ValueError(f"the head's blocks have {sum(b.tags for b in self.head)} tags, the manifest {count}")
        if len(set(self.sizes)) != len(self.sizes):
            raise ValueError("operating_points has one input size twice")
        if len(self.sizes) > 1 and not self.backbone.any_size:
            raise ValueError(f"{len(self.sizes)} operating_points, but the network takes one input size only")
        for point in self.operating_points:
            if set(point.thresholds) != set(PROFILES):
                raise ValueError(f"thresholds at size {point.size}: expected the profiles {', '.join(PROFILES)}")
            lists: dict[str, tuple[float | None, ...]] = {"slope": point.slope, "bias": point.bias}
            lists.update({str(profile): values for profile, values in point.thresholds.items()})
            wrong = [name for name, values in lists.items() if len(values) != count]
            if wrong:
                raise ValueError(
                    f"operating point {point.size}: {wrong[0]} has not one number for each of {count} tags"
                )

    def operating_point(self, size: int) -> OperatingPoint:
        """The operating point of that input size.

        Raises:
            ShapeError: the model does not offer that size.
        """
        for point in self.operating_points:
            if point.size == size:
                return point
        offered = ", ".join(map(str, self.sizes))
        raise ShapeError(f'model "{self.name}": no input size of {size} pixels. It offers: {offered}')

    def data_set(self, name: str) -> DataSetInfo | None:
        """The data set of that name, or None if the model was not trained on it."""
        return next((info for info in self.data_sets if info.name == name), None)


def parse_manifest(raw: bytes, where: Path) -> Manifest:
    """Read a manifest.

    Args:
        where: the file, for messages.

    Raises:
        ModelFolderError: it is not understood, or of a newer version.
    """
    try:
        return from_json(Manifest, raw)
    except SchemaError as error:
        _refuse_other_formats(raw, where)
        if error.unknown is not None:
            message = f'unknown key "{error.unknown}". The folder was changed, or needs a newer VectorTag'
            raise ModelFolderError(f"{where}: {message}") from error
        raise ModelFolderError(f"{where}: {error}") from error


def _refuse_other_formats(raw: bytes, where: Path) -> None:
    """Say of a manifest that is wrong whether it was ever one of this format."""
    try:
        version = json.loads(raw).get("format_version")
    except (ValueError, AttributeError, RecursionError) as error:
        raise ModelFolderError(f"{where}: not a JSON object: {error}. Copy the model folder again") from error
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ModelFolderError(
            f"{where}: format version {version}, but this VectorTag reads up to {FORMAT_VERSION}. "
            "Install a newer version of VectorTag"
        )
