"""How scores and embeddings lie in a library's database: one byte each.

Scores from 0.05 on are in the table `shown`, too, and exact there. So a byte's step of 1/255 decides nothing; it serves
queries for lower scores. Most bytes are 0, and only the others are kept: the number of tags T in 4 bytes, then a bit
for each tag (ceil(T / 8) bytes, the lowest bit first), then the bytes of the tags whose bit is 1.

An embedding of K values is a float32 scale and K int8 values; docs/photo_library.md has what
that costs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vectortag.core.types import ByteArray, FloatArray

SCORE_STEPS = 255
LARGEST = 127
SCALE = np.dtype("<f4")
COUNT = np.dtype("<u4")


def pack_scores(scores: FloatArray) -> list[bytes]:
    """(N, T) in [0, 1] -> N times the codes of a row.

    >>> pack_scores(np.float32([[0, 0.5, 1]]))
    [b'\\x03\\x00\\x00\\x00\\x06\\x80\\xff']
    """
    return [pack_codes(row.tobytes()) for row in codes_of(scores)]


def codes_of(scores: FloatArray) -> ByteArray:
    """Scores in [0, 1] in steps of 1/255."""
    return np.rint(scores * SCORE_STEPS).astype(np.uint8)


def pack_codes(codes: bytes) -> bytes:
    """T bytes, one for each tag -> the same without the zeros. Version 2 of the schema calls it: it stays as it is."""
    row = np.frombuffer(codes, np.uint8)
    bits = np.packbits(row > 0, bitorder="little")
    return COUNT.type(len(row)).tobytes() + bits.tobytes() + row[row > 0].tobytes()


def unpack_codes(packed: Sequence[bytes]) -> ByteArray:
    """N times what `pack_codes` gave, of the same T -> (N, T)."""
    count = int(np.frombuffer(packed[0], COUNT, 1)[0])
    start = COUNT.itemsize + -(-count // 8)
    bits: ByteArray = np.frombuffer(b"".join(one[COUNT.itemsize : start] for one in packed), np.uint8)
    is_kept = np.unpackbits(bits.reshape(len(packed), -1), axis=1, count=count, bitorder="little").astype(
        bool
    )  # (N, T)
    codes = np.zeros(is_kept.shape, np.uint8)
    codes[is_kept] = np.frombuffer(b"".join(one[start:] for one in packed), np.uint8)
    return codes


def codes_of_tag(packed: Sequence[bytes], tag: int) -> list[int]:
    """N times what `pack_codes` gave -> the N codes of one tag, by its index; 0 where the tag came later.

    >>> codes_of_tag([pack_codes(b"\\x00\\x80\\xff"), pack_codes(b"\\x00\\x80")], 2)
    [255, 0]
    """
    place, bit = COUNT.itemsize + (tag >> 3), 1 << (tag & 7)
    before = (1 << tag) - 1
    codes = []
    for row in packed:
        code = 0
        if place < len(row) and row[place] & bit:
            start = int.from_bytes(row[: place + 1], "little")  # the count in its lowest 32 bits
            count = start & 0xFFFFFFFF
            if tag < count:
                code = row[COUNT.itemsize + -(-count // 8) + (start >> 32 & before).bit_count()]
        codes.append(code)
    return codes


def unpack_scores(packed: Sequence[bytes]) -> FloatArray:
    """N times the codes of a row -> (N, T) in [0, 1], at most 1/510 apart from what was packed."""
    return unpack_codes(packed).astype(np.float32) / np.float32(SCORE_STEPS)


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
