"""The properties of XMP in which VectorTag writes tags, and its own record of what it wrote.

Other programs read the first property that they know and leave the rest: Immich and digiKam read `digiKam:TagsList`
before `lr:hierarchicalSubject` before flat keywords. So all of them are written, and they say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from msgspec import Struct, field

from vectortag.data.xmp import FIELDS, KeywordPath

By = Literal["model", "person", "keyword"]
"""Who says that a photo has a tag: the model alone; a person who accepted it; a keyword that the person had already."""

SAYING: tuple[By, ...] = get_args(By)


@dataclass(frozen=True, slots=True)
class KeywordField:
    """A property that is a list of keywords.

    Attributes:
        name: "{namespace}local".
        prefix: the usual one.
        container: "Bag" or "Seq".
        separator: between the levels of a path; "" if each keyword is one level.
        always: whether it is written where a sidecar does not have it yet.
    """

    name: str
    prefix: str
    container: Literal["Bag", "Seq"]
    separator: str
    always: bool = True

    @property
    def namespace(self) -> str:
        return self.name[1:].partition("}")[0]

    @property
    def local(self) -> str:
        return self.name.partition("}")[2]

    @property
    def written_name(self) -> str:
        """As documents name it, such as "dc:subject"."""
        return f"{self.prefix}:{self.local}"

    def entries(self, path: Sequence[str]) -> tuple[str, ...]:
        """The keywords of a path: one, or in a flat property one for each level.

        A "/" in a name becomes "\\" where "/" separates levels, as in digiKam.
        """
        if not self.separator:
            return tuple(path)
        levels = (level.replace("/", "\\") for level in path) if self.separator == "/" else path
        return (self.separator.join(levels),)

    def path(self, entry: str) -> KeywordPath:
        """The levels of a keyword."""
        return [level.strip() for level in entry.split(FIELDS[self.name])]


SUBJECT = KeywordField("{http://purl.org/dc/elements/1.1/}subject", "dc", "Bag", "")
HIERARCHICAL = KeywordField("{http://ns.adobe.com/lightroom/1.0/}hierarchicalSubject", "lr", "Bag", "|")
TAGS_LIST = KeywordField("{http://www.digikam.org/ns/1.0/}TagsList", "digiKam", "Seq", "/")
LAST_KEYWORD = KeywordField(
    "{http://ns.microsoft.com/photo/1.0/}LastKeywordXMP", "MicrosoftPhoto", "Bag", "/", always=False
)
OTHER_NAMES = {"{http://ns.microsoft.com/photo/1.0}LastKeywordXMP": LAST_KEYWORD.name}
"""Names of the same properties that some programs write: here exiftool."""
KEYWORD_FIELDS = (SUBJECT, HIERARCHICAL, TAGS_LIST, LAST_KEYWORD)
TREES = (HIERARCHICAL, TAGS_LIST, LAST_KEYWORD)
"""Those with paths, the one that most programs keep first."""

PATH_SEPARATOR = "|"
"""Between levels in VectorTag's record. No tag that is written has it in its name: `lr` has no escape for it."""


def can_be_written(name: str) -> bool:
    """Whether a sidecar can hold a tag of this name: "|" separates levels in every program."""
    return PATH_SEPARATOR not in name


@dataclass(frozen=True, slots=True)
class WantedTag:
    """A tag that a photo is to have.

    Attributes:
        tag: the model's name, which renames do not change.
        path: the shown names from the top level to the tag's own.
        score: in [0, 1]; None if no model gave one.
        by: "person" if the tag was accepted, else "model".
    """

    tag: str
    path: tuple[str, ...]
    score: float | None = None
    by: By = "model"

    @property
    def name(self) -> str:
        return self.path[-1]


class TagRecord(Struct, frozen=True):
    """A tag as the record has it: as `WantedTag`, and `score` has 2 decimals."""

    tag: str
    path: tuple[str, ...]
    score: float | None
    by: By

    @property
    def was_written(self) -> bool:
        """Whether its keywords are VectorTag's."""
        return self.by != "keyword"


class Record(Struct, frozen=True):
    """What VectorTag wrote in a sidecar, noted there and in the library.

    Attributes:
        model: `name@digest` of the model whose scores these are.
        date: when it ran, in ISO 8601.
        created: whether VectorTag made the sidecar.
        tags: the tags that the photo has, those of a person included.
        wrote: by the local name of a property, the keywords that VectorTag wrote in it.
        gone: the same of those that were deleted by hand.
        deleted: the tags that were deleted by hand in all.
    """

    model: str = ""
    date: str = ""
    created: bool = False
    tags: tuple[TagRecord, ...] = ()
    wrote: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gone: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    deleted: tuple[str, ...] = ()

    def says_nothing(self) -> bool:
        """Whether there is no tag and no memory of one."""
        return not (self.tags or self.wrote or self.gone or self.deleted)

    def says_the_same(self, other: Record) -> bool:
        """Whether tags, scores and memory are equal; another model or date alone is no reason to write a file."""
        mine, theirs = ((set(one.tags), _sets(one.wrote), _sets(one.gone), set(one.deleted)) for one in (self, other))
        return mine == theirs


def _sets(lists: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
    return {name: set(entries) for name, entries in lists.items() if entries}
