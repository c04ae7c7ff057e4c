"""How scores and embeddings lie in a library's database: one byte each.

Scores from 0.05 on are in the table `shown`, too, and exact there. So a byte's step of 1/255 decides nothing; it serves
queries for lower scores. An embedding of K values is a float32 scale and K int8 values; docs/photo_library.md has what
that costs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vectortag.core.types import ByteArray, FloatArray

SCORE_STEPS = 255
LARGEST = 127
SCALE = np.dtype("<f4")


def pack_scores(scores: FloatArray) -> list[bytes]:
    """(N, T) in [0, 1] -> N times T bytes.

    >>> pack_scores(np.float32([[0, 0.5, 1]]))
    [b'\\x00\\x80\\xff']
    """
    return [row.tobytes() for row in np.rint(scores * SCORE_STEPS).astype(np.uint8)]


def unpack_scores(packed: Sequence[bytes]) -> FloatArray:
    """N times T bytes -> (N, T) in [0, 1], at most 1/510 apart from what was packed."""
    codes: ByteArray = np.frombuffer(b"".join(packed), np.uint8).reshape(len(packed), -1)
    return codes.astype(np.float32) / np.float32(SCORE_STEPS)


def pack_embeddings(embeddings: FloatArray) -> list[bytes]:
    """(N, K) -> N times a scale in 4 bytes and K int8 values: the value is scale * int8."""
    scales = np.abs(embeddings).max(axis=1) / LARGEST  # (N,)
    codes = np.rint(embeddings / np.where(scales > 0, scales, 1)[:, None]).astype(np.int8)
    return [SCALE.type(scale).tobytes() + row.tobytes() for scale, row in zip(scales, codes, strict=True)]


def unpack_embeddings(packed: Sequence[bytes]) -> FloatArray:
    """What `pack_embeddings` wrote -> (N, K) float32."""
    raw: ByteArray = np.frombuffer(b"".join(packed), np.uint8).reshape(len(packed), -1)
    scales = np.frombuffer(raw[:, : SCALE.itemsize].tobytes(), SCALE)
    return raw[:, SCALE.itemsize :].view(np.int8).astype(np.float32) * scales[:, None]  # (N, K)
