"""Several data sets of one training: who trains, who validates, what each photo says of each tag."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.core.errors import ConfigError, DataError
from vectortag.core.types import UNKNOWN
from vectortag.data.records import photo_hash, read_data_set
from vectortag.data.training import Part, TrainingData, prepare_training_data
from vectortag.model.taxonomy import Taxonomy, load_taxonomy
from vectortag.train.config import TrainConfig
from vectortag.train.dataset import load_training_data

MakeDataSet = Callable[..., Path]
TAXONOMY = """
[synonyms]
dog = ["puppy"]
[implications]
dog = ["animal"]
cat = ["animal"]
tie = ["clothing"]
[complete]
zoo = ["animal"]
"""


@pytest.fixture
def make_config(tmp_path: Path) -> Callable[..., TrainConfig]:
    """make_config(folder, ..., epochs=3): a configuration for some data sets, with the taxonomy above."""
    (tmp_path / "taxonomy.toml").write_text(TAXONOMY)

    def make(*folders: Path, vocabulary: dict[str, Any] | None = None, **fields: Any) -> TrainConfig:
        data = [{"name": folder.name, "csv": str(folder)} for folder in folders]
        vocabulary = {"taxonomy": str(tmp_path / "taxonomy.toml"), **(vocabulary or {})}
        return TrainConfig.model_validate({"name": "mine", "data": data, "vocabulary": vocabulary, **fields})

    return make


@pytest.fixture
def two_sets(make_data_set: MakeDataSet, make_config: Callable[..., TrainConfig]) -> TrainingData:
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
    return load_training_data(make_config(zoo, street))


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

    def test_a_tag_that_only_the_absence_of_its_parent_denies_is_warned_of(
        self, make_data_set: MakeDataSet, make_config, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ):
        words = {"1.jpg": "tiger", "2.jpg": "cat", "3.jpg": "", "4.jpg": "tiger"}
        zoo = make_data_set(words, splits=dict.fromkeys(words, "train") | {"4.jpg": "val"}, name="zoo")
        config = make_config(zoo)
        file = tmp_path / "taxonomy.toml"
        for complete, warned in (('["animal"]', True), ('["animal", "wild animal"]', False)):
            file.write_text(
                f'[implications]\ncat = ["animal"]\n"wild animal" = ["animal"]\ntiger = ["wild animal"]\n'
                f"[complete]\nzoo = {complete}\n"
            )
            caplog.clear()

            load_training_data(config)

            warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
            assert [text.startswith("wild animal: no data set knows") for text in warnings] == [True] * warned

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
    def test_a_tag_of_validation_photos_alone_is_not_learnt(self, make_data_set: MakeDataSet, make_config):
        words = {"1.jpg": "sea", "2.jpg": "sea", "3.jpg": "boat"}
        folder = make_data_set(words, splits={"1.jpg": "train", "2.jpg": "train", "3.jpg": "val"})

        assert load_training_data(make_config(folder)).tags == ("sea",)

    def test_the_rarest_tags_are_left_out(self, make_data_set: MakeDataSet, make_config):
        words = {f"{n}.jpg": ("sea", "sea, sun", "sea, sun, boat")[n % 3] for n in range(12)}
        folder = make_data_set(words, splits={name: "val" if name == "0.jpg" else "train" for name in words})

        assert load_training_data(make_config(folder, vocabulary={"top_k": 2})).tags == ("sea", "sun")
        assert load_training_data(make_config(folder, vocabulary={"min_photos": 5})).tags == ("sea", "sun")

    def test_without_frequent_tags_there_is_nothing_to_learn(self, make_data_set: MakeDataSet, make_config):
        folder = make_data_set({"1.jpg": "sea", "2.jpg": "sea"})

        with pytest.raises(DataError, match="no tag has 9 photos"):
            load_training_data(make_config(folder, vocabulary={"min_photos": 9}))

    def test_a_taxonomy_goes_by_default_none_or_its_file(self, tmp_path: Path):
        (tmp_path / "taxonomy.toml").write_text(TAXONOMY)

        assert load_taxonomy("none").canonical("puppy") == "puppy"
        assert load_taxonomy(str(tmp_path / "taxonomy.toml")).canonical("puppy") == "dog"
        assert load_taxonomy("default").implications


class TestSplit:
    @pytest.fixture
    def words(self) -> dict[str, str]:
        return {f"{n:02}.jpg": "sea" if n % 2 else "sun" for n in range(20)}

    def test_without_a_column_a_share_of_each_tag_is_kept(self, make_data_set: MakeDataSet, make_config, words):
        data = load_training_data(make_config(make_data_set(words), validation=0.2))

        assert (len(data.training.records), len(data.validation.records)) == (16, 4)
        assert (data.validation.targets == 1).sum(axis=0).tolist() == [2, 2]

    def test_no_photo_is_in_both_parts(self, make_data_set: MakeDataSet, make_config, words):
        data = load_training_data(make_config(make_data_set(words), validation=0.3))

        parts = [{record.path for record in part.records} for part in (data.training, data.validation)]
        assert not parts[0] & parts[1]
        assert len(parts[0] | parts[1]) == 20

    def test_the_seed_decides_the_split(self, make_data_set: MakeDataSet, make_config, words):
        folder = make_data_set(words)

        kept = [
            load_training_data(make_config(folder, validation=0.3, seed=seed)).data_sets[0].validation
            for seed in (1, 1, 2)
        ]

        assert kept[0] == kept[1] != kept[2]

    def test_two_sets_of_one_name_are_refused(self, make_data_set: MakeDataSet, make_config):
        folder = make_data_set({"1.jpg": "sea"})

        with pytest.raises(ConfigError, match="two sets have one name"):
            load_training_data(make_config(folder, folder))


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
