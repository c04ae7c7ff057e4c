"""What the service is asked and what it answers, typed: the OpenAPI document is made of these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from vectortag.model.calibration import Profile
from vectortag.model.manifest import LabelSource
from vectortag.personal.added_tags import LONGEST_NAME

Score = Annotated[float, Field(ge=0, le=1)]
ModelName = Annotated[
    str | None, Field(description="One of the served models; the first where none is named.", examples=["lite0"])
]
ProfileOption = Annotated[
    Profile, Field(description="precise: few wrong tags; thorough: few missed tags; balanced: F1.")
]


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    model: ModelName = None


class TagOptions(_Options):
    """The query of `POST /v1/tag`."""

    profile: ProfileOption = "balanced"
    threshold: Score | None = Field(None, description="One threshold for all tags, instead of each tag's own.")
    top_k: int | None = Field(None, ge=1, le=100_000, description="At most this many tags a photo.")
    all_scores: bool = Field(False, description="Every tag of the model, in its order.")


class ExplainOptions(_Options):
    """The query of `POST /v1/explain`."""

    tag: list[str] = Field([], max_length=1000, description="A tag to explain; may be repeated. Default: all found.")
    form: Literal["overlay", "array"] = Field(
        "overlay", description="overlay: a PNG of one tag's map over the photo; array: the maps of all tags as numbers."
    )
    opacity: Score = Field(0.55, description="How strongly the map covers the photo.")
    fine: bool = Field(
        True, description="Maps from a larger input: they point better, and take about five times as long."
    )
    profile: ProfileOption = "balanced"


class NewTagOptions(_Options):
    """The query of `POST /v1/tags`."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME, description="The new tag.", examples=["our boat"])
    parent: list[str] = Field([], max_length=100, description="A tag of the model that it implies; may be repeated.")


class ModelOptions(_Options):
    """The query of `DELETE /v1/tags/{name}`."""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScoredTag(_Answer):
    """One tag of a photo."""

    tag: str = Field(examples=["sea"])
    score: Score = Field(description="Calibrated.", examples=[0.91])
    threshold: float | None = Field(description="The tag's own; null where it is never predicted.", examples=[0.44])


class TaggedPhoto(_Answer):
    """What a model says of a photo."""

    name: str | None = Field(description="The file name that the client gave.", examples=["beach.jpg"])
    tags: list[ScoredTag] = Field(description="Best first; with all_scores every tag, in the model's order.")
    implied: list[str] = Field(description="Parents of added tags that did not reach their own threshold.")


class PhotoFault(_Answer):
    """Why a photo has no tags."""

    type: str = Field(examples=["PhotoError"])
    message: str = Field(examples=["photo: not a photo in a known format"])


class FailedPhoto(_Answer):
    """A photo that could not be read, in the place where its tags would stand."""

    name: str | None
    error: PhotoFault


class _FromModel(_Answer):
    model: str = Field(description="`name@digest` of the model.", examples=["lite0@1a2b3c4d"])
    runtime: str = Field(description="What ran the network.", examples=["openvino"])
    precision: str = Field(description="What it computed in.", examples=["f32"])
    size: int = Field(description="Pixels of a side of its input, for the scores.", examples=[224])


class Taggings(_FromModel):
    """The answer of `POST /v1/tag`: an entry a photo, in the order in which they came."""

    photos: list[TaggedPhoto | FailedPhoto]


class HeatmapArray(_Answer):
    """Where in a photo a model saw a tag."""

    tag: str
    source: str = Field(description="The tag whose map it is: for a parent, the child that gave it its score.")
    score: Score
    values: list[list[float]] = Field(description="Rows of cells in [0, 1], stretched over the whole photo.")


class Heatmaps(_FromModel):
    """The answer of `POST /v1/explain` with `form=array`."""

    heatmaps: list[HeatmapArray]


class ModelSummary(_Answer):
    """A served model."""

    name: str = Field(examples=["lite0"])
    id: str = Field(examples=["lite0@1a2b3c4d"])
    default: bool = Field(description="Whether it answers where no model is named.")
    tags: int = Field(description="How many tags it has, added ones included.", examples=[298])
    architecture: str
    size: int = Field(description="Pixels of a side of its input.", examples=[224])
    sizes: list[int] = Field(description="All that it offers; the profile thorough takes the largest.")
    runtime: str
    precision: str


class Models(_Answer):
    """The answer of `GET /v1/models`."""

    models: list[ModelSummary]


class ModelTag(_Answer):
    """A tag of a model."""

    tag: str
    added: bool = Field(description="Whether it was added to the model after its training.")
    taught_by: LabelSource | None = Field(
        description="photos; pretraining: no photo of the model's data sets; children: the tags that imply it. "
        "null where it was added."
    )
    parents: list[str] = Field(description="Tags that it implies, all generations.")
    thresholds: dict[Profile, float | None]


class ModelDetails(ModelSummary):
    """The answer of `GET /v1/models/{name}`."""

    card: str = Field(description="MODEL_CARD.md: data, origin, figures, limits. Markdown.")
    metrics: dict[str, Any] = Field(description="The figures of its manifest, a data set an entry.")
    vocabulary: list[ModelTag]


class AddedTagAnswer(_Answer):
    """The answer of `POST /v1/tags`."""

    tag: str = Field(examples=["our boat"])
    model: str = Field(examples=["lite0@1a2b3c4d"])
    parents: list[str]
    examples: int = Field(description="Different photos that showed it; copies count once.", examples=[20])
    counterexamples: int
    separation: float = Field(
        description="How often an example that was left out scored higher than other photos; below 0.9 is weak.",
        examples=[0.98],
    )


class Health(_Answer):
    """The answer of the probes."""

    status: Literal["ok"] = "ok"
