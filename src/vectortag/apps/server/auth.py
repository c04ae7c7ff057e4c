"""API keys: a file with one name and hash per line. A key itself is shown once, when it is made."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from vectortag.core.errors import ConfigError
from vectortag.core.files import read_text
from vectortag.core.writing import replace_file

LINE = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*) sha256:(?P<hash>[0-9a-f]{64})")


class ApiKeys:
    """The hashes of the accepted keys, by name.

    A key is 256 random bits, so one round of SHA-256 is enough: no dictionary attack can guess it.
    """

    def __init__(self, hashes: Mapping[str, str]) -> None:
        self._hashes = hashes

    def accepts(self, key: str) -> bool:
        """Whether it is one of the keys; takes the same time for every key, known or not."""
        hashed = _hash(key)
        return sum(hmac.compare_digest(hashed, known) for known in self._hashes.values()) > 0


def read_keys(file: Path) -> ApiKeys:
    """Read a key file.

    Raises:
        ConfigError: the file cannot be read, has a malformed line, or has no key.
    """
    hashes = dict(_lines(file, _text(file)))
    if not hashes:
        raise ConfigError(f"{file}: has no keys. Make one: vectortag serve --api-key-file {file} --new-key NAME")
    return ApiKeys(hashes)


def new_key(file: Path, name: str) -> str:
    """Make a key, add its hash to the file, and return the key.

    Raises:
        ConfigError: the name is in use or has other characters than letters, digits and `._-`, or the file is not a
            key file.
    """
    before = _text(file) if file.exists() else ""
    if name in dict(_lines(file, before)):
        raise ConfigError(f'{file}: has a key "{name}" already. Remove its line first, or choose another name')
    key = f"vt_{secrets.token_urlsafe(32)}"
    line = f"{name} sha256:{_hash(key)}"
    if not LINE.fullmatch(line):
        raise ConfigError(f"the name of a key may have letters, digits and ._- only, got {name!r}")
    try:
        # Hashes of random keys are no secret, and a container's user may be another one.
        replace_file(file, f"{before.rstrip()}\n{line}\n".lstrip().encode(), mode=0o644)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written: {error.strerror}") from error
    return key


def _text(file: Path) -> str:
    try:
        return read_text(file)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from error


def _lines(file: Path, text: str) -> list[tuple[str, str]]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if match is None:
            raise ConfigError(f"{file}:{number}: expected NAME sha256:HASH. Make keys with: vectortag serve --new-key")
        found.append((match["name"], match["hash"]))
    return found


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
