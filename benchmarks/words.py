"""How well are words placed that a model was not taught, photos found by their captions, and words refined by photos?

    VECTORTAG_DATA=... python benchmarks/words.py --model lite0

Needs `pip install 'vectortag[words]'`, and a model with its backbone's classifier. Words are learnt anew, from
Flickr8k's captions and the tags of Flickr8k and Corel-5k, and no label of COCO: then its 80 categories are unseen
words.

1. Mean average precision of words: COCO's 80 on its 4,948 photos; those of Corel-5k with 5 or more, and of Flickr8k
   with 20 or more validation photos. By the classes alone, by the direction alone, by both; and a ridge regression from
   embeddings to texts in the place of the direction, which is what can be had without training.
2. Caption to photo, among the validation photos of Flickr8k: the share of captions whose photo is among the first 1, 5
   and 10, and the median rank.
3. Twenty tags, left out of a head and added back from 5 photos, from their words, and from both; five draws.
4. Milliseconds: to place a word, and to rank 100,000 photos.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vectortag.assembly.mlp import fit_mlp
from vectortag.assembly.word_material import Material, gather, read_captions
from vectortag.core.numerics import unit
from vectortag.core.types import UNKNOWN
from vectortag.data.embedding_cache import embed_photos
from vectortag.data.records import DataSet, Record, read_data_set
from vectortag.data.vocabulary import judgeable
from vectortag.evaluation.evaluate import choose_part
from vectortag.evaluation.metrics import average_precision
from vectortag.inference.tagger import Tagger
from vectortag.model.added_block import new_tag_features, new_tag_parts
from vectortag.model.folder import NETWORK, ModelFolder
from vectortag.model.head import Head
from vectortag.model.words.similarity import Views, Words, values
from vectortag.model.words.word_vectors import read_words, text_model, word_vector
from vectortag.personal.added_tags import Wording
from vectortag.personal.few_shot import fit_tag
from vectortag.personal.from_words import word_values

SETS = ("coco", "corel5k", "flickr8k")
FEWEST = {"coco": 1, "corel5k": 5, "flickr8k": 20}
RIDGE = 3000.0
SHOTS, DRAWS, TAGS = 5, 5, 20
ENOUGH, ENOUGH_TO_JUDGE = 80, 8


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="lite0", help="A model's name or folder.")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    tagger = Tagger.load(arguments.model, additions=False, precision="exact")
    root = Path(os.environ["VECTORTAG_DATA"])
    sets = {name: read_data_set(root / name / "metadata.csv", name=name) for name in SETS}
    captions = root / "flickr8k/captions.csv"
    material = gather(tagger.folder, [captions], [sets["corel5k"], sets["flickr8k"]], text_model())
    start = time.perf_counter()
    words = material.learn()
    result: dict[str, object] = {"model": tagger.folder.id, "seconds to learn": time.perf_counter() - start}
    background = words.views(material.photos[:: len(material.photos) // 1000])
    embeddings = embed(tagger, sets)
    result["unseen words"] = judge_words(words, material, background, tagger.folder, sets, embeddings)
    result["captions"] = find_captions(words, tagger.folder, sets["flickr8k"], captions, embeddings)
    result["tags"] = refine(words, tagger, sets, embeddings)
    result["milliseconds"] = clock(words, material, background)
    print(json.dumps(result, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


def embed(tagger: Tagger, sets: dict[str, DataSet]) -> dict[Path, np.ndarray]:
    paths = [record.path for one in sets.values() for record in one.records]
    return embed_photos(tagger.embedder, tagger.folder.manifest.files[NETWORK], paths)[0]


def rows_of(records: list[Record], embeddings: dict[Path, np.ndarray]) -> np.ndarray:
    return np.stack([embeddings[record.path] for record in records])


def judge_words(
    words: Words,
    material: Material,
    background: Views,
    folder: ModelFolder,
    sets: dict[str, DataSet],
    embeddings: dict[Path, np.ndarray],
) -> dict[str, dict[str, float]]:
    by_ridge = ridge(material)
    table = {}
    for name, data in sets.items():
        records = list(data.records) if name == "coco" else choose_part(data, "val", folder.manifest)
        counts = Counter(word for record in records for word in set(record.words))
        names = sorted(word for word, count in counts.items() if count >= FEWEST[name])
        truth = np.array([[word in record.words for word in names] for record in records]).astype(np.uint8)
        photos = rows_of(records, embeddings)
        views, texts = words.views(photos), read_words(text_model(), names)
        embedded = [words.embed_word(text, background) for text in texts]
        bank = [words.embed_word(word_vector(name), background) for name in names]
        scores = {
            "classes": np.stack([np.log(views.probabilities @ one.classes + 1e-6) for one in embedded], axis=1),
            "ridge": unit(by_ridge(photos)) @ texts.T,
            "direction": views.directions @ words.queries(texts).T,
            "both": np.stack([values(one, views) for one in embedded], axis=1),
            "both, words from the bank": np.stack([values(one, views) for one in bank], axis=1),
        }
        table[f"{name}, {len(names)} words"] = {
            way: 100 * float(np.nanmean(average_precision(score.astype(np.float32), truth)))
            for way, score in scores.items()
        }
        print(name, table[f"{name}, {len(names)} words"], flush=True)
    return table


def ridge(material: Material) -> Callable[[np.ndarray], np.ndarray]:
    """From standardised embeddings to the mean text of each photo."""
    photos = material.photos
    middle, spread = photos.mean(axis=0), photos.std(axis=0) + 1e-3
    lessons = [*material.captions, *material.lists.values()]
    rows = np.concatenate([one.rows for one in lessons])
    texts = np.concatenate([one.texts.mean(axis=1) for one in lessons])
    features = (photos[rows] - middle) / spread
    gram = features.T @ features + RIDGE * np.eye(features.shape[1], dtype=np.float32)
    weights = np.linalg.solve(gram, features.T @ (texts - texts.mean(axis=0)))
    return lambda some: ((some - middle) / spread) @ weights


def find_captions(
    words: Words, folder: ModelFolder, data: DataSet, captions: Path, embeddings: dict[Path, np.ndarray]
) -> dict[str, float]:
    kept = {record.path for record in choose_part(data, "val", folder.manifest)}
    said = read_captions(captions)
    pairs = [(photo, texts) for photo, texts in zip(said.photos, said.captions, strict=True) if photo in kept]
    views = words.views(np.stack([embeddings[photo] for photo, _ in pairs]))
    queries = words.queries(text_model().embed([text for _, texts in pairs for text in texts]))
    own = np.repeat(np.arange(len(pairs)), len(pairs[0][1]))
    cosines = queries @ views.directions.T
    rank = (cosines > cosines[np.arange(len(own)), own][:, None]).sum(axis=1)
    found = {f"R@{count}": 100 * float((rank < count).mean()) for count in (1, 5, 10)}
    print({**found, "median rank": float(np.median(rank)) + 1}, flush=True)
    return {**found, "photos": len(pairs), "median rank": float(np.median(rank)) + 1}


def refine(
    words: Words, tagger: Tagger, sets: dict[str, DataSet], embeddings: dict[Path, np.ndarray]
) -> dict[str, float]:
    """Mean AP of tags from photos, from words and from both, on the validation photos of COCO, whose labels neither the
    words nor the head were taught."""
    others = [record for name in SETS[1:] for record in choose_part(sets[name], "train", tagger.folder.manifest)]
    training, validation = (choose_part(sets["coco"], part, tagger.folder.manifest) for part in ("train", "val"))
    names = draw_words(training, validation)
    head = Head((fit_mlp(rows_of(others, embeddings), judgeable(targets_of(others))),))
    shown, judged = rows_of(training, embeddings), rows_of(validation, embeddings)
    background = rows_of(others, embeddings)[np.random.default_rng(1).permutation(len(others))[:1000]]
    seen, views = words.views(judged), words.views(background)
    features, parts = {}, new_tag_parts(head)
    for name, photos in (("judged", judged), ("background", background)):
        features[name] = new_tag_features(head, photos)
    found: dict[str, list[float]] = {"5 photos": [], "words": [], "words and 5 photos": []}
    for name in names:
        truth = np.array([[name in record.words] for record in validation]).astype(np.uint8)
        embedded = words.embed_word(read_words(text_model(), [name])[0], views)
        positives = np.flatnonzero([name in record.words for record in training])
        by_words = values(embedded, seen)
        for draw in range(DRAWS):
            chosen = shown[np.random.default_rng([draw, len(positives)]).choice(positives, SHOTS, replace=False)]
            examples = new_tag_features(head, chosen)[:, None]
            none = examples[:0]
            prior = word_values(words, Wording(name, embedded, (), 1.0).embedded, (chosen, chosen[:0], background))
            alone = fit_tag(examples, none, features["background"], parts=parts)
            both = fit_tag(examples, none, features["background"], parts=parts, by_words=prior)
            for way, score in (
                ("5 photos", features["judged"] @ alone.w),
                ("words", by_words),
                ("words and 5 photos", features["judged"] @ both.w + by_words),
            ):
                found[way].append(float(average_precision(score[:, None].astype(np.float32), truth)[0]))
    means = {way: 100 * float(np.mean(precisions)) for way, precisions in found.items()}
    print(means, flush=True)
    return {**means, "tags": len(names), "draws": DRAWS}


def targets_of(records: list[Record]) -> np.ndarray:
    """Each set's frequent words; what the other set says of them is unknown."""
    columns = []
    for name in SETS[1:]:
        here = np.array([record.dataset == name for record in records])
        counts = Counter(word for record in records if record.dataset == name for word in set(record.words))
        for word in sorted(word for word, count in counts.items() if count >= 30):
            column = np.array([word in record.words for record in records]).astype(np.uint8)
            columns.append(np.where(here, column, UNKNOWN))
    return np.stack(columns, axis=1)


def draw_words(training: list[Record], validation: list[Record]) -> list[str]:
    counts = [Counter(word for record in part for word in set(record.words)) for part in (training, validation)]
    usable = sorted(w for w, count in counts[0].items() if count >= ENOUGH and counts[1][w] >= ENOUGH_TO_JUDGE)
    return list(np.random.default_rng(0).choice(usable, TAGS, replace=False))


def clock(words: Words, material: Material, background: Views) -> dict[str, float]:
    start = time.perf_counter()
    for name in ("zebra", "bridge", "sunset", "tractor", "violin"):
        words.embed_word(word_vector(name), background)
    placing = (time.perf_counter() - start) / 5
    directions = np.tile(words.views(material.photos).directions, (100_000 // len(material.photos) + 1, 1))[:100_000]
    query = words.queries(text_model().embed(["a cat asleep on a sofa"]))[0]
    start = time.perf_counter()
    similarities = directions @ query
    best = np.argpartition(-similarities, 19)[:20]
    best[np.argsort(-similarities[best])]
    return {"to place a word": 1000 * placing, "to rank 100,000 photos": 1000 * (time.perf_counter() - start)}


if __name__ == "__main__":
    main()
