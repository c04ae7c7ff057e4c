"""What a visitor asks of the library: the words of a query, and what was chosen from the lists beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vectortag.core.errors import QueryError
from vectortag.library.query import And, Dated, Named, Node
from vectortag.library.query_parser import parse_query

ON_A_PAGE = 60
"""Photos: three columns on a phone, ten on a desk."""


@dataclass(frozen=True, slots=True)
class LibraryQuery:
    """Attributes:

    text: in the query language; "" asks for nothing.
    tags: that a photo must all show.
    year: such as "2024".
    folder: the beginning of its path.
    """

    text: str = ""
    tags: Sequence[str] = ()
    year: str | None = None
    folder: str | None = None

    def title(self) -> str:
        """What was asked for, in one line."""
        parts = [self.text, *self.tags, self.year or "", self.folder or ""]
        return ", ".join(filter(None, parts)) or "All photos"

    def node(self) -> Node | None:
        """What to search for; None if nothing was asked for.

        Raises:
            QueryError: the text cannot be read; the column is that of the text.
        """
        parts: list[Node] = []
        if self.text.strip():
            read = parse_query(self.text)
            parts += read.parts if isinstance(read, And) else [read]
        parts += [Named("tag", tag) for tag in self.tags]
        parts += [Dated(self.year, self.year)] if self.year else []
        parts += [Named("path", self.folder)] if self.folder else []
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else And(tuple(parts))


def error_text(text: str, error: QueryError) -> str:
    """The query, a mark under the place of the error, and the message.

    >>> print(error_text("dog and (", QueryError(9, "this is never closed")))
    dog and (
            ^
    this is never closed
    """
    message = str(error).removeprefix(f"query, column {error.column}: ")
    return f"{text}\n{' ' * (error.column - 1)}^\n{message}"


def page_count(found: int) -> int:
    """How many pages so many photos fill; one at least.

    >>> page_count(0), page_count(60), page_count(61)
    (1, 1, 2)
    """
    return max(1, -(-found // ON_A_PAGE))


def page_of(place: int) -> int:
    """The page on which a photo is, by its place among all found, from 0.

    >>> page_of(59), page_of(60)
    (1, 2)
    """
    return 1 + place // ON_A_PAGE
