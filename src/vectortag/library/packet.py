"""A sidecar as a document: finds the keywords and VectorTag's record in it, and edits them in place."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from vectortag.data.xmp import RDF, VECTORTAG, XmpError
from vectortag.library.keyword_fields import (
    KEYWORD_FIELDS,
    OTHER_NAMES,
    PATH_SEPARATOR,
    SAYING,
    KeywordField,
    Record,
    TagRecord,
)
from vectortag.library.keyword_merge import Planned
from vectortag.library.packet_text import description_of, escaped, list_of, with_capital
from vectortag.library.xml_source import Element, parse

X = "{adobe:ns:meta/}"
OPENED = {X + "xmpmeta", X + "xapmeta", *(RDF + name for name in ("RDF", "Description", "Bag", "Seq", "Alt", "li"))}
FIELD_NAMES = {field.name for field in KEYWORD_FIELDS} | OTHER_NAMES.keys()
DESCRIPTION, ABOUT, LI = RDF + "Description", RDF + "about", RDF + "li"

EMPTY = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="VectorTag">\n'
    b' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n </rdf:RDF>\n</x:xmpmeta>\n'
)
"""A sidecar that says nothing. It has no date: a date would replace the photo's own in other programs."""

SCORES, MODEL, DATE, CREATED, DELETED = (
    VECTORTAG + name for name in ("TaggingScores", "TaggingModel", "TaggingDate", "TaggingCreated", "TaggingDeleted")
)
WROTE, GONE = VECTORTAG + "TaggingWrote", VECTORTAG + "TaggingGone"
"""The names in VectorTag's namespace. The local name of a property follows these two, as in "TaggingWroteSubject".

All begin with "Tagging": programs that drop the namespace would take "Model" for the camera.
"""

MOST_KEYWORDS = 2000
"""Of one property."""

Edit = tuple[int, int, str]


class Packet:
    """A parsed sidecar.

    Raises:
        XmpError: it is no XMP, or a property is not the list that it should be.
    """

    def __init__(self, content: bytes) -> None:
        self.source = parse(content, lambda parent: parent.name in OPENED | FIELD_NAMES or _is_ours(parent.name))
        self.rdf = _rdf(self.source.root)
        self.descriptions = [child for child in self.rdf.children if child.name == DESCRIPTION]
        self._properties = {field.local: self._property(field) for field in KEYWORD_FIELDS}
        self.record = self._record()

    @property
    def lists(self) -> dict[str, list[str]]:
        """The keywords by the local name of the property; without those properties that are missing."""
        return {name: [_text(item) for item in items] for name, (found, items) in self._lists() if found}

    def _lists(self) -> Iterator[tuple[str, tuple[Element | None, list[Element]]]]:
        for name, found in self._properties.items():
            container = found.children[0] if found and found.children else None
            yield name, (found, [] if container is None else container.children)

    def edited(self, planned: Planned) -> bytes:
        """The sidecar with a plan carried out; b"" if VectorTag made it, and nothing is left in it."""
        edits: list[Edit] = []
        begun: dict[str, list[str]] = {}
        removed: set[int] = set()
        for field in KEYWORD_FIELDS:
            add, remove = planned.add.get(field.local, []), planned.remove.get(field.local, [])
            found = self._properties[field.local]
            if found is not None and self._is_begun_by_us(field, remove, planned):
                removed.add(id(found))
                begun[field.local] = list(planned.record.wrote.get(field.local, ()))
            elif found is not None:
                edits += self._changed(found, add, remove)
            else:
                begun[field.local] = add
        is_left = self._without_record(edits, removed)
        record = planned.record
        if record.says_nothing():
            if not is_left and self.record is not None and self.record.created and not self.source.has_comments:
                return b""
        else:
            edits.append(self._block(record, {name: entries for name, entries in begun.items() if entries}))
        return self.source.edited(edits)

    def _property(self, field: KeywordField) -> Element | None:
        children = [child for one in self.descriptions for child in one.children]
        found = [child for child in children if OTHER_NAMES.get(child.name, child.name) == field.name]
        if len(found) > 1:
            raise XmpError(f"it has {field.written_name} twice")
        if any(field.name in one.attributes for one in self.descriptions):
            raise XmpError(f"its {field.written_name} is not a list")
        if not found:
            return None
        (one,) = found
        lists = [child for child in one.children if child.name in {RDF + "Bag", RDF + "Seq"}]
        is_blank = not one.children and not one.text.strip() and not one.attributes
        if not is_blank and (len(lists) != len(one.children) or len(lists) != 1 or one.text.strip()):
            raise XmpError(f"its {field.written_name} is not a list")
        if sum(len(container.children) for container in lists) > MOST_KEYWORDS:
            raise XmpError(f"its {field.written_name} has more than {MOST_KEYWORDS:,} keywords")
        if any(item.name != LI or item.children for container in lists for item in container.children):
            raise XmpError(f"its {field.written_name} is a list of something else than words")
        return one

    def _is_begun_by_us(self, field: KeywordField, remove: Sequence[str], planned: Planned) -> bool:
        """Whether a property has nothing of the person's, and stands in a description that has VectorTag's record."""
        found = self._properties[field.local]
        home = next((one for one in self.descriptions if found in one.children), None)
        if home is None or not _has_record(home):
            return False
        ours = {*remove, *planned.record.wrote.get(field.local, ())}
        return set(self.lists[field.local]) <= ours

    def _changed(self, found: Element, add: Sequence[str], remove: Sequence[str]) -> list[Edit]:
        """The edits of one property; its other entries stay as they are."""
        if not found.children:
            return [] if not add else self._filled(found, "".join(list_of(add, "Bag", "", "")), "")
        (container,) = found.children
        items = container.children
        edits = [self._cut(item) for item in items if _text(item) in remove]
        if not add:
            return edits
        blanks = self.source.blanks_before(items[-1].start).decode() if items else ""
        name = f"{container.prefix}li"
        text = "".join(f"{blanks}<{name}>{escaped(entry)}</{name}>" for entry in add)
        if container.is_empty_tag:
            return [*edits, *self._filled(container, text, "")]
        at = items[-1].end if items else container.opened
        return [*edits, (at, at, text)]

    def _filled(self, element: Element, text: str, before_end: str) -> list[Edit]:
        """The edit that gives content to an element without any."""
        if not element.is_empty_tag:
            return [(element.opened, element.opened, text)]
        return [(element.opened - 2, element.opened, f">{text}{before_end}</{element.tag.decode()}>")]

    def _cut(self, element: Element) -> Edit:
        """The edit that removes an element, with the blanks before it."""
        return (element.start - len(self.source.blanks_before(element.start)), element.end, "")

    def _without_record(self, edits: list[Edit], removed: set[int]) -> bool:
        """Add the edits that remove VectorTag's record and the properties in `removed`. Returns whether anything is
        left in the sidecar."""
        is_left = any(child.name != DESCRIPTION for child in self.rdf.children)
        for one in self.descriptions:
            gone = [child for child in one.children if _is_ours(child.name) or id(child) in removed]
            kept = len(one.children) - len(gone)
            attributes = [name for name in one.attributes if name not in {ABOUT, "about"} and not _is_ours(name)]
            had = _has_record(one)
            if had and not kept and not attributes and not one.text.strip():
                edits.append(self._cut(one))
                continue
            is_left |= bool(kept or attributes)
            edits += [self._cut(child) for child in gone]
            if had:
                edits += self._attributes_cut(one)
        return is_left

    def _attributes_cut(self, one: Element) -> Iterator[Edit]:
        """The edits that remove the attributes of VectorTag's namespace, and its declaration."""
        ours = {prefix for prefix, uri in one.namespaces.items() if uri == VECTORTAG[1:-1]}
        for name, (start, end) in self.source.attribute_spans(one).items():
            prefix, _, local = name.rpartition(":")
            if (prefix == "xmlns" and local in ours) or (prefix and prefix in ours):
                yield (start, end, "")

    def _block(self, record: Record, begun: Mapping[str, Sequence[str]]) -> Edit:
        """The edit that adds a description with VectorTag's record and the properties that it begins."""
        last = self.descriptions[-1] if self.descriptions else None
        blanks = self.source.blanks_before(last.start).decode() if last else "\n  "
        line = "\r\n" if b"\r\n" in self.source.body else "\n"
        if not last:
            blanks = blanks.replace("\n", line)
        about = last.attributes.get(ABOUT, last.attributes.get("about", "")) if last else ""
        is_known = self.rdf.namespaces.get("rdf") == RDF[1:-1]
        text = blanks + description_of(
            record, begun, about, line=line, indent=blanks.rpartition("\n")[2], declare_rdf=not is_known
        )
        if last:
            return (last.end, last.end, text)
        (edit,) = self._filled(self.rdf, text, line)
        return edit

    def _record(self) -> Record | None:
        """VectorTag's record, whichever way another program has written it since; None if there is none."""
        if not any(map(_has_record, self.descriptions)):
            return None
        return Record(
            model=self._simple(MODEL),
            date=self._simple(DATE),
            created=self._simple(CREATED) == "True",
            tags=tuple(one for item in self._items(SCORES) if (one := _tag_record(item)) is not None),
            wrote=self._words_by_field(WROTE),
            gone=self._words_by_field(GONE),
            deleted=tuple(map(_text, self._items(DELETED))),
        )

    def _simple(self, name: str) -> str:
        for one in self.descriptions:
            if name in one.attributes:
                return one.attributes[name]
            if (found := one.first(name)) is not None:
                return found.text
        return ""

    def _items(self, name: str) -> list[Element]:
        found = (one.first(name) for one in self.descriptions)
        items = (item for one in found if one is not None for container in one.children for item in container.children)
        noted = list(itertools.islice(items, MOST_KEYWORDS + 1))
        if len(noted) > MOST_KEYWORDS:
            raise XmpError(f"VectorTag's record in it has more than {MOST_KEYWORDS:,} entries")
        return noted

    def _words_by_field(self, start: str) -> dict[str, tuple[str, ...]]:
        lists = {
            field.local: tuple(map(_text, self._items(start + with_capital(field.local)))) for field in KEYWORD_FIELDS
        }
        return {name: words for name, words in lists.items() if words}


def _is_ours(name: str) -> bool:
    return name.startswith(VECTORTAG)


def _has_record(description: Element) -> bool:
    return any(map(_is_ours, description.attributes)) or any(_is_ours(child.name) for child in description.children)


def _rdf(root: Element) -> Element:
    found = [one for one in (root, *root.children) if one.name == RDF + "RDF"]
    if len(found) != 1:
        raise XmpError("it is XML, but not XMP: it has no rdf:RDF" if not found else "it has several rdf:RDF")
    return found[0]


def _text(element: Element) -> str:
    return element.text.strip()


def _tag_record(item: Element) -> TagRecord | None:
    """A tag of the record: its fields are attributes, elements, or in a description of their own."""
    fields: dict[str, str] = {}
    for part in (item, *(child for child in item.children if child.name == DESCRIPTION)):
        fields |= {name: value for name, value in part.attributes.items() if _is_ours(name)}
        fields |= {child.name: child.text for child in part.children if _is_ours(child.name)}
    tag, path = fields.get(VECTORTAG + "Tag", ""), fields.get(VECTORTAG + "Path", "")
    by = next((one for one in SAYING if one == fields.get(VECTORTAG + "By", "model")), None)
    if not tag or not path or by is None:
        return None
    try:
        score = float(fields[VECTORTAG + "Score"]) if VECTORTAG + "Score" in fields else None
    except ValueError:
        return None
    return TagRecord(tag, tuple(path.split(PATH_SEPARATOR)), score, by)
