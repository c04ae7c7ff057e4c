"""The query parameters of each route. FastAPI checks them and describes them in the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from vectortag.model.calibration import Profile
from vectortag.personal.added_tags import LONGEST_NAME

Score = Annotated[float, Field(ge=0, le=1)]
ModelName = Annotated[
    str | None, Field(description="One of the served models. Default: the first.", examples=["lite0"])
]
ProfileOption = Annotated[
    Profile, Field(description="precise: few wrong tags; thorough: few missed tags; balanced: best F1.")
]


LanguageOption = Annotated[
    str | None,
    Field(
        max_length=40,
        description="Of the names of tags, such as de: each tag gets a `name`, and tags may be asked for by it. "
        "Default: the first of Accept-Language that there is, else English.",
        examples=["de"],
    ),
]


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    model: ModelName = None


class TagOptions(_Options):
    """The query of `POST /v1/tag`."""

    profile: ProfileOption = "balanced"
    threshold: Score | None = Field(None, description="One threshold for all tags, in the place of each tag's own.")
    top_k: int | None = Field(None, ge=1, le=100_000, description="At most this many tags per photo.")
    all_scores: bool = Field(False, description="Every tag of the model, in the model's order.")
    language: LanguageOption = None


class ExplainOptions(_Options):
    """The query of `POST /v1/explain`."""

    tag: list[str] = Field([], max_length=1000, description="A tag to explain; repeatable. Default: all tags found.")
    form: Literal["overlay", "array"] = Field(
        "overlay", description="overlay: a PNG of one heat map over the photo; array: all heat maps as numbers."
    )
    opacity: Score = Field(0.55, description="Opacity of the heat map over the photo.")
    fine: bool = Field(
        True, description="Make heat maps from a larger input: more precise, and about five times slower."
    )
    profile: ProfileOption = "balanced"
    language: LanguageOption = None


class NewTagOptions(_Options):
    """The query of `POST /v1/tags`."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME, description="The new tag.", examples=["our boat"])
    parent: list[str] = Field([], max_length=100, description="A tag of the model that it implies; repeatable.")
    language: LanguageOption = None


class ModelDetailsOptions(BaseModel):
    """The query of `GET /v1/models/{name}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: LanguageOption = None


class ModelOptions(_Options):
    """The query of `DELETE /v1/tags/{name}`."""
