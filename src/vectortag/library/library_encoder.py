"""A person's own image-text encoder as a library uses it: beside the model, with embeddings of its own and no tags."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vectortag.core.types import Arithmetic, FloatArray
from vectortag.library.lists import Settings
from vectortag.library.scan import Seen
from vectortag.library.update import Update, Updated
from vectortag.model.encoder import Encoder
from vectortag.runtime.embedder import Embedder


@dataclass(frozen=True, eq=False)
class LibraryEncoder:
    """An encoder as an `Analyser` of `library_model`: its row in `models` is its own, and it scores no tag."""

    encoder: Encoder
    precision: Arithmetic = "f32"
    tags: tuple[str, ...] = ()
    prints: tuple[str, ...] = ()
    parents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    own: int = 0

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.encoder.name

    @property
    def id(self) -> str:
        """`name@digest`, short."""
        return self.encoder.id

    @property
    def digest(self) -> str:
        """Names the embeddings for good."""
        return self.encoder.digest

    network_digest = digest

    @property
    def size(self) -> int:
        """Pixels a side of the network's input."""
        return self.encoder.size

    @property
    def thresholds(self) -> FloatArray:
        """(0,)."""
        return np.empty(0, np.float32)

    floors = thresholds

    def scores(self, embeddings: FloatArray) -> FloatArray:
        """(N, D) -> (N, 0)."""
        return np.empty((len(embeddings), 0), np.float32)

    def above(self, tag: int) -> list[int]:
        """The parents of a tag: it has none."""
        raise IndexError(tag)

    def open_embedder(self, *, threads: int | None = None, max_pixels: int | None = None) -> Embedder:
        """The image side; see `Encoder.open_embedder`."""
        return self.encoder.open_embedder(threads=threads, max_pixels=max_pixels)


@dataclass(frozen=True)
class UsedEncoder:
    """An encoder that embedded photos of a library: its row in `models`, its digest, and where its folder was."""

    row: int
    digest: str
    path: Path

    @classmethod
    def read(cls, database: sqlite3.Connection, row: int, path: str) -> UsedEncoder | None:
        """The encoder of a row; None if there is no such row."""
        found = database.execute("SELECT digest FROM models WHERE id = ?", (row,)).fetchone()
        return None if found is None else cls(row, found[0], Path(path))


def encode_photos(library: Settings, run: Update, done: Updated) -> None:
    """Let the encoder see what it has not seen, and keep its row.

    Args:
        run: of the encoder.
        done: of the model; what the encoder did is added to it.
    """
    encoded = run.run(seen=Seen())
    if run.row != library.setting("encoder_row"):
        library.change_setting("encoder_row", run.row)
    done.encoded, done.stopped = encoded.analysed, encoded.stopped
    done.left += encoded.left
    done.failed += encoded.failed
    done.unsettled += encoded.unsettled
