"""A training's configuration: one TOML file, every key known, every path free of any one machine."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vectortag.errors import ConfigError, did_you_mean


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataConfig(_Strict):
    """One data set. `rights` and `about` are for the model card."""

    name: str
    csv: str
    about: str = ""
    rights: str = ""


class BackboneConfig(_Strict):
    """The network that makes feature maps: any timm model whose embedding is the plain mean of its feature map.

    Attributes:
        architecture: timm's name.
        init: "pretrained" downloads timm's weights; else the path of a safetensors file.
        origin: where these weights come from, for the model card.
        image_size: pixels a side.
    """

    architecture: str = "resnet18"
    init: str = "pretrained"
    origin: str = ""
    image_size: int = Field(default=224, ge=32)


class HeadConfig(_Strict):
    """Linear K-hidden, ReLU, Dropout, Linear hidden-T."""

    hidden: int = Field(default=256, gt=0)
    dropout: float = Field(default=0.4, ge=0, lt=1)


class VocabularyConfig(_Strict):
    """Which tags are learnt. `taxonomy` is "default", "none" or the path of a TOML file."""

    taxonomy: str = "default"
    top_k: int | None = Field(default=150, gt=0)
    min_photos: int = Field(default=1, ge=1)


class TrainConfig(_Strict):
    """Everything that decides the result of a training, apart from the photos.

    Attributes:
        validation: the share that is kept from training in sets without a column `split`.
        learning_rate, weight_decay: Adam's.
        max_positive_weight: N_neg / N_pos is clamped to [1, this]; 1 turns class weights off.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    seed: int = 1
    data: tuple[DataConfig, ...] = Field(min_length=1)
    backbone: BackboneConfig = BackboneConfig()
    head: HeadConfig = HeadConfig()
    vocabulary: VocabularyConfig = VocabularyConfig()
    freeze: Literal["backbone"] = "backbone"
    validation: float = Field(default=0.1, gt=0, lt=1)
    epochs: int = Field(default=12, gt=0)
    batch_size: int = Field(default=32, gt=0)
    learning_rate: float = Field(default=1e-4, gt=0)
    weight_decay: float = Field(default=1e-5, ge=0)
    max_positive_weight: float = Field(default=20.0, ge=1)


def load_config(path: str | Path) -> TrainConfig:
    """Read a configuration; `${NAME}` in any string is replaced by that environment variable.

    Raises:
        ConfigError: the file is not TOML, has an unknown key or a wrong value, or a variable is not set.
    """
    file = Path(path)
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}. Expected a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from error
    try:
        return TrainConfig.model_validate(_fill_variables(content, str(file)))
    except ValidationError as error:
        raise ConfigError(f"{file}: {_first_problem(error)}") from error


def _fill_variables(value: Any, where: str) -> Any:
    if isinstance(value, dict):
        return {key: _fill_variables(inner, where) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill_variables(inner, where) for inner in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name not in os.environ:
            raise ConfigError(f"{where}: ${{{name}}} is used but not set. Set it: export {name}=...")
        return os.environ[name]

    return re.sub(r"\$\{(\w+)\}", fill, value)


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    *parents, key = [str(part) for part in problem["loc"]] or [""]
    where = ".".join([*parents, key])
    if problem["type"] != "extra_forbidden":
        return f"{where}: {problem['msg']}, got {problem['input']!r}"
    known = _fields_at(parents)
    return f'unknown key "{where}".{did_you_mean(key, known)} Known here: {", ".join(known)}'


def _fields_at(parents: list[str]) -> list[str]:
    model: Any = TrainConfig
    sections = {"data": DataConfig, "backbone": BackboneConfig, "head": HeadConfig, "vocabulary": VocabularyConfig}
    if parents:
        model = sections.get(parents[0], TrainConfig)
    return list(model.model_fields)
