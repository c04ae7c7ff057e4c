"""The weights that timm downloads: from its cache where they are there, else by a connection that is tried first."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import timm
from huggingface_hub import constants

from vectortag.core.errors import ConfigError
from vectortag.model.folder import read_model_folder
from vectortag.model.registry import shipped_models

PATIENCE = 5.0
"""Seconds for a first answer; Hugging Face's own client tries again for a minute."""


def create_pretrained(architecture: str, **options: Any) -> Any:
    """A timm model with its pretrained weights.

    Raises:
        ConfigError: timm has no weights for it, or they are not in the cache and cannot be downloaded.
    """
    asked_to_be_offline = bool(constants.HF_HUB_OFFLINE)
    try:
        with _connecting(False):
            return timm.create_model(architecture, pretrained=True, **options)
    except RuntimeError as error:
        if "No pretrained weights exist" not in str(error):
            raise
        raise ConfigError(f"backbone.init: timm has no pretrained weights of {architecture}") from error
    except OSError as error:  # they are not in the cache
        if asked_to_be_offline:
            raise _unavailable(architecture, "HF_HUB_OFFLINE is set") from error
    _check_connection(architecture)
    try:
        with _connecting(True):
            return timm.create_model(architecture, pretrained=True, **options)
    except OSError as error:
        raise _unavailable(architecture, str(error).splitlines()[0]) from error


def _check_connection(architecture: str) -> None:
    request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=PATIENCE).close()
    except urllib.error.HTTPError:
        return  # an answer, whatever it says
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise _unavailable(architecture, f"{constants.ENDPOINT} cannot be reached: {reason}") from error


def _unavailable(architecture: str, why: str) -> ConfigError:
    folders = [read_model_folder(path) for path in shipped_models()]
    here = [one.manifest.name for one in folders if one.manifest.backbone.architecture == architecture]
    other = f'"{here[0]}", a model that is here' if here else "the path of a safetensors file"
    return ConfigError(
        f"backbone.init: the pretrained weights of {architecture} are not in the cache and cannot be downloaded "
        f"({why}). Set init to {other}"
    )


@contextmanager
def _connecting(allowed: bool) -> Iterator[None]:
    """Whether Hugging Face's client may open a connection; one that hangs ends, by whatever client."""
    before, timeout = constants.HF_HUB_OFFLINE, socket.getdefaulttimeout()
    constants.HF_HUB_OFFLINE = not allowed
    socket.setdefaulttimeout(6 * PATIENCE)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
        socket.setdefaulttimeout(timeout)
