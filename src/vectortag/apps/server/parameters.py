"""The query parameters of each route. FastAPI checks them and describes them in the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from vectortag.model.calibration import Profile
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
