"""Training: the only place where torch is imported. Start reading at `recipe.py`.

`vectortag.train` is both this package and what it is for: called, it trains a model.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

from vectortag.core.errors import MissingExtraError

if TYPE_CHECKING:
    from vectortag.model.folder import ModelFolder


class _CallablePackage(ModuleType):
    """A package is an attribute of the one above it, so nothing else can be called `vectortag.train`."""

    @property
    def __call__(self) -> Callable[..., ModelFolder | None]:
        """`vectortag.train.recipe.train`, imported when it is first called.

        Raises:
            MissingExtraError: torch, or another package that training needs, is not installed.
        """
        try:
            from vectortag.train.recipe import train
        except ModuleNotFoundError as error:
            raise MissingExtraError("Training", error.name or "torch", "train") from error
        return train

    @property
    def __signature__(self) -> inspect.Signature:
        """For notebooks, which show it while one types."""
        return inspect.signature(self.__call__)


sys.modules[__name__].__class__ = _CallablePackage
