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

from vectortag.core.version import __version__ as __version__

__all__ = [
    "Analysis",
    "Client",
    "ConfigError",
    "Conversion",
    "CorrectionError",
    "DataError",
    "FailedTagging",
    "Heatmap",
    "Language",
    "LanguageError",
    "Library",
    "LibraryError",
    "MissingExtraError",
    "ModelFolder",
    "ModelFolderError",
    "NewTagError",
    "OutputError",
    "OverwriteError",
    "PhotoError",
    "QueryError",
    "ServiceError",
    "ShapeError",
    "Suggestions",
    "TagScore",
    "Tagger",
    "Tagging",
    "Taxonomy",
    "TaxonomyError",
    "TrainConfig",
    "TrainingError",
    "UnknownModelError",
    "UnknownTagError",
    "VectorTagError",
    "WordsError",
    "convert",
    "draw_heatmap",
    "escape_path",
    "evaluate",
    "export_onnx",
    "find_images",
    "fit",
    "read_model_folder",
    "suggest",
    "train",
    "unescape_path",
]

_HOMES = {
    "Analysis": "inference.analysis",
    "Client": "apps.client",
    "Conversion": "data.formats.convert",
    "FailedTagging": "core.types",
    "Heatmap": "core.types",
    "Language": "model.language",
    "Library": "library.library",
    "ModelFolder": "model.folder",
    "Suggestions": "assembly.suggest",
    "TagScore": "core.types",
    "Tagger": "inference.tagger",
    "Tagging": "core.types",
    "Taxonomy": "model.taxonomy",
    "TrainConfig": "train.config",
    "convert": "data.formats.convert",
    "draw_heatmap": "inference.heatmap_drawing",
    "escape_path": "core.file_names",
    "evaluate": "evaluation.evaluate",
    "export_onnx": "assembly.onnx_export",
    "fit": "assembly.fit",
    "find_images": "data.find",
    "read_model_folder": "model.folder",
    "suggest": "assembly.suggest",
    "unescape_path": "core.file_names",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'vectortag' has no attribute {name!r}")
    if name == "train":  # the package, which can be called
        return importlib.import_module("vectortag.train")
    home = _HOMES.get(name, "core.errors")
    try:
        module = importlib.import_module(f"vectortag.{home}")
    except ModuleNotFoundError as error:
        if not home.startswith("train."):
            raise
        missing = importlib.import_module("vectortag.core.errors").MissingExtraError
        raise missing("Training", error.name or "pydantic", "train") from error
    return getattr(module, name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


if TYPE_CHECKING:
    from vectortag.apps.client import Client
    from vectortag.assembly.fit import fit
    from vectortag.assembly.onnx_export import export_onnx
    from vectortag.assembly.suggest import Suggestions, suggest
    from vectortag.core.errors import (
        ConfigError,
        CorrectionError,
        DataError,
        LanguageError,
        LibraryError,
        MissingExtraError,
        ModelFolderError,
        NewTagError,
        OutputError,
        OverwriteError,
        PhotoError,
        QueryError,
        ServiceError,
        ShapeError,
        TaxonomyError,
        TrainingError,
        UnknownModelError,
        UnknownTagError,
        VectorTagError,
        WordsError,
    )
    from vectortag.core.file_names import escape_path, unescape_path
    from vectortag.core.types import FailedTagging, Heatmap, Tagging, TagScore
    from vectortag.data.find import find_images
    from vectortag.data.formats.convert import Conversion, convert
    from vectortag.evaluation.evaluate import evaluate
    from vectortag.inference.analysis import Analysis
    from vectortag.inference.heatmap_drawing import draw_heatmap
    from vectortag.inference.tagger import Tagger
    from vectortag.library.library import Library
    from vectortag.model.folder import ModelFolder, read_model_folder
    from vectortag.model.language import Language
    from vectortag.model.taxonomy import Taxonomy
    from vectortag.train.config import TrainConfig
    from vectortag.train.recipe import train
