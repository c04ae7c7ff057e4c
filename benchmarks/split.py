"""How well does each way of splitting keep rare tags? On the raw words of the three shared sets.

    VECTORTAG_DATA=... python benchmarks/split.py

A fifth of the photos is kept for validation, ten seeds each. For words by their number of photos: in how many of 100
cases a word has no validation photo at all, and how far its share of validation photos is from a fifth, on average.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from vectortag.data.records import Record, read_data_set
from vectortag.data.split import split_records
from vectortag.data.vocabulary import record_tags
from vectortag.model.taxonomy import Taxonomy

SETS = ("coco", "corel5k", "flickr8k")
SHARE, SEEDS = 0.2, range(10)
BANDS = ((3, 5), (6, 10), (11, 30), (31, 10**9))
"""Photos a word: from, to."""

Split = Callable[[Sequence[Record], Sequence[set[str]], int], list[Record]]


def at_random(records: Sequence[Record], _: Sequence[set[str]], seed: int) -> list[Record]:
    order = np.random.default_rng(seed).permutation(len(records))
    return [records[place] for place in order[: round(SHARE * len(records))]]


WAYS: dict[str, Split] = {
    "at random": at_random,
    "rarest": lambda records, tags, seed: split_records(records, tags, validation=SHARE, seed=seed, stratify="rarest")[
        1
    ],
    "iterative": lambda records, tags, seed: split_records(records, tags, validation=SHARE, seed=seed)[1],
}


def main() -> None:
    """Measure and print."""
    print("| set | photos a word | words | " + " | ".join(WAYS) + " |")
    print("| --- " * (3 + len(WAYS)) + "|")
    for name in SETS:
        records = read_data_set(f"{os.environ['VECTORTAG_DATA']}/{name}/metadata.csv", name=name).records
        tags = [record_tags(record, Taxonomy()) for record in records]
        of = {record.path: words for record, words in zip(records, tags, strict=True)}
        counts = Counter(word for words in tags for word in words)
        kept = {
            way: [Counter(w for r in split(records, tags, seed) for w in of[r.path]) for seed in SEEDS]
            for way, split in WAYS.items()
        }
        for low, high in BANDS:
            words = [word for word, count in counts.items() if low <= count <= high]
            if not words:
                continue
            cells = [cell(words, counts, kept[way]) for way in WAYS]
            band = f"{low} to {high}" if high < 10**9 else f"{low} and more"
            print(f"| {name} | {band} | {len(words)} | " + " | ".join(cells) + " |")


def cell(words: list[str], counts: Counter[str], kept: list[Counter[str]]) -> str:
    """Per cent without a validation photo, and the mean distance from the share in points."""
    missing = np.mean([[one[word] == 0 for word in words] for one in kept])
    distance = np.mean([[abs(one[word] / counts[word] - SHARE) for word in words] for one in kept])
    return f"{100 * missing:.1f} %, {100 * distance:.1f}"


if __name__ == "__main__":
    main()
