"""Training: the only place where torch is imported. Start reading at `recipe.py`.

`vectortag.train` is both this package and what it is for: called, it trains a model.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from vectortag.core.errors import MissingExtraError

if TYPE_CHECKING:
    from lightning.pytorch.callbacks import Callback
    from lightning.pytorch.loggers import Logger

    from vectortag.model.folder import ModelFolder
    from vectortag.train.config import TrainConfig


class _CallablePackage(ModuleType):
    """A package is an attribute of the one above it, so nothing else can be called `vectortag.train`."""

    def __call__(
        self,
        config: TrainConfig | str | Path,
        output: str | Path = "runs",
        *,
        callbacks: Sequence[Callback] = (),
        loggers: Sequence[Logger] = (),
        resume: bool = False,
        skip_bad_rows: bool = False,
        overwrite: bool = False,
    ) -> ModelFolder | None:
        """Train a model; see `vectortag.train.recipe.train`.

        Raises:
            MissingExtraError: torch, or another package that training needs, is not installed.
        """
        try:
            from vectortag.train.recipe import train
        except ModuleNotFoundError as error:
            raise MissingExtraError("Training", error.name or "torch", "train") from error
        return train(
            config,
            output,
            callbacks=callbacks,
            loggers=loggers,
            resume=resume,
            skip_bad_rows=skip_bad_rows,
            overwrite=overwrite,
        )


sys.modules[__name__].__class__ = _CallablePackage
