"""VectorTag tags photos: several tags each, with an honest score, and a heat map of what made the model say so.

    import vectortag as vt
    tagger = vt.Tagger.load()
    tagging = tagger.tag("beach.jpg")
    heatmap = tagger.explain("beach.jpg", "beach")

Names are imported when they are first used, so that `import vectortag` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Analysis",
    "ConfigError",
    "CorrectionError",
    "DataError",
    "FailedTagging",
    "Heatmap",
    "MissingExtraError",
    "ModelFolder",
    "ModelFolderError",
    "NewTagError",
    "PhotoError",
    "ServiceError",
    "ShapeError",
    "TagScore",
    "Tagger",
    "Tagging",
    "Taxonomy",
    "TaxonomyError",
    "TrainingError",
    "UnknownModelError",
    "UnknownTagError",
    "VectorTagError",
    "WordsError",
    "draw_heatmap",
    "evaluate",
    "find_images",
    "fit",
    "read_model_folder",
]

_HOMES = {
    "Analysis": "tagger",
    "FailedTagging": "types",
    "Heatmap": "types",
    "ModelFolder": "model_folder",
    "TagScore": "types",
    "Tagger": "tagger",
    "Tagging": "types",
    "Taxonomy": "taxonomy",
    "draw_heatmap": "heatmap",
    "evaluate": "evaluation",
    "fit": "own_vocabulary",
    "find_images": "data.find",
    "read_model_folder": "model_folder",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'vectortag' has no attribute {name!r}")
    module = importlib.import_module(f"vectortag.{_HOMES.get(name, 'errors')}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


if TYPE_CHECKING:
    from vectortag.data.find import find_images
    from vectortag.errors import (
        ConfigError,
        CorrectionError,
        DataError,
        MissingExtraError,
        ModelFolderError,
        NewTagError,
        PhotoError,
        ServiceError,
        ShapeError,
        TaxonomyError,
        TrainingError,
        UnknownModelError,
        UnknownTagError,
        VectorTagError,
        WordsError,
    )
    from vectortag.evaluation import evaluate
    from vectortag.heatmap import draw_heatmap
    from vectortag.model_folder import ModelFolder, read_model_folder
    from vectortag.own_vocabulary import fit
    from vectortag.tagger import Analysis, Tagger
    from vectortag.taxonomy import Taxonomy
    from vectortag.types import FailedTagging, Heatmap, Tagging, TagScore
