"""Taggings as a Parquet file: one row per photo, with the values of JSON Lines.

    path        string             the photo, as JSON Lines write it
    model, runtime, precision      strings, and `size`, int32: which model made the scores, and how it was run
    tags        list of structs    `tag`, `score`, `threshold`; `name` where a language was chosen
    implied     list of strings    those of the tags that are shown with their children only
    guesses     list of structs    as `tags`; only where a photo has no tags
    error       struct             `type` and `message`; then all the others are null, but for `path`

and with `--embeddings`:

    content     binary(16)         blake2b of the photo's bytes; null where it cannot be read, or changed meanwhile
    embedding   float32 list       of the network's width
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from msgspec import to_builtins

from vectortag.apps.content_hashes import ContentHashes
from vectortag.apps.formats import ENGLISH, failed_line, tagged_line
from vectortag.core.errors import MissingExtraError
from vectortag.core.types import FailedTagging, Tagging, TagScore
from vectortag.model.language import Language

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP = 1024
"""Photos that are written at a time; with embeddings, 6 MB."""

Select = Callable[[Tagging], Sequence[TagScore]]


def require_pyarrow(task: str) -> None:
    """Refuse what needs pyarrow, where it is missing.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(task, "pyarrow", "parquet") from error


def schema_of(language: Language = ENGLISH, *, width: int | None = None) -> pa.Schema:
    """The columns, as the top of this file describes them.

    Args:
        language: of the names of tags.
        width: of the embeddings; None leaves them and `content` out.
    """
    import pyarrow as pa

    scored = [("tag", pa.string()), ("score", pa.float64()), ("threshold", pa.float64())]
    tags = pa.list_(pa.struct([*scored, ("name", pa.string())] if language.tags else scored))
    text = pa.string()
    fields = [pa.field("path", text, nullable=False), ("model", text), ("runtime", text), ("precision", text)]
    fields += [("size", pa.int32()), ("tags", tags), ("implied", pa.list_(text)), ("guesses", tags)]
    fields += [("error", pa.struct([("type", text), ("message", text)]))]
    if width is not None:
        fields += [("content", pa.binary(16)), ("embedding", pa.list_(pa.float32(), width))]
    return pa.schema(fields)


def write_parquet(
    file: BinaryIO,
    results: Iterable[Tagging | FailedTagging],
    select: Select,
    language: Language = ENGLISH,
    *,
    hashes: ContentHashes | None = None,
    width: int | None = None,
) -> tuple[int, int]:
    """Write all results. Returns how many photos there were, and how many of them could not be tagged.

    Args:
        results: in the order of the rows.
        select: the tags of each tagging that are written.
        hashes: those of the photos, where embeddings are written, too.
        width: of the embeddings.
    """
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    schema = schema_of(language, width=width)
    count = failed = 0
    rows: list[dict[str, Any]] = []
    with ParquetWriter(file, schema, compression="zstd") as writer:
        for result in results:
            count, failed = count + 1, failed + isinstance(result, FailedTagging)
            row = _row(result, select, language)
            if hashes is not None:
                row["content"] = hashes.take()
                row["embedding"] = None if isinstance(result, FailedTagging) else result.embedding
            rows.append(row)
            if len(rows) == ROW_GROUP:
                writer.write_batch(pa.RecordBatch.from_pylist(rows, schema))
                rows = []
        if rows:
            writer.write_batch(pa.RecordBatch.from_pylist(rows, schema))
    return count, failed


def _row(result: Tagging | FailedTagging, select: Select, language: Language) -> dict[str, Any]:
    if isinstance(result, FailedTagging):
        return dict(to_builtins(failed_line(result)))
    return {"implied": [], "guesses": [], **to_builtins(tagged_line(result, select(result), language))}
