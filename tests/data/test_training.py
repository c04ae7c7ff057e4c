"""Several data sets of one training: who trains, who validates, what each photo says of each tag."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vectortag.core.errors import DataError
from vectortag.core.types import UNKNOWN
from vectortag.data.records import photo_hash, read_data_set
from vectortag.data.training import DataOptions, Part, TrainingData, prepare_training_data
from vectortag.model.taxonomy import Taxonomy

MakeDataSet = Callable[..., Path]
TAXONOMY = Taxonomy(
    synonyms={"dog": ["puppy"]},
    implications={"dog": ["animal"], "cat": ["animal"], "tie": ["clothing"]},
    complete={"zoo": ["animal"]},
)


def prepared(*folders: Path, taxonomy: Taxonomy = TAXONOMY, **options: Any) -> TrainingData:
    return prepare_training_data([read_data_set(folder) for folder in folders], taxonomy, DataOptions(**options))


@pytest.fixture
def two_sets(make_data_set: MakeDataSet) -> TrainingData:
    """ "zoo" knows whether there is an animal; "street" has words that it does not, and the other way round."""
    zoo = make_data_set(
        {"1.jpg": "dog", "2.jpg": "cat, tree", "3.jpg": "", "4.jpg": "puppy"},
        splits={"1.jpg": "train", "2.jpg": "train", "3.jpg": "train", "4.jpg": "val"},
        name="zoo",
    )
    street = make_data_set(
        {"1.jpg": "car", "2.jpg": "tie, tree", "3.jpg": "tie", "4.jpg": "car, dog", "5.jpg": "car"},
        splits={"1.jpg": "train", "2.jpg": "train", "3.jpg": "val", "4.jpg": "val", "5.jpg": "test"},
        name="street",
    )
    return prepared(zoo, street)


def said(data: TrainingData, part: Part, row: int) -> dict[str, bool]:
    """What one photo says: only the tags that it knows."""
    pairs = zip(data.tags, part.targets[row], strict=True)
    return {tag: bool(value) for tag, value in pairs if value != UNKNOWN}


class TestTwoSets:
    def test_the_vocabulary_is_that_of_all_training_photos_together(self, two_sets: TrainingData):
        assert two_sets.tags == ("animal", "car", "cat", "clothing", "dog", "tie", "tree")

    def test_records_and_targets_of_the_sets_follow_one_another(self, two_sets: TrainingData):
        for part, names in (
            (two_sets.training, ["zoo/1.jpg", "zoo/2.jpg", "zoo/3.jpg", "street/1.jpg", "street/2.jpg"]),
            (two_sets.validation, ["zoo/4.jpg", "street/3.jpg", "street/4.jpg"]),
        ):
            assert ["/".join(record.path.parts[-2:]) for record in part.records] == names
            assert part.targets.shape == (len(names), 7)

    def test_each_set_knows_its_own_words_and_what_the_taxonomy_grants_it(self, two_sets: TrainingData):
        assert {info.name: info.known for info in two_sets.data_sets} == {
            "zoo": ("animal", "cat", "dog", "tree"),
            "street": ("car", "tie", "tree"),
        }

    def test_a_word_that_a_set_never_uses_is_unknown_there(self, two_sets: TrainingData):
        training = two_sets.training

        assert said(two_sets, training, 0) == {"animal": True, "cat": False, "dog": True, "tree": False}
        assert said(two_sets, training, 2) == {"animal": False, "cat": False, "dog": False, "tree": False}
        assert said(two_sets, training, 3) == {"car": True, "tie": False, "tree": False}

    def test_a_tag_whose_absence_no_set_knows_is_learnt_from_nobody(self, two_sets: TrainingData):
        clothing = two_sets.tags.index("clothing")

        assert set(two_sets.training.targets[:, clothing]) == {UNKNOWN}
        assert said(two_sets, two_sets.validation, 1)["clothing"]

    @pytest.mark.parametrize(
        ("complete", "warned"), [(["animal"], True), (["animal", "wild animal"], False)], ids=["warned", "complete"]
    )
    def test_a_tag_that_only_the_absence_of_its_parent_denies_is_warned_of(
        self, make_data_set: MakeDataSet, caplog: pytest.LogCaptureFixture, complete: list[str], warned: bool
    ):
        words = {"1.jpg": "tiger", "2.jpg": "cat", "3.jpg": "", "4.jpg": "tiger"}
        zoo = make_data_set(words, splits=dict.fromkeys(words, "train") | {"4.jpg": "val"}, name="zoo")
        implications = {"cat": ["animal"], "wild animal": ["animal"], "tiger": ["wild animal"]}

        prepared(zoo, taxonomy=Taxonomy(implications=implications, complete={"zoo": complete}))

        warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert [text.startswith("wild animal: no data set says") for text in warnings] == [True] * warned

    def test_a_validation_photo_may_say_what_its_set_did_not_train(self, two_sets: TrainingData):
        assert said(two_sets, two_sets.validation, 2) == {
            "animal": True, "car": True, "dog": True, "tie": False, "tree": False,
        }  # fmt: skip

    def test_the_validation_photos_are_recorded_by_their_hashes(self, two_sets: TrainingData):
        for info in two_sets.data_sets:
            kept = [record.path for record in two_sets.validation.records if record.dataset == info.name]
            assert info.validation == tuple(sorted(map(photo_hash, kept)))

    def test_the_training_photos_are_counted(self, two_sets: TrainingData):
        assert {info.name: info.train_photos for info in two_sets.data_sets} == {"zoo": 3, "street": 2}


class TestVocabulary:
    def test_a_tag_of_validation_photos_alone_is_not_learnt(self, make_data_set: MakeDataSet):
        words = {"1.jpg": "sea", "2.jpg": "sea", "3.jpg": "boat"}
        folder = make_data_set(words, splits={"1.jpg": "train", "2.jpg": "train", "3.jpg": "val"})

        assert prepared(folder).tags == ("sea",)

    def test_the_rarest_tags_are_left_out(self, make_data_set: MakeDataSet):
        words = {f"{n}.jpg": ("sea", "sea, sun", "sea, sun, boat")[n % 3] for n in range(12)}
        folder = make_data_set(words, splits={name: "val" if name == "0.jpg" else "train" for name in words})

        assert prepared(folder, top_k=2).tags == ("sea", "sun")
        assert prepared(folder, min_photos=5).tags == ("sea", "sun")

    def test_without_frequent_tags_there_is_nothing_to_learn(self, make_data_set: MakeDataSet):
        folder = make_data_set({"1.jpg": "sea", "2.jpg": "sea"})

        with pytest.raises(DataError, match="no tag has 9 photos"):
            prepared(folder, min_photos=9)


class TestSplit:
    @pytest.fixture
    def words(self) -> dict[str, str]:
        return {f"{n:02}.jpg": "sea" if n % 2 else "sun" for n in range(20)}

    def test_without_a_column_a_share_of_each_tag_is_kept(self, make_data_set: MakeDataSet, words):
        data = prepared(make_data_set(words), validation=0.2)

        assert (len(data.training.records), len(data.validation.records)) == (16, 4)
        assert (data.validation.targets == 1).sum(axis=0).tolist() == [2, 2]

    def test_no_photo_is_in_both_parts(self, make_data_set: MakeDataSet, words):
        data = prepared(make_data_set(words), validation=0.3)

        parts = [{record.path for record in part.records} for part in (data.training, data.validation)]
        assert not parts[0] & parts[1]
        assert len(parts[0] | parts[1]) == 20

    def test_the_seed_decides_the_split(self, make_data_set: MakeDataSet, words):
        folder = make_data_set(words)

        kept = [prepared(folder, validation=0.3, seed=seed).data_sets[0].validation for seed in (1, 1, 2)]

        assert kept[0] == kept[1] != kept[2]


class TestLimits:
    def test_the_same_photos_of_a_set_are_taken_wherever_they_lie(self, make_data_set: MakeDataSet):
        words = {f"{n:02}.jpg": "sea" if n % 2 else "sun" for n in range(20)}
        splits = {name: "val" if int(name[:2]) < 4 else "train" for name in words}
        one, other = (make_data_set(words, splits=splits, name=name) for name in ("one", "other"))

        data = prepared(one, other, most={"one": 6, "other": 6, "third": 1}, keep_duplicates_together=False)

        names = {name: [r.path.name for r in data.training.records if r.dataset == name] for name in ("one", "other")}
        assert len(names["one"]) == 6
        assert names["one"] == names["other"] == sorted(names["one"])
        assert len(data.validation.records) == 8

    def test_of_too_many_training_photos_those_with_rare_tags_stay(self, make_data_set: MakeDataSet):
        words = {f"{n:02}.jpg": "sea, boat" if n == 7 else "sea" for n in range(20)}
        folder = make_data_set(words, splits=dict.fromkeys(words, "train") | {"00.jpg": "val"})

        data = prepared(folder, max_samples=5, keep_duplicates_together=False)

        assert len(data.training.records) == len(data.training.targets) == 5
        assert "07.jpg" in {record.path.name for record in data.training.records}


class TestBorrowedTags:
    def test_a_group_of_what_the_backbone_knows_is_judged_and_not_learnt(self, make_data_set: MakeDataSet):
        words = {"1.jpg": "sea", "2.jpg": "sea", "3.jpg": "sea, reef"}
        folder = make_data_set(words, splits={"1.jpg": "train", "2.jpg": "train", "3.jpg": "val"})
        taxonomy = Taxonomy(groups={"reef": ["coral reef"], "sea": ["ocean"], "car": ["jeep"]})

        data = prepared(folder, taxonomy=taxonomy, classes=("coral reef", "ocean"))

        assert (data.tags, data.borrowed, data.all_tags) == (("sea",), ("reef",), ("sea", "reef"))
        assert data.training.targets.shape == (2, 1)
        assert data.borrowed_targets.tolist() == [[1]]
        np.testing.assert_array_equal(data.judged, [[1, 1]])


class TestAPart:
    def test_some_rows_or_tags_of_it_are_a_part(self, two_sets: TrainingData):
        part = two_sets.training

        some, narrow = part.only(np.array([4, 0])), part.of_tags(2)

        assert some.records == (part.records[4], part.records[0])
        np.testing.assert_array_equal(some.targets, part.targets[[4, 0]])
        assert narrow.records == part.records
        np.testing.assert_array_equal(narrow.targets, part.targets[:, :2])
        assert part.sets.tolist() == ["zoo"] * 3 + ["street"] * 2


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        (["zoo", "zoo"], 'data set "zoo": two data sets have this name'),
        (["zoo", "per_tag"], 'data set "per_tag": this name stands for something else'),
    ],
)
def test_each_data_set_has_a_name_of_its_own(make_data_set: MakeDataSet, names: list[str], wrong: str):
    folder = make_data_set({"1.jpg": "dog", "2.jpg": "cat"})
    sets = [read_data_set(folder, name=name) for name in names]

    with pytest.raises(DataError, match=wrong):
        prepare_training_data(sets, Taxonomy())
