"""The scores and embeddings of photos, kept by content and model.

A photo's content is analysed once. If tags are added or corrected, or if another model has the same network, scores are
computed from the embeddings that are there, and no photo is opened.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from vectortag.core.types import ByteArray, FloatArray
from vectortag.library.library_model import Analyser, floors_of
from vectortag.library.packing import (
    codes_of,
    pack_codes,
    pack_embeddings,
    pack_scores,
    unpack_codes,
    unpack_embeddings,
)
from vectortag.library.schema import transaction

log = logging.getLogger(__name__)

TOGETHER = 1000
"""Analyses that are read and scored at a time."""

SCORED = 64
"""Embeddings that go through the head at a time. A head has some thousand numbers on the way, per photo."""

STORE = "INSERT OR REPLACE INTO analyses (content, model, codes, embedding, made) VALUES (?, ?, ?, ?, ?)"
SHOW = "INSERT OR REPLACE INTO shown (model, tag, content, score) VALUES (?, ?, ?, ?)"
PAGE = "SELECT rowid, content, codes, embedding FROM analyses WHERE model = ? AND rowid > ? ORDER BY rowid LIMIT ?"
OF_OTHERS = """
SELECT content, embedding FROM analyses AS theirs
WHERE model = ? AND NOT EXISTS (SELECT 1 FROM analyses WHERE model = ? AND content = theirs.content) LIMIT ?
"""
SAME_NETWORK = "SELECT id FROM models WHERE network_digest = ? AND precision = ? AND size = ? AND id <> ?"


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of `models`."""

    id: int
    tags: tuple[str, ...]
    prints: tuple[str, ...]
    floors: FloatArray


def use_model(database: sqlite3.Connection, model: Analyser) -> int:
    """The row of a model; a new one, or the old one with today's tags and thresholds.

    Scores of tags that were added or corrected meanwhile are computed from the embeddings, in one transaction.
    """
    key = (model.digest, model.precision, model.size)
    found = database.execute(
        "SELECT id, tags, prints, thresholds FROM models WHERE digest = ? AND precision = ? AND size = ?", key
    ).fetchone()
    tags, prints = json.dumps(model.tags), json.dumps(model.prints)
    thresholds = json.dumps([None if np.isnan(one) else float(one) for one in model.thresholds])
    parents = json.dumps(model.parents)
    if found is None:
        name = model.name
        values = (name, *key, model.network_digest, tags, prints, thresholds, parents)
        columns = "name, digest, precision, size, network_digest, tags, prints, thresholds, parents"
        with transaction(database):
            return (
                database.execute(f"INSERT INTO models ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values).lastrowid
                or 0
            )
    if found[1:] != (tags, prints, thresholds):
        with transaction(database):
            database.execute(
                "UPDATE models SET tags = ?, prints = ?, thresholds = ?, parents = ? WHERE id = ?",
                (tags, prints, thresholds, parents, found[0]),
            )
            _score_again(database, _row_of(found), model)
    return int(found[0])


def _row_of(found: tuple[int, str, str, str]) -> _Row:
    thresholds = np.array([np.nan if one is None else one for one in json.loads(found[3])], np.float32)
    return _Row(found[0], tuple(json.loads(found[1])), tuple(json.loads(found[2])), floors_of(thresholds))


def store(
    database: sqlite3.Connection,
    row: int,
    model: Analyser,
    contents: Sequence[bytes],
    embeddings: Sequence[FloatArray],
) -> None:
    """Store the analyses of contents, within the caller's transaction.

    Args:
        row: of `models`.
        embeddings: N times (K,).
    """
    if not contents:
        return
    stacked = np.stack(embeddings)
    parts = [model.scores(stacked[first : first + SCORED]) for first in range(0, len(stacked), SCORED)]
    scores, now = np.concatenate(parts), time.time()
    packed = zip(contents, pack_scores(scores), pack_embeddings(stacked), strict=True)
    database.executemany(STORE, [(content, row, codes, embedding, now) for content, codes, embedding in packed])
    _show(database, row, contents, scores, model.floors, range(scores.shape[1]))


def adopt(database: sqlite3.Connection, row: int, model: Analyser) -> int:
    """Compute scores from embeddings that another model with the same network left. Returns for how many contents."""
    key = (model.network_digest, model.precision, model.size, row)
    count = 0
    for (other,) in database.execute(SAME_NETWORK, key).fetchall():
        while found := database.execute(OF_OTHERS, (other, row, TOGETHER)).fetchall():
            contents = [content for content, _ in found]
            with transaction(database):
                store(database, row, model, contents, list(unpack_embeddings([one for _, one in found])))
            count += len(found)
    return count


def _score_again(database: sqlite3.Connection, old: _Row, model: Analyser) -> None:
    """Compute the scores of tags that changed from the embeddings, within the caller's transaction."""
    outdated = _outdated(old, model)
    if not outdated:
        return
    changed = sorted(tag for tag in outdated if tag < len(model.tags))
    database.executemany("DELETE FROM shown WHERE model = ? AND tag = ?", [(old.id, tag) for tag in outdated])
    last, count = 0, 0
    while found := database.execute(PAGE, (old.id, last, TOGETHER)).fetchall():
        last = found[-1][0]
        fresh = model.scores(unpack_embeddings([embedding for _, _, _, embedding in found]))  # (N, T)
        codes = _codes([scores for _, _, scores, _ in found], fresh, outdated)
        rows = [(pack_codes(row.tobytes()), one[0]) for row, one in zip(codes, found, strict=True)]
        database.executemany("UPDATE analyses SET codes = ? WHERE rowid = ?", rows)
        _show(database, old.id, [content for _, content, _, _ in found], fresh, model.floors, changed)
        count += len(found)
    if count:
        log.info("scores of %d tags computed from the embeddings of %d photos", len(changed), count)


def _outdated(old: _Row, model: Analyser) -> set[int]:
    """The indexes, before or now, of tags whose scores changed: all added ones if one of them changed or is gone."""
    own, floors = model.own, model.floors
    outdated = {tag for tag in range(own) if (old.prints[tag], old.floors[tag]) != (model.prints[tag], floors[tag])}
    outdated |= {parent for tag in outdated for parent in model.above(tag)}
    before = (old.tags[own:], old.prints[own:], old.floors[own:].tolist())
    if before != (model.tags[own:], model.prints[own:], floors[own:].tolist()):
        outdated |= set(range(own, max(len(old.tags), len(model.tags))))
    return outdated


def _codes(packed: Sequence[bytes], fresh: FloatArray, outdated: Collection[int]) -> ByteArray:
    """(N, T): the codes of fresh scores, where others are not still right."""
    before, codes = unpack_codes(packed), codes_of(fresh)
    kept = [tag for tag in range(codes.shape[1]) if tag not in outdated]
    codes[:, kept] = before[:, kept]
    return codes


def _show(
    database: sqlite3.Connection,
    row: int,
    contents: Sequence[bytes],
    scores: FloatArray,
    floors: FloatArray,
    tags: Iterable[int],
) -> None:
    chosen = np.array(list(tags), np.intp)
    photos, columns = np.nonzero(scores[:, chosen] >= floors[chosen])
    values = scores[photos, chosen[columns]].tolist()
    places = zip(chosen[columns].tolist(), photos.tolist(), values, strict=True)
    database.executemany(SHOW, [(row, tag, contents[photo], score) for tag, photo, score in places])
