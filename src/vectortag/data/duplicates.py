"""Photos that show one picture: copies in another size, compression or brightness, and frames of one burst.

Two photos are duplicates where two things agree:

- Their perceptual hashes differ in at most DISTANCE of 64 bits. A hash is cheap to compare, so this finds the
  candidates among all pairs of a large set.
- Their thumbnails correlate by at least LIKENESS. This rejects pairs whose hashes are close by chance, such as a
  flower and an aeroplane that both stand in the middle of one colour.

A mirror image, a turned photo and one that was cropped by more than a few hundredths of a side are other pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import PhotoError
from vectortag.core.types import ByteArray
from vectortag.runtime.cpu import usable_cores
from vectortag.runtime.pixels import Photo, PixelRecipe, load_pixels

DISTANCE = 8
"""Bits of 64. Saved again at JPEG quality 30, at half or 1.7 times its size, or 20 % brighter, 99 of 100 photos differ
from themselves by 6 bits or fewer; 8 adds the frames of a burst and still leaves few pairs by chance."""

LIKENESS = 0.9
"""Correlation of thumbnails. Among 16,448 photos of COCO, Corel-5k and Flickr8k, the pairs within DISTANCE that show
one picture have 0.917 or more, all others 0.765 or less."""

SIDE, THUMBNAIL = 32, 16
"""Pixels a side: of what a fingerprint is made from, and of the thumbnail in it."""

FINGERPRINT = np.dtype([("hash", np.uint64), ("thumbnail", np.uint8, (THUMBNAIL, THUMBNAIL))])
Fingerprints = npt.NDArray[np.void]
Places = npt.NDArray[np.intp]

WAVES = np.cos(np.pi / SIDE * np.outer(np.arange(1, 9), np.arange(SIDE) + 0.5))
"""(8, 32): the cosines of 1 to 8 half periods a side. The constant one is left out: it is the brightness alone."""

BANDS = ((0, 13), (13, 13), (26, 13), (39, 13), (52, 12))
"""(first bit, width): of five bands, one has at most one wrong bit where all five together have at most nine."""

ROWS = 8192
"""Photos that are compared with their buckets at a time: bounds the memory."""


def fingerprint(pixels: ByteArray) -> np.void:
    """What one photo is recognised by: (32, 32, 3) uint8 -> a FINGERPRINT.

    The hash has a bit for each of the 64 coefficients of the discrete cosine transform of 1 to 8 half periods in either
    direction: whether it is above their median (Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash
    Functions", section 3.2.1).
    """
    grey = pixels @ np.array([0.299, 0.587, 0.114])  # (32, 32), the luma of ITU-R BT.601
    waves = WAVES @ grey @ WAVES.T  # (8, 32) @ (32, 32) @ (32, 8) -> (8, 8)
    bits = np.packbits(waves > np.median(waves)).view(np.uint64)[0]
    thumbnail = grey.reshape(THUMBNAIL, 2, THUMBNAIL, 2).mean(axis=(1, 3)).round()
    return np.array([(bits, thumbnail)], FINGERPRINT)[0]


def read_fingerprints(photos: Iterable[Photo]) -> Iterator[np.void | PhotoError]:
    """Yield the fingerprint of each photo, or the error that says why it has none, in the order of `photos`."""
    recipe = PixelRecipe()

    def read(photo: Photo) -> np.void | PhotoError:
        try:
            return fingerprint(load_pixels(photo, SIDE, recipe))
        except PhotoError as error:
            return error

    with ThreadPoolExecutor(usable_cores()) as pool:
        yield from pool.map(read, photos)


def duplicate_groups(prints: Fingerprints) -> list[tuple[int, ...]]:
    """Find the groups of photos that show one picture: a photo belongs to a group as a duplicate of any member.

    Args:
        prints: (N,) of dtype FINGERPRINT.

    Returns:
        The groups of two photos or more, as ascending places among the N; ordered by their first.
    """
    firsts: dict[bytes, int] = {}
    leaders = [firsts.setdefault(one.tobytes(), place) for place, one in enumerate(prints)]  # equal to the bit
    different = np.array(list(firsts.values()), np.intp)
    for one, other in different[_close_pairs(prints[different])].tolist():
        first, second = sorted((_leader(leaders, one), _leader(leaders, other)))
        leaders[second] = first
    groups: dict[int, list[int]] = {}
    for place in range(len(leaders)):
        groups.setdefault(_leader(leaders, place), []).append(place)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def _leader(leaders: Sequence[int], place: int) -> int:
    while leaders[place] != place:
        place = leaders[place]
    return place


def _close_pairs(prints: Fingerprints) -> Places:
    """(P, 2): the places of all pairs that are duplicates, the smaller first."""
    thumbnails = prints["thumbnail"].reshape(len(prints), THUMBNAIL**2)
    found = [np.empty((0, 2), np.intp)]
    for pairs in _candidates(prints["hash"]):
        found.append(pairs[_likeness(thumbnails[pairs[:, 0]], thumbnails[pairs[:, 1]]) >= LIKENESS])
    return np.unique(np.concatenate(found), axis=0)


def _likeness(one: ByteArray, other: ByteArray) -> npt.NDArray[np.float64]:
    """Pearson's correlation of rows: (P, 256), (P, 256) -> (P,); 0 where one of them is of a single colour."""
    a = one - one.mean(axis=1, keepdims=True)
    b = other - other.mean(axis=1, keepdims=True)
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.divide((a * b).sum(axis=1), scale, out=np.zeros(len(a)), where=scale > 0)


def _candidates(hashes: npt.NDArray[np.uint64]) -> Iterator[Places]:
    """Yield (P, 2) pairs within DISTANCE, all of them, some more than once.

    Hashes are sorted into buckets by one band of their bits, and each is compared with its own bucket and with those
    whose band differs in one bit, instead of with all others.
    """
    for first_bit, width in BANDS:
        bands = (hashes >> np.uint64(first_bit) & np.uint64((1 << width) - 1)).astype(np.intp)
        order = np.argsort(bands, kind="stable")
        starts = np.searchsorted(bands[order], np.arange((1 << width) + 1))  # bucket k is order[starts[k]:starts[k+1]]
        for flipped in (0, *(1 << bit for bit in range(width))):
            for row in range(0, len(hashes), ROWS):
                rows = np.arange(row, min(row + ROWS, len(hashes)))
                one, other = _with_bucket(rows, bands[rows] ^ flipped, order, starts)
                close = (one < other) & (np.bitwise_count(hashes[one] ^ hashes[other]) <= DISTANCE)
                yield np.stack([one[close], other[close]], axis=1)


def _with_bucket(rows: Places, buckets: Places, order: Places, starts: Places) -> tuple[Places, Places]:
    """Each row beside each member of its bucket: two arrays of one length."""
    sizes = starts[buckets + 1] - starts[buckets]
    within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.repeat(rows, sizes), order[np.repeat(starts[buckets], sizes) + within]
