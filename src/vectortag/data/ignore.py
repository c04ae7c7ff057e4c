"""Which files and folders are not looked at: rubbish that programs keep beside photos, and what a user excludes.

A user excludes with rules as in a `.gitignore`: in a file `.vectortagignore`, for its folder and all below, or with
`--exclude`. A later rule wins over an earlier one, a deeper file over a higher one, `--exclude` over all.
"""

from __future__ import annotations

import errno
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vectortag.core.errors import ConfigError
from vectortag.core.file_names import escape_path
from vectortag.core.files import read_file

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE, NO_MEDIA = ".vectortagignore", ".nomedia"

RUBBISH = frozenset(
    {
        # thumbnails, deleted files and snapshots of network drives: Synology, QNAP, Asustor, NetApp
        "@eaDir", "@tmp", "@Recycle", "@Recently-Snapshot", "@__thumb", "#recycle", "#snapshot", "~snapshot",
        # of Windows, macOS, Linux
        "$RECYCLE.BIN", "$Recycle.Bin", "RECYCLER", "System Volume Information", "__MACOSX", "lost+found",
        # of programs; hidden names are left out anyway, and stand here for the day when they are not
        ".Trash", ".Trashes", ".thumbnails", ".thumbs", ".dtrash", ".stfolder", ".stversions", ".@__thumb",
        ".AppleDouble", ".Spotlight-V100", ".fseventsd", ".TemporaryItems", ".picasaoriginals", ".git",
    }
)  # fmt: skip
"""Folders that programs make, by their exact names: `@alice` is a person's."""
FOLDER_MARK = "ps_d"
_TRASH = re.compile(r"\.Trash-\d+")

GONE = {errno.ENOENT, errno.ENOTDIR}


def is_rubbish(name: str) -> bool:
    """Whether a folder of that name is one that a program made."""
    return name in RUBBISH or _TRASH.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class _Rules:
    """The rules of one file; `base` is the folder that they are relative to."""

    base: str
    spec: GitIgnoreSpec


@dataclass(frozen=True, slots=True)
class Exclusions:
    """The rules that hold in a folder, the weakest first."""

    rules: tuple[_Rules, ...] = ()
    first: _Rules | None = None

    @classmethod
    def of(cls, globs: Sequence[str], root: Path) -> Exclusions:
        """Those of `--exclude`, for what lies below `root`.

        Raises:
            ConfigError: a glob is no rule.
        """
        return cls(first=_Rules(str(root), _parsed(globs, "--exclude")) if globs else None)

    @property
    def are_any(self) -> bool:
        """Whether there is any rule."""
        return bool(self.rules) or self.first is not None

    def within(self, folder: Path) -> Exclusions:
        """With those of the folder's own file.

        Raises:
            ConfigError: the file cannot be read, or has a line that is no rule.
        """
        file = folder / IGNORE_FILE
        try:
            lines = read_file(file).decode("utf-8", "surrogateescape").removeprefix("\ufeff").splitlines()
        except OSError as error:
            if error.errno in GONE:
                return self
            raise ConfigError(f"{escape_path(file)}: cannot be read: {error.strerror}") from error
        return Exclusions((*self.rules, _Rules(str(folder), _parsed(lines, escape_path(file)))), self.first)

    def hold(self, path: Path, *, folder: bool) -> bool:
        """Whether a path is excluded."""
        for rules in reversed((*self.rules, self.first) if self.first else self.rules):
            below = path.relative_to(rules.base).as_posix()
            verdict = _verdict(rules.spec, below + "/" * folder)
            if verdict is not None:
                return verdict
        return False


def _verdict(spec: GitIgnoreSpec, path: str) -> bool | None:
    """What the last rule says that names this very path, a folder's with "/" behind it; None where there is none.

    Not `check_file`, which also counts a rule for a folder above: that folder was asked about before.
    """
    for pattern in reversed(spec.patterns):
        if pattern.include is not None and pattern.regex is not None and _names(pattern.regex, path):
            return pattern.include
    return None


def _names(rule: re.Pattern[str], path: str) -> bool:
    """Whether a rule, as pathspec writes it, is for a path itself: `FOLDER_MARK` is where the name of a folder ends."""
    if FOLDER_MARK not in rule.groupindex:
        return rule.search(path.removesuffix("/")) is not None
    return any(found.end(FOLDER_MARK) in (-1, len(path)) for found in rule.finditer(path))


def excludes_file(globs: Sequence[str], path: Path) -> bool:
    """Whether `--exclude` names a file that was given by itself: its name alone counts.

    Raises:
        ConfigError: a glob is no rule.
    """
    return bool(globs) and bool(_parsed(globs, "--exclude").match_file(path.name))


def _parsed(lines: Sequence[str], where: str) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # here, since nearly nobody has such a file

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of "[[", which git reads as we do
            return GitIgnoreSpec.from_lines(lines)
    except (ValueError, OverflowError, RecursionError, re.error) as error:
        raise ConfigError(f"{where}: is no rule of a .gitignore: {error}") from error
