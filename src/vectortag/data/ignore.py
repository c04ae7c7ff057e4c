"""Which files and folders are not looked at: rubbish that programs keep beside photos, and what a user excludes.

A user excludes with rules as in a `.gitignore`: in a file `.vectortagignore`, for its folder and all below, or with
`--exclude`. A later rule wins over an earlier one, a deeper file over a higher one, `--exclude` over all.
"""

from __future__ import annotations

import contextlib
import errno
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vectortag.core.errors import ConfigError
from vectortag.core.file_names import escape_path
from vectortag.core.files import read_file

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MOST_RULE_BYTES = 1 << 20
"""Of a file of rules."""

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
FOLDER_MARK, STAR = "ps_d", "[^/]*"
"""How pathspec writes the end of a folder's name, and a star."""
_LITERAL = re.compile(r"\\.|\[[^]]*\]")
"""An escaped character, or a set of characters."""
_TRASH = re.compile(r"\.Trash-\d+")

GONE = {errno.ENOENT, errno.ENOTDIR}


def is_rubbish(name: str) -> bool:
    """Whether a folder of that name is one that a program made."""
    return name in RUBBISH or _TRASH.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class _Rules:
    """The rules of one file.

    Attributes:
        base: the folder that they are relative to.
        rules: whether a rule excludes, and what it names; the weakest first.
    """

    base: str
    rules: tuple[tuple[bool, re.Pattern[str]], ...]

    @classmethod
    def of(cls, base: str, spec: GitIgnoreSpec) -> _Rules:
        """The rules as pathspec has read them."""
        rules = []
        with _without_warnings():
            for rule in spec.patterns:
                if rule.include is not None and rule.regex is not None:
                    rules.append((rule.include, _without_retries(rule.regex.pattern)))
        return cls(base, tuple(rules))

    def verdict(self, path: str) -> bool | None:
        """What the last rule says that names this very path, a folder's with "/" behind it; None where there is none.

        Not pathspec's `check_file`, which also counts a rule for a folder above: that folder was asked about before.
        """
        return next((excludes for excludes, rule in reversed(self.rules) if _names(rule, path)), None)


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
        return cls(first=_Rules.of(str(root), _parsed(globs, "--exclude")) if globs else None)

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
            text = read_file(file, most=MOST_RULE_BYTES).decode("utf-8", "surrogateescape")
        except OSError as error:
            if error.errno in GONE:
                return self
            raise ConfigError(f"{escape_path(file)}: cannot be read: {error.strerror}") from error
        lines = text.removeprefix("\ufeff").splitlines()
        return Exclusions((*self.rules, _Rules.of(str(folder), _parsed(lines, escape_path(file)))), self.first)

    def hold(self, path: Path, *, folder: bool) -> bool:
        """Whether a path is excluded."""
        for rules in reversed((*self.rules, self.first) if self.first else self.rules):
            below = path.relative_to(rules.base).as_posix()
            verdict = rules.verdict(below + "/" * folder)
            if verdict is not None:
                return verdict
        return False


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Without Python's warning of "[[", which git reads as we do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def _names(rule: re.Pattern[str], path: str) -> bool:
    """Whether a rule, as pathspec writes it, is for a path itself: `FOLDER_MARK` is where the name of a folder ends."""
    if FOLDER_MARK not in rule.groupindex:
        return rule.search(path.removesuffix("/")) is not None
    return any(found.end(FOLDER_MARK) in (-1, len(path)) for found in rule.finditer(path))


def _without_retries(rule: str) -> re.Pattern[str]:
    r"""The same rule, matched in linear time: `*a*a*a*b` would try every way to lay its stars over a name.

    What follows a star is looked for once, at its first place: the next star of the same name takes up all the rest.

    >>> _without_retries("^[^/]*a[^/]*b$").pattern
    '^(?>[^/]*?a)[^/]*b$'
    """
    first, *pieces = rule.split(STAR)
    written = first
    for place, piece in enumerate(pieces, start=1):
        is_within_a_name = not set("/()|") & set(_LITERAL.sub("", piece))
        is_last = place == len(pieces)
        written += f"(?>{STAR}?{piece})" if is_within_a_name and not is_last else STAR + piece
    return re.compile(written)


def excludes_file(globs: Sequence[str], path: Path) -> bool:
    """Whether `--exclude` names a file that was given by itself: its name alone counts.

    Raises:
        ConfigError: a glob is no rule.
    """
    return bool(globs) and bool(_parsed(globs, "--exclude").match_file(path.name))


def _parsed(lines: Sequence[str], where: str) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # here, since nearly nobody has such a file

    try:
        with _without_warnings():
            return GitIgnoreSpec.from_lines(lines)
    except (ValueError, OverflowError, RecursionError, re.error) as error:
        raise ConfigError(f"{where}: is not a rule of a .gitignore: {error}") from error
