"""A model that knows words: tags from words, refined by photos and corrections; and photos found by a sentence."""

from __future__ import annotations

import importlib.resources
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vectortag.core.errors import NewTagError, PhotoError, UnknownTagError, WordsError
from vectortag.inference.contact_sheet import write_contact_sheet
from vectortag.inference.refresh import forget, refresh
from vectortag.inference.search import Found, PhotoIndex
from vectortag.inference.tagger import Tagger
from vectortag.model.calibration import PROFILES
from vectortag.model.classifier import Classifier
from vectortag.model.folder import ModelFolder, read_model_folder
from vectortag.model.words.similarity import Evidence, Words, unit
from vectortag.model.words.text_model import is_installed
from vectortag.model.words.word_vectors import word_vector
from vectortag.personal.from_words import propose_parents

WIDTH = 8
CLASSES = ("zebra", "tractor", "violin", "sofa")
KNOWN = ("dog", "boat", "sea", "horse")


def evidence() -> Evidence:
    def numbers(*values: float) -> np.ndarray:
        return np.float32(values)

    thresholds = {"precise": numbers(0.5, 0.6), "balanced": numbers(0.3, 0.4), "thorough": numbers(0.1, 0.2)}
    return Evidence(
        numbers(0.55, 0.9), numbers(0.8, 1.2), numbers(-3, -2), thresholds, numbers(0.8, 0.95), numbers(0.2, 0.5),
        numbers(30, 31),
    )  # fmt: skip


def tiny_words(*, with_classes: bool = True) -> Words:
    random = np.random.default_rng(3)
    names = CLASSES if with_classes else ()
    weights = random.normal(0, 1, (len(names), WIDTH)).astype(np.float32)
    texts = np.stack([word_vector(name) for name in names]) if names else np.empty((0, 384), np.float32)
    return Words(
        Classifier(weights, np.zeros(len(names), np.float32), names),
        texts,
        random.normal(0, 1, (WIDTH + len(names), 384)).astype(np.float32),
        np.zeros(384, np.float32),
        np.zeros(384, np.float32),
        np.eye(384, dtype=np.float32),
        KNOWN,
        np.stack([word_vector(name) for name in KNOWN]),
        evidence(),
    )


@pytest.fixture
def worded(write_tiny_model: Callable[..., ModelFolder], tmp_path: Path) -> ModelFolder:
    """The tiny model, and what it knows of four classes and four words."""
    words = tiny_words()
    return write_tiny_model(tmp_path / "worded", words=words, classifier=words.classifier)


@pytest.fixture
def tagger(worded: ModelFolder) -> Tagger:
    return Tagger.load(worded)


@pytest.fixture
def photos(make_photo: Callable[..., Path]) -> list[Path]:
    return [make_photo(f"{seed}.png", seed=seed) for seed in range(12)]


def scores(tagger: Tagger, photos: Sequence[Path]) -> np.ndarray:
    return np.stack([[one.score for one in tagging.scores] for tagging in tagger.tag_many(photos)])


class TestFromWords:
    def test_a_name_is_enough(self, tagger, photos):
        added = tagger.add_tag("zebra", words=True)

        assert (added.examples, added.words, added.nearest[0]) == (0, "zebra", "zebra")
        assert added.nearness == pytest.approx(1, abs=0.01)
        assert tagger.tags[-1] == "zebra"
        assert 0 < tagger.tag(photos[0])["zebra"].score < 1

    def test_its_score_and_threshold_are_those_of_unseen_words_as_near(self, tagger):
        near, far = tagger.add_tag("zebra", words=True), tagger.add_tag("pony", words=True)

        assert far.nearness < 0.9
        for added, place in ((near, 1), (far, 0)):
            assert added.slope == pytest.approx(evidence().slope[place])
            assert added.separation == pytest.approx(evidence().separation[place])
            for profile in PROFILES:
                assert added.thresholds[profile] == pytest.approx(evidence().thresholds[profile][place])

    def test_no_old_score_changes_by_a_bit(self, tagger, photos):
        tagger.add_tag("plain", photos[:4])
        before = scores(tagger, photos)

        for name in ("zebra", "armchair", "pony"):
            tagger.add_tag(name, words=True)

        after = scores(tagger, photos)
        kept = [tagger.tags.index(tag) for tag in (*tagger.folder.manifest.tags, "plain")]
        np.testing.assert_array_equal(after[:, kept], before)

    def test_every_later_load_has_it(self, tagger, worded, photos):
        tagger.add_tag("zebra", words=True)

        assert Tagger.load(worded.path).tag(photos[0]) == tagger.tag(photos[0])

    def test_it_ranks_photos_as_its_words_do(self, tagger, photos):
        tagger.add_tag("zebra", words=True)
        embeddings = np.stack([one for _, one in tagger.embedder.embed_many(photos)])
        words = tagger.folder.words

        views = words.views(embeddings)
        placed = words.place(word_vector("zebra"), words.views(tagger.folder.background))
        fit = np.log(views.probabilities @ placed.classes + 1e-6) * placed.by_class
        fit += placed.by_direction * (views.directions @ placed.query)

        assert (np.argsort(fit) == np.argsort(scores(tagger, photos)[:, -1])).all()

    def test_it_has_a_heat_map_of_its_own(self, tagger, photos):
        tagger.add_tag("zebra", words=True)
        analysis = next(one for one in map(tagger.analyse, photos) if not one.heatmap("zebra").is_empty)

        found = analysis.heatmap("zebra")

        step, cells = 1e-2, analysis.feature_map.reshape(WIDTH, -1)
        moved = np.stack([cells.mean(axis=1) + sign * step * cell for cell in cells.T for sign in (1, -1)])
        logits = tagger.scorer.logits(moved.astype(np.float32))[:, -1].astype(np.float64)
        raw = np.maximum((logits[0::2] - logits[1::2]) / (2 * step), 0)
        raw = (raw - raw.min()) / (raw - raw.min()).max()
        np.testing.assert_allclose(found.values.ravel(), raw, atol=0.02)

    def test_parents_come_from_the_taxonomy_and_from_the_caller(self, tagger):
        assert tagger.add_tag("zebra", words=True, parents=["ship"]).parents == ("boat", "vehicle")

    def test_what_most_of_the_nearest_imply_is_proposed(self, tagger):
        taxonomy = tagger.folder.manifest.taxonomy

        assert propose_parents(taxonomy, tagger.tags, ("dog", "puppy", "dog", "sea", "boat")) == ("animal",)
        assert propose_parents(taxonomy, tagger.tags, ("dog", "boat", "sea")) == ()

    def test_a_model_without_a_classifier_goes_by_the_direction(self, write_tiny_model, tmp_path, photos):
        tagger = Tagger.load(write_tiny_model(tmp_path / "plain", words=tiny_words(with_classes=False)))

        tagger.add_tag("horse", words=True)

        assert 0 < tagger.tag(photos[0])["horse"].score < 1

    @pytest.mark.parametrize(
        ("name", "words", "error", "problem"),
        [
            ("dog", True, NewTagError, "exists already"),
            ("puppy", True, NewTagError, 'is another name of "dog"'),
            ("", True, NewTagError, "1 to 60 characters"),
            ("z" * 61, True, NewTagError, "1 to 60 characters"),
            ("斑马", True, WordsError, "only English"),
            ("theorem", True, WordsError, r"too far from everything .* The nearest: "),
            ("zebra", " ".join(["very"] * 200), WordsError, "too long"),
        ],
    )
    def test_what_cannot_be_placed_is_refused(self, tagger, name, words, error, problem):
        with pytest.raises(error, match=problem):
            tagger.add_tag(name, words=words)

        assert tagger.tags == tagger.folder.manifest.tags

    def test_a_model_that_knows_no_words_says_so(self, tiny_model):
        with pytest.raises(WordsError, match="vectortag learn-words tiny"):
            Tagger.load(tiny_model).add_tag("zebra", words=True)


class TestRefining:
    def test_photos_refine_a_tag_from_words(self, tagger, photos):
        tagger.add_tag("zebra", words=True)
        before = scores(tagger, photos)[:, -1]

        added = tagger.add_tag("zebra", photos[:4])

        assert (added.examples, added.words) == (4, "zebra")
        assert not np.array_equal(scores(tagger, photos)[:, -1], before)

    def test_it_is_what_words_and_photos_make_together(self, tagger, photos):
        tagger.add_tag("zebra", words=True)
        tagger.add_tag("zebra", photos[:4])
        one_by_one = scores(tagger, photos)
        tagger.remove_tag("zebra")

        tagger.add_tag("zebra", photos[:4], words=True)

        np.testing.assert_array_equal(scores(tagger, photos), one_by_one)

    def test_a_tag_with_photos_is_not_replaced(self, tagger, photos):
        tagger.add_tag("zebra", photos[:4], words=True)

        with pytest.raises(NewTagError, match="exists already"):
            tagger.add_tag("zebra", photos[4:8])

    def test_corrections_teach_it_and_can_be_taken_back(self, tagger, photos):
        tagger.add_tag("zebra", words=True)
        before = scores(tagger, photos)
        for photo in photos[:4]:
            tagger.correct(photo, yes=["zebra"])

        refresh(tagger)
        after = scores(tagger, photos)
        forget(tagger)

        assert not np.array_equal(after[:, -1], before[:, -1])
        np.testing.assert_array_equal(after[:, :-1], before[:, :-1])
        np.testing.assert_array_equal(scores(tagger, photos), before)

    def test_one_corrected_photo_is_too_few(self, tagger, photos, caplog):
        tagger.add_tag("zebra", words=True)
        before = scores(tagger, photos)
        tagger.correct(photos[0], yes=["zebra"])

        refresh(tagger)

        assert "it learns once 3 photos show it" in caplog.text
        np.testing.assert_array_equal(scores(tagger, photos), before)


class TestFolder:
    def test_what_it_knows_of_words_is_read_again(self, worded):
        words = read_model_folder(worded.path).words

        assert words.known == KNOWN
        assert words.classifier.names == CLASSES

    def test_without_the_file_it_knows_none(self, tiny_model):
        assert read_model_folder(tiny_model).words is None


class TestFinding:
    def test_the_photos_that_fit_best_come_first(self, tagger, photos):
        index = PhotoIndex.of(tagger, photos)

        found = index.search("zebra", top=5)

        embeddings = np.stack([one for _, one in tagger.embedder.embed_many(photos)])
        words = tagger.folder.words
        cosines = words.views(embeddings).directions @ words.queries(word_vector("zebra")[None])[0]
        assert [one.photo for one in found] == [photos[place] for place in np.argsort(-cosines)[:5]]
        assert [one.similarity for one in found] == pytest.approx(sorted(cosines, reverse=True)[:5], abs=1e-6)

    def test_a_second_search_does_not_run_the_network(self, tagger, photos, monkeypatch):
        first = PhotoIndex.of(tagger, photos).search("zebra", top=20)

        monkeypatch.setattr(type(tagger.embedder.session), "run", None)

        assert PhotoIndex.of(tagger, photos).search("zebra", top=20) == first

    def test_nor_does_it_look_again_where_photos_point(self, tagger, photos, monkeypatch):
        first = PhotoIndex.of(tagger, photos).search("zebra", top=20)

        monkeypatch.setattr(Words, "views", None)

        assert PhotoIndex.of(tagger, photos).search("zebra", top=20) == first

    def test_a_broken_cache_is_made_anew(self, tagger, photos, home):
        first = PhotoIndex.of(tagger, photos).search("zebra", top=20)
        (kept,) = (home / "cache" / "directions").iterdir()
        whole = kept.read_bytes()
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 1

        for broken in (b"broken", b"", whole[:40], bytes(flipped), whole[:-1], b"\x93NUMPY" + whole[6:]):
            kept.write_bytes(broken)

            assert PhotoIndex.of(tagger, photos).search("zebra", top=20) == first
            assert kept.read_bytes() == whole

    def test_conditions_leave_out_photos_by_their_tags(self, tagger, photos):
        index = PhotoIndex.of(tagger, photos)
        tags = {photo: {one.tag for one in tagger.tag(photo).tags} for photo in photos}
        dogs = {photo for photo in photos if "dog" in tags[photo]}
        assert 0 < len(dogs) < len(photos)

        assert {one.photo for one in index.search("zebra", top=20, has=["puppy"])} == dogs
        assert {one.photo for one in index.search("zebra", top=20, has_not=["dog"])} == set(photos) - dogs
        assert index.search("zebra", top=20, has=["dog"], has_not=["dog"]) == []

    def test_a_photo_that_cannot_be_read_is_told_apart(self, tagger, photos, tmp_path):
        broken = tmp_path / "broken.jpg"
        broken.write_bytes(b"no photo")

        index = PhotoIndex.of(tagger, [*photos, broken])

        assert index.photos == tuple(photos)
        assert [type(error) for error in index.failed] == [PhotoError]

    def test_nothing_is_found_where_there_is_nothing(self, tagger):
        assert PhotoIndex.of(tagger, []).search("zebra", top=3) == []

    @pytest.mark.parametrize(
        ("sentence", "doubted"), [("asdfgh", True), ("blorf asdfgh", True), ("the blorf", False), ("zebras", False)]
    )
    def test_nonsense_is_doubted(self, tagger, photos, need, sentence, doubted):
        need(is_installed(), "the text model")

        doubt = PhotoIndex.of(tagger, photos).doubt(sentence)

        assert (doubt is not None) == doubted
        assert doubt is None or f'"{sentence}" is far from everything that the model "tiny" knows' in doubt

    def test_photos_that_are_not_to_be_kept_leave_nothing_in_the_cache(self, tagger, photos, home):
        embeddings = np.stack([one for _, one in tagger.embedder.embed_many(photos)])

        found = PhotoIndex(tagger, range(len(photos)), embeddings).search("zebra", top=20)

        assert not (home / "cache" / "directions").exists()
        assert [photos[one.photo] for one in found] == [
            one.photo for one in PhotoIndex.of(tagger, photos).search("zebra", top=20)
        ]

    def test_an_unknown_tag_is_an_error(self, tagger, photos):
        with pytest.raises(UnknownTagError, match="no tag"):
            PhotoIndex.of(tagger, photos).search("zebra", top=3, has=["unicorn"])


def test_the_contact_sheet_holds_its_pictures_and_escapes_names(tmp_path):
    photo = tmp_path / "<b>&.jpg"
    Image.new("RGB", (900, 600), "red").save(photo)
    page = io.StringIO()

    write_contact_sheet(page, '<script>alert("x")</script>', [Found(photo, 0.5), Found(tmp_path / "gone.jpg", 0.4)])

    text = page.getvalue()
    assert "<script>" not in text
    assert "&lt;b&gt;&amp;.jpg" in text
    assert text.count("data:image/jpeg;base64,") == 1
    assert "gone.jpg: cannot be read" in text or "gone.jpg" in text
    assert "http" not in text.replace("http-equiv", "")


def test_the_texts_of_all_classes_of_imagenet_are_there():
    lines = (
        importlib.resources.files("vectortag")
        .joinpath("model", "words", "text", "imagenet.tsv")
        .read_text("utf-8")
        .splitlines()
    )

    assert len(lines) == 1000
    assert all(len(line.split("\t")) == 3 for line in lines)
    assert unit(np.ones((1, 4)))[0] == pytest.approx([0.5] * 4)
