"""A library whose rows are written directly: photos that never were, with scores and embeddings that a test chooses."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vectortag.core.file_names import escape_path
from vectortag.library.library import Library
from vectortag.library.library_model import floors_of
from vectortag.library.packing import pack_embeddings, pack_scores
from vectortag.model.folder import ModelFolder

NOW = 1_700_000_000.0


@dataclass
class MadePhoto:
    """A photo: what a test wants to know of it, in plain values. `scores` (T,) have their parents raised."""

    path: str
    root: str = "/photos"
    content: bytes = b""
    taken: str | None = None
    rating: int | None = None
    place: tuple[float, float] | None = None
    keywords: tuple[str, ...] = ()
    scores: np.ndarray | None = None
    embedding: np.ndarray | None = None
    gone: bool = False
    decisions: dict[str, bool] = field(default_factory=dict)
    row: int = 0

    def __post_init__(self) -> None:
        self.content = self.content or hashlib.blake2b(os.fsencode(self.full_path), digest_size=16).digest()

    @property
    def full_path(self) -> str:
        return f"{self.root}/{self.path}"


def write_library(
    file: Path, folder: ModelFolder, photos: Sequence[MadePhoto], *, offline: Sequence[str] = ()
) -> Library:
    """Make a library of these photos, analysed by the model, and open it."""
    library = Library.open(file)
    manifest, database = folder.manifest, library.database
    thresholds = list(manifest.operating_points[0].calibration.thresholds["balanced"])
    floors = floors_of(np.float32(thresholds))
    shown_from = [None if np.isnan(one) else float(one) for one in thresholds]
    model = (manifest.name, folder.digest, "net", "f32", manifest.sizes[0], json.dumps(manifest.tags), "[]")
    database.execute("BEGIN")
    database.execute(
        "INSERT INTO models (name, digest, network_digest, precision, size, tags, prints, thresholds, parents) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, '{}')",
        (*model, json.dumps(shown_from)),
    )
    roots = {root: row for row, root in enumerate(dict.fromkeys(photo.root for photo in photos), start=1)}
    for root, row in roots.items():
        state = "offline" if root in offline else "online"
        database.execute("INSERT INTO roots (id, path, state) VALUES (?, ?, ?)", (row, escape_path(root), state))
    for number, photo in enumerate(photos, start=1):
        photo.row = number
        place = photo.place or (None, None)
        facts = (photo.content, photo.taken, photo.rating, *place, NOW, NOW if photo.gone else None)
        database.execute(
            "INSERT INTO photos (id, root, path, size, mtime_ns, content, taken, rating, latitude, longitude, added, "
            "gone) VALUES (?, ?, ?, 1, 1, ?, ?, ?, ?, ?, ?, ?)",
            (number, roots[photo.root], escape_path(photo.path), *facts),
        )
        for keyword in photo.keywords:
            database.execute("INSERT INTO keywords VALUES (?, ?)", (number, keyword))
        for tag, verdict in photo.decisions.items():
            word = "accepted" if verdict else "rejected"
            database.execute(
                "INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, NULL, ?)", (photo.content, tag, word, NOW)
            )
        if photo.scores is not None:
            embedding = pack_embeddings(photo.embedding[None])[0]
            database.execute(
                "INSERT OR REPLACE INTO analyses VALUES (?, 1, ?, ?, ?)",
                (photo.content, pack_scores(photo.scores[None])[0], embedding, NOW),
            )
            rows = [(tag, photo.content, float(photo.scores[tag])) for tag in np.flatnonzero(photo.scores >= floors)]
            database.executemany(
                "INSERT OR REPLACE INTO shown VALUES (1, ?, ?, ?)", [(int(a), b, c) for a, b, c in rows]
            )
    database.execute("COMMIT")
    library.change_setting("model_row", 1)
    library.change_setting("model", str(folder.path))
    return library
