"""From what the library says to what the service answers: plain values in the shapes of `schema.py`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from vectortag.apps.server.model_worker import ModelWorker, Taggers
from vectortag.apps.server.schema import TagOptions
from vectortag.core.errors import PhotoError
from vectortag.core.types import DIGITS, Heatmap, Tagging
from vectortag.model.calibration import PROFILES
from vectortag.model.folder import CARD
from vectortag.personal.added_tags import AddedTag


def taggings(photos: Iterable[tuple[str | None, Tagging | PhotoError]], options: TagOptions) -> dict[str, Any]:
    """`schema.Taggings` of named photos; at least one of them was read."""
    photos = list(photos)
    first = next(result for _, result in photos if isinstance(result, Tagging))
    return {**_origin(first), "photos": [_photo(name, result, options) for name, result in photos]}


def _origin(tagging: Tagging) -> dict[str, Any]:
    return {
        "model": tagging.model,
        "runtime": tagging.runtime,
        "precision": tagging.precision,
        "size": tagging.size,
    }


def _photo(name: str | None, result: Tagging | PhotoError, options: TagOptions) -> dict[str, Any]:
    if isinstance(result, PhotoError):
        return {"name": name, "error": {"type": type(result).__name__, "message": str(result)}}
    tags = result.select(threshold=options.threshold, top_k=options.top_k, all_scores=options.all_scores)
    return {"name": name, "tags": [scored.to_json() for scored in tags], "implied": result.implied}


def heatmaps(tagging: Tagging, maps: Sequence[Heatmap]) -> dict[str, Any]:
    """`schema.Heatmaps`."""
    arrays = [
        {
            "tag": heatmap.tag,
            "source": heatmap.source,
            "score": round(heatmap.score, DIGITS),
            "values": heatmap.values.astype(float).round(DIGITS).tolist(),
        }
        for heatmap in maps
    ]
    return {**_origin(tagging), "heatmaps": arrays}


def summary(model: ModelWorker, taggers: Taggers, *, default: bool) -> dict[str, Any]:
    """`schema.ModelSummary`."""
    return {
        "name": model.name,
        "id": taggers.default.id,
        "default": default,
        "tags": len(taggers.default.tags),
        "architecture": model.folder.manifest.backbone.architecture,
        "size": model.size,
        "sizes": list(model.folder.manifest.sizes),
        "runtime": model.runtime,
        "precision": model.precision,
    }


def details(model: ModelWorker, taggers: Taggers, *, default: bool) -> dict[str, Any]:
    """`schema.ModelDetails`."""
    manifest = model.folder.manifest
    tagger, teachers = taggers.default, manifest.teachers
    limits = {profile: _limits(taggers[profile].thresholds.tolist()) for profile in PROFILES}
    added = {tag.name: tag for tag in tagger.additions}
    vocabulary = [
        {
            "tag": tag,
            "added": tag in added,
            "taught_by": teachers[place] if place < len(teachers) else None,
            "parents": added[tag].parents
            if tag in added
            else [manifest.tags[p] for p in tagger.hierarchy.above(place)],
            "thresholds": {profile: limits[profile][place] for profile in PROFILES},
        }
        for place, tag in enumerate(tagger.tags)
    ]
    card = (model.folder.path / CARD).read_text("utf-8")
    return {
        **summary(model, taggers, default=default),
        "card": card,
        "metrics": dict(manifest.metrics),
        "vocabulary": vocabulary,
    }


def _limits(thresholds: Sequence[float]) -> list[float | None]:
    return [None if value != value else round(value, DIGITS) for value in thresholds]  # NaN: never predicted


def added_tag(model: ModelWorker, tag: AddedTag) -> dict[str, Any]:
    """`schema.AddedTagAnswer`."""
    return {
        "tag": tag.name,
        "model": model.folder.id,
        "parents": tag.parents,
        "examples": tag.examples,
        "counterexamples": tag.counterexamples,
        "separation": round(tag.separation, DIGITS),
    }
