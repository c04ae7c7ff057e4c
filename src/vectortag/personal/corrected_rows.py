"""Rows of a model's head that corrections have changed: one file in the user's data folder, under the model's hash.

The model folder is never touched. `vectortag refresh` writes the file anew from all corrections, so what it holds is a
function of the model and the corrections alone.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vectortag.core.errors import CorrectionError, ModelFolderError
from vectortag.core.files import require_regular
from vectortag.core.folders import data_home
from vectortag.core.types import FloatArray
from vectortag.core.writing import replace_file
from vectortag.model.folder import ModelFolder

log = logging.getLogger(__name__)

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Refit:
    """What is added to the logit of one of a model's own tags: `features @ w + b`; see `model.blocks.features_of`.

    Attributes:
        corrections: on how many photos it rests.
    """

    tag: str
    w: FloatArray  # (F,)
    b: float
    corrections: int


def refits_file(model: ModelFolder) -> Path:
    """The file of a model's refits; it may not exist."""
    return data_home() / "refits" / f"{model.digest}.safetensors"


def read_refits(model: ModelFolder) -> tuple[Refit, ...]:
    """The refits of a model; none if there is no file that can be opened.

    Raises:
        ModelFolderError: the file was changed by hand, or is of a newer version.
    """
    from safetensors import SafetensorError, safe_open

    file = refits_file(model)
    try:
        require_regular(file)
        with safe_open(file, framework="numpy") as content:
            about = json.loads((content.metadata() or {}).get("refits", "{}"))
            if about.get("format_version") != FORMAT_VERSION:
                raise ModelFolderError(f"{file}: written by another version of VectorTag. Run: vectortag refresh")
            rows = [content.get_tensor(str(index)) for index in range(len(about["tags"]))]
    except FileNotFoundError:
        return ()
    except OSError as error:
        log.warning("%s: cannot be read, so what corrections have taught is left out: %s", file, error.strerror)
        return ()
    except (SafetensorError, ValueError) as error:
        raise ModelFolderError(f"{file}: cannot be read: {error}. Remove it, then run: vectortag refresh") from error
    return tuple(map(Refit, about["tags"], rows, about["b"], about["corrections"]))


def save_refits(model: ModelFolder, refits: Sequence[Refit]) -> None:
    """Replace the refits of a model.

    Raises:
        CorrectionError: the data folder cannot be written.
    """
    from safetensors.numpy import save

    file = refits_file(model)
    try:
        if not refits:
            file.unlink(missing_ok=True)
            return
        about = {
            "format_version": FORMAT_VERSION,
            "tags": [one.tag for one in refits],
            "b": [one.b for one in refits],
            "corrections": [one.corrections for one in refits],
        }
        arrays = {str(index): one.w for index, one in enumerate(refits)}
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, save(arrays, metadata={"refits": json.dumps(about)}))
    except OSError as error:
        raise CorrectionError(f"{file}: cannot be written: {error.strerror or error}") from error
