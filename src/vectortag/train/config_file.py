"""A training's configuration: one TOML file, every key known, every path free of any one machine.

Later sources win: defaults, the TOML file, `.env`, environment (`VECTORTAG_TRAIN_LEARNING_RATE=1e-3`,
`VECTORTAG_TRAIN_LOSS__KIND=focal`), `--set learning_rate=1e-3 --set loss.kind=focal`.

pydantic-settings does not fit: it ignores unknown variables of the environment, where typing errors hide, refuses other
programs' variables in `.env`, which `${NAME}` needs, and reads values as JSON in the place of TOML.
"""

from __future__ import annotations

import os
import re
import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from vectortag.core.errors import ConfigError, did_you_mean
from vectortag.core.files import read_text
from vectortag.core.toml import DEEPEST, TomlError, parse_toml
from vectortag.train.config import TrainConfig

ENVIRONMENT_PREFIX = "VECTORTAG_TRAIN_"


def load_config(path: str | Path, *, settings: Sequence[str] = ()) -> TrainConfig:
    """Read a configuration; `${NAME}` in any string is replaced by that environment variable.

    Args:
        path: the TOML file.
        settings: "key=value" or "section.key=value" each; the value is TOML, or else a string.

    Raises:
        ConfigError: the file is not TOML, has an unknown key or a wrong value, or a variable is not set.
    """
    file = Path(path)
    environment = {**_read_dotenv(Path(".env")), **os.environ}
    try:
        content = parse_toml(read_text(file))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}. Expected a TOML file") from error
    except (TomlError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from error
    for name, value in sorted(environment.items()):
        if name.startswith(ENVIRONMENT_PREFIX):
            key = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".")
            _put(content, key, value, where=name)
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise ConfigError(f'--set {setting}: expected key=value, as in "learning_rate=1e-3"')
        _put(content, key.strip(), value.strip(), where=f"--set {setting}")
    try:
        return TrainConfig.model_validate(_fill_variables(content, str(file), environment))
    except ValidationError as error:
        raise ConfigError(f"{file}: {_first_problem(error)}") from error


def _read_dotenv(file: Path) -> dict[str, str]:
    """NAME=value lines; `#` begins a comment line."""
    if not file.is_file():
        return {}
    lines = (line.strip().removeprefix("export ") for line in read_text(file).splitlines())
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def _put(content: dict[str, Any], key: str, value: str, *, where: str) -> None:
    *sections, last = key.split(".")
    if len(sections) > DEEPEST:
        raise ConfigError(f"{where[:80]}...: expected a key such as loss.kind")
    place: Any = content
    for section in sections:
        place = place.setdefault(section, {})
        if not isinstance(place, dict):
            raise ConfigError(f'{where}: "{section}" is not a section with keys')
    try:
        place[last] = parse_toml(f"value = {value}")["value"]
    except TomlError:
        place[last] = value  # a bare word is a string: loss.kind=focal


def _fill_variables(value: Any, where: str, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _fill_variables(inner, where, environment) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill_variables(inner, where, environment) for inner in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name not in environment:
            raise ConfigError(f"{where}: ${{{name}}} is used but not set. Set it: export {name}=...")
        return environment[name]

    return re.sub(r"\$\{(\w+)\}", fill, value)


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    *parents, key = [str(part) for part in problem["loc"]] or [""]
    where = ".".join([*parents, key])
    if problem["type"] == "value_error" and isinstance(problem["input"], dict):  # of keys that do not go together
        text = problem["msg"].removeprefix("Value error, ")
        return f"{where}: {text}" if where else text
    if problem["type"] != "extra_forbidden":
        return f"{where}: {problem['msg']}, got {reprlib.repr(problem['input'])}"
    known = _fields_at(parents)
    return f'unknown key "{where}".{did_you_mean(key, known)} Known here: {", ".join(known)}'


def _fields_at(parents: Sequence[str]) -> list[str]:
    if not parents:
        return list(TrainConfig.model_fields)
    annotation: Any = TrainConfig.model_fields[parents[0]].annotation
    section = (get_args(annotation) or (annotation,))[0]  # data is a tuple of sections
    return list(section.model_fields)
