"""What the service answers: the type of each response, and how it is made from what the library returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from fastapi import Response
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from vectortag.apps.formats import (
    ModelRun,
    PhotoFault,
    Score,
    ScoredTag,
    guesses_for,
    implied_among,
    model_run,
    photo_fault,
    rounded,
    scored_tags,
)
from vectortag.apps.server.model_worker import ModelWorker, Taggers
from vectortag.apps.server.parameters import TagOptions
from vectortag.apps.server.problems import phrase
from vectortag.core.errors import PhotoError
from vectortag.core.types import DIGITS, Heatmap, Tagging
from vectortag.model.calibration import PROFILES, Profile
from vectortag.model.folder import CARD
from vectortag.model.language import Language
from vectortag.model.manifest import LabelSource
from vectortag.personal.added_tags import AddedTag

REFERENCE = "#/components/schemas/{name}"


class PhotoResult(Struct, frozen=True, forbid_unknown_fields=True):
    """The tags of a photo, or `error` alone if the photo cannot be read."""

    name: Annotated[str | None, Meta(description="The file name that the client gave.", examples=["beach.jpg"])]
    tags: Annotated[
        list[ScoredTag] | UnsetType, Meta(description="Best first; with all_scores every tag, in the model's order.")
    ] = UNSET
    implied: Annotated[
        Sequence[str] | UnsetType,
        Meta(description="Those of the tags that are below their own threshold and shown with their children."),
    ] = UNSET
    guesses: Annotated[
        list[ScoredTag] | UnsetType,
        Meta(description="Only where no tag is shown: at most three that are likely, best first. They are no tags."),
    ] = UNSET
    error: PhotoFault | UnsetType = UNSET


class Taggings(ModelRun, frozen=True, forbid_unknown_fields=True):
    """The answer of `POST /v1/tag`: one entry per photo, in the order of the request."""

    photos: list[PhotoResult]


class HeatmapArray(Struct, frozen=True, forbid_unknown_fields=True):
    """Where in a photo the model saw a tag."""

    tag: str
    source: Annotated[str, Meta(description="The tag whose map it is: the child that set the score of a parent.")]
    score: Score
    values: Annotated[list[list[float]], Meta(description="Rows of cells in [0, 1], stretched over the whole photo.")]
    name: Annotated[str | UnsetType, Meta(description="In another language than English; `tag` stays English.")] = UNSET


class Heatmaps(ModelRun, frozen=True, forbid_unknown_fields=True):
    """The answer of `POST /v1/explain` with `form=array`."""

    heatmaps: list[HeatmapArray]


class ModelSummary(Struct, frozen=True, forbid_unknown_fields=True):
    """A served model."""

    name: Annotated[str, Meta(examples=["lite0"])]
    id: Annotated[str, Meta(examples=["lite0@1a2b3c4d"])]
    default: Annotated[bool, Meta(description="Whether requests that name no model get this one.")]
    tags: Annotated[int, Meta(description="Number of tags, added ones included.", examples=[298])]
    architecture: str
    size: Annotated[int, Meta(description="Side of the network's input in pixels.", examples=[224])]
    sizes: Annotated[
        list[int], Meta(description="All input sizes of the model; the profile thorough takes the largest.")
    ]
    runtime: str
    precision: str


class Models(Struct, frozen=True, forbid_unknown_fields=True):
    """The answer of `GET /v1/models`."""

    models: list[ModelSummary]


class ModelTag(Struct, frozen=True, forbid_unknown_fields=True):
    """A tag of a model."""

    tag: str
    added: Annotated[bool, Meta(description="Whether it was added after the model's training.")]
    taught_by: Annotated[
        LabelSource | None,
        Meta(
            description="Source of its labels. photos: the data sets; pretraining: the network's pretraining; "
            "children: the tags that imply it; null: an added tag."
        ),
    ]
    parents: Annotated[Sequence[str], Meta(description="All tags that it implies.")]
    thresholds: dict[Profile, float | None]
    name: Annotated[str | UnsetType, Meta(description="In another language than English; `tag` stays English.")] = UNSET


class ModelDetails(ModelSummary, frozen=True, forbid_unknown_fields=True):
    """The answer of `GET /v1/models/{name}`."""

    card: Annotated[str, Meta(description="MODEL_CARD.md: data, origin, figures, limits. Markdown.")]
    metrics: Annotated[Mapping[str, Any], Meta(description="The figures of its manifest, one entry per data set.")]
    vocabulary: list[ModelTag]


class AddedTagAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """The answer of `POST /v1/tags`."""

    tag: Annotated[str, Meta(examples=["our boat"])]
    model: Annotated[str, Meta(examples=["lite0@1a2b3c4d"])]
    parents: Sequence[str]
    examples: Annotated[int, Meta(description="Different photos that showed it; copies count once.", examples=[20])]
    counterexamples: int
    separation: Annotated[
        float,
        Meta(
            description="Share of cases where an example that was left out scored higher than other photos; "
            "below 0.9 is weak.",
            examples=[0.98],
        ),
    ]


class Health(Struct, frozen=True, forbid_unknown_fields=True):
    """The answer of the health checks."""

    status: Literal["ok"] = "ok"


ANSWERS = (Taggings, Heatmaps, Models, ModelDetails, AddedTagAnswer, Health)


def answer(content: Struct, status: int = 200) -> Response:
    """The response with this content as JSON."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def declared_answer(kind: type[Struct], status: int = 200) -> dict[int | str, dict[str, Any]]:
    """What a route says in the OpenAPI document of its successful answer."""
    schema = {"$ref": REFERENCE.format(name=kind.__name__)}
    return {status: {"description": phrase(status), "content": {"application/json": {"schema": schema}}}}


def answer_schemas() -> dict[str, Any]:
    """The schemas of all answers by name, for the OpenAPI document."""
    return msgspec.json.schema_components(ANSWERS, ref_template=REFERENCE)[1]


def taggings(
    photos: Iterable[tuple[str | None, Tagging | PhotoError]], options: TagOptions, language: Language
) -> Taggings:
    """The answer for named photos; at least one of them must have a tagging."""
    photos = list(photos)
    run = model_run(next(result for _, result in photos if isinstance(result, Tagging)))
    return Taggings(**asdict(run), photos=[_photo(name, result, options, language) for name, result in photos])


def _photo(name: str | None, result: Tagging | PhotoError, options: TagOptions, language: Language) -> PhotoResult:
    if isinstance(result, PhotoError):
        return PhotoResult(name, error=photo_fault(result))
    tags = result.select(threshold=options.threshold, top_k=options.top_k, all_scores=options.all_scores)
    guesses = guesses_for(result, tags, language)
    return PhotoResult(name, scored_tags(tags, language), implied_among(result, tags), guesses or UNSET)


def _name(tag: str, language: Language) -> str | UnsetType:
    return language.name(tag) if language.tags else UNSET


def heatmaps(tagging: Tagging, maps: Sequence[Heatmap], language: Language) -> Heatmaps:
    """The answer with heat maps as numbers."""
    arrays = [
        HeatmapArray(
            heatmap.tag,
            heatmap.source,
            round(heatmap.score, DIGITS),
            heatmap.values.astype(float).round(DIGITS).tolist(),
            _name(heatmap.tag, language),
        )
        for heatmap in maps
    ]
    return Heatmaps(**asdict(model_run(tagging)), heatmaps=arrays)


def summary(model: ModelWorker, taggers: Taggers, *, default: bool) -> ModelSummary:
    """A served model in short."""
    manifest = model.folder.manifest
    return ModelSummary(
        name=model.name,
        id=taggers.default.id,
        default=default,
        tags=len(taggers.default.tags),
        architecture=manifest.backbone.architecture,
        size=model.size,
        sizes=list(manifest.sizes),
        runtime=model.runtime,
        precision=model.precision,
    )


def details(model: ModelWorker, taggers: Taggers, *, default: bool, language: Language) -> ModelDetails:
    """A served model with its card, its figures and its tags."""
    return ModelDetails(
        **asdict(summary(model, taggers, default=default)),
        card=(model.folder.path / CARD).read_text("utf-8"),
        metrics=dict(model.folder.manifest.metrics),
        vocabulary=_vocabulary(model, taggers, language),
    )


def _vocabulary(model: ModelWorker, taggers: Taggers, language: Language) -> list[ModelTag]:
    manifest, tagger = model.folder.manifest, taggers.default
    thresholds = {profile: list(map(_threshold, taggers[profile].thresholds.tolist())) for profile in PROFILES}
    own = [[manifest.tags[parent] for parent in tagger.scorer.hierarchy.above(i)] for i in range(len(manifest.tags))]
    parents = [*own, *(tag.parents for tag in tagger.additions)]
    return [
        ModelTag(
            tag=tag,
            added=i >= len(own),
            taught_by=manifest.label_sources[i] if i < len(own) else None,
            parents=parents[i],
            thresholds={profile: thresholds[profile][i] for profile in PROFILES},
            name=_name(tag, language),
        )
        for i, tag in enumerate(tagger.tags)
    ]


def _threshold(value: float) -> float | None:
    return None if value != value else rounded(value)  # NaN: the tag is never predicted


def added_tag(model: ModelWorker, tag: AddedTag) -> AddedTagAnswer:
    """The answer for a tag that was just added."""
    return AddedTagAnswer(
        tag.name,
        model.folder.id,
        tag.parents,
        tag.examples,
        tag.counterexamples,
        round(tag.separation, DIGITS),
    )
