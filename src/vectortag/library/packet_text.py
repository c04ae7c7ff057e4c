"""The XML that a sidecar gets: VectorTag's record, and lists of keywords."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from vectortag.core.text import has_control_characters
from vectortag.data.xmp import RDF, VECTORTAG, XmpError
from vectortag.library.keyword_fields import KEYWORD_FIELDS, PATH_SEPARATOR, Record, TagRecord

BLANKS = {ord(blank): f"&#{ord(blank)};" for blank in "\t\n\r"}
"""A parser would make a space of each, in an attribute."""


def description_of(
    record: Record, begun: Mapping[str, Sequence[str]], about: str, *, line: str, indent: str, declare_rdf: bool
) -> str:
    """The XML of a description with the record and the properties that VectorTag begins."""
    fields = [field for field in KEYWORD_FIELDS if field.local in begun]
    uris = {"rdf": RDF[1:-1]} if declare_rdf else {}
    uris |= {"vectortag": VECTORTAG[1:-1]} | {field.prefix: field.namespace for field in fields}
    declared = "".join(f"{line}{indent}  xmlns:{prefix}={_quoted(uri)}" for prefix, uri in uris.items())
    parts = [f"<rdf:Description rdf:about={_quoted(about)}{declared}>"]
    pad = indent + " "
    for field in fields:
        parts += _property_of(field.written_name, field.container, begun[field.local], pad)
    for name, text in (("Model", record.model), ("Date", record.date), ("Created", "True" if record.created else "")):
        if text:
            parts.append(f"{pad}<vectortag:Tagging{name}>{escaped(text)}</vectortag:Tagging{name}>")
    if record.tags:
        items = "".join(f"{line}{pad}  {_tag_item(one)}" for one in record.tags)
        parts.append(
            f"{pad}<vectortag:TaggingScores>{line}{pad} <rdf:Bag>{items}{line}{pad} </rdf:Bag>"
            f"{line}{pad}</vectortag:TaggingScores>"
        )
    lists = {f"Wrote{with_capital(name)}": words for name, words in record.wrote.items()}
    lists |= {f"Gone{with_capital(name)}": words for name, words in record.gone.items()} | {"Deleted": record.deleted}
    for name, words in lists.items():
        if words:
            parts += _property_of(f"vectortag:Tagging{name}", "Bag", words, pad)
    return line.join([*parts, f"{indent}</rdf:Description>"])


def _quoted(text: str) -> str:
    """An attribute's value. `xml.sax.saxutils` has the same, and imports an HTTP client with its TLS, 7 MB."""
    return f'"{escape(text).translate(BLANKS)}"'


def _property_of(name: str, container: str, words: Sequence[str], pad: str) -> list[str]:
    return [f"{pad}<{name}>", *list_of(words, container, pad + " ", ""), f"{pad}</{name}>"]


def list_of(words: Sequence[str], container: str, pad: str, end: str) -> list[str]:
    """The lines of a list of keywords.

    Raises:
        XmpError: as `escaped`.
    """
    items = [f"{pad} <rdf:li>{escaped(word)}</rdf:li>{end}" for word in words]
    return [f"{pad}<rdf:{container}>{end}", *items, f"{pad}</rdf:{container}>{end}"]


def _tag_item(one: TagRecord) -> str:
    fields = {"Tag": one.tag, "Path": PATH_SEPARATOR.join(one.path), "By": one.by}
    if one.score is not None:
        fields["Score"] = f"{one.score:.2f}"
    inner = "".join(f"<vectortag:{name}>{escaped(value)}</vectortag:{name}>" for name, value in fields.items())
    return f'<rdf:li rdf:parseType="Resource">{inner}</rdf:li>'


def with_capital(name: str) -> str:
    """The local name of a property as it follows another word: "subject" is the end of "TaggingWroteSubject"."""
    return name[0].upper() + name[1:]


def escaped(text: str) -> str:
    """Text as it stands in XML.

    Raises:
        XmpError: it has a control character.
    """
    if has_control_characters(text):
        raise XmpError(f"the tag {text[:60]!r} has a control character, which XML cannot hold")
    return escape(text, quote=False)
