"""Tags that a user adds to a model: added, kept, found again, removed; and nothing old changes by a bit."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vectortag.core.errors import NewTagError, PhotoError, UnknownTagError
from vectortag.evaluation.evaluate import evaluate
from vectortag.inference.tagger import Tagger
from vectortag.model.calibration import Calibration
from vectortag.model.folder import ModelFolder
from vectortag.personal import added_tags
from vectortag.personal.added_tags import folder_of, read_additions, save_addition
from vectortag.personal.few_shot import FittedTag
from vectortag.runtime.embedder import VIEWS

WIDTH, HIDDEN, TAGS = 8, 16, 6


@pytest.fixture
def tiny_model(write_tiny_model: Callable[..., ModelFolder], tmp_path: Path) -> Path:
    """The tiny model, with a background of photos as `make_photo` makes them."""
    draft = Tagger.load(write_tiny_model(tmp_path / "draft" / "tiny").path)
    photos = [smooth_photo(seed) for seed in range(1000, 1150)]
    background = np.stack([embedding for _, embedding in draft.embedder.embed_many(photos)])
    return write_tiny_model(tmp_path / "tiny", background=background).path


def smooth_photo(seed: int) -> Image.Image:
    colours = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return Image.fromarray(colours).resize((64, 48), Image.Resampling.BICUBIC)


@pytest.fixture
def stripes(tmp_path: Path) -> Callable[..., list[Path]]:
    """stripes(5, seed=0): photos with black and white stripes, which no other photo of these tests has."""

    def make(count: int, *, seed: int = 0) -> list[Path]:
        random = np.random.default_rng(seed)
        files = []
        for number in range(count):
            pixels = random.integers(0, 40, (48, 48, 3), np.uint8)
            pixels[:, ::2] += 200
            files.append(tmp_path / f"stripes-{seed}-{number}.png")
            Image.fromarray(pixels).save(files[-1])
        return files

    return make


@pytest.fixture
def others(make_photo: Callable[..., Path]) -> list[Path]:
    return [make_photo(f"other-{seed}.png", seed=seed) for seed in range(12)]


def fitted(value: float = 1.0) -> FittedTag:
    thresholds = {"precise": 0.6, "balanced": 0.5, "thorough": 0.4}
    return FittedTag(np.full(HIDDEN + TAGS, value, np.float32), Calibration.of_one(1.0, 0.0, thresholds), 0.9)


def save(model: Tagger, name: str, value: float = 1.0) -> None:
    examples = np.zeros((3, VIEWS, WIDTH), np.float32)
    save_addition(
        model.folder, name, fitted(value), parents=(), size=32, examples=examples, counterexamples=examples[:0]
    )


class TestAdding:
    def test_the_tag_is_found_on_new_photos_and_not_on_others(self, tagger, stripes, others):
        added = tagger.add_tag("zebra crossing", stripes(8))

        assert added.examples == 8
        on_new = [tagger.tag(photo)["zebra crossing"].score for photo in stripes(6, seed=1)]
        on_others = [tagger.tag(photo)["zebra crossing"].score for photo in others]
        assert min(on_new) > max(on_others)

    def test_no_old_score_changes_by_a_bit(self, tagger, stripes, others):
        photos = [*stripes(3, seed=1), *others]
        before = [tagging.scores for tagging in tagger.tag_many(photos)]

        tagger.add_tag("stripes", stripes(5))

        for old, new in zip(before, tagger.tag_many(photos), strict=True):
            assert new.scores[:-1] == old
            assert new.scores[-1].tag == "stripes"

    def test_every_later_load_has_it(self, tagger, tiny_model, stripes):
        tagger.add_tag("stripes", stripes(5))
        photo = stripes(1, seed=1)[0]

        assert Tagger.load(tiny_model).tag(photo) == tagger.tag(photo)

    def test_unless_it_is_asked_to_leave_additions_out(self, tagger, tiny_model, stripes):
        tagger.add_tag("stripes", stripes(5))

        assert Tagger.load(tiny_model, additions=False).tags == tagger.folder.manifest.tags
        assert tagger.without_additions().tags == tagger.folder.manifest.tags

    def test_the_model_folder_is_not_touched(self, tagger, tiny_model, stripes):
        before = {file.name: file.read_bytes() for file in tiny_model.iterdir()}

        tagger.add_tag("stripes", stripes(5))

        assert {file.name: file.read_bytes() for file in tiny_model.iterdir()} == before

    def test_another_model_does_not_have_it(self, tagger, write_tiny_model, tmp_path, stripes):
        tagger.add_tag("stripes", stripes(5))

        assert "stripes" not in Tagger.load(write_tiny_model(tmp_path / "other", name="other").path).tags

    def test_it_has_a_heat_map_which_is_autograds(self, tagger, need_module, stripes, others):
        torch = need_module("torch")
        tagger.add_tag("stripes", stripes(5))
        analyses = map(tagger.analyse, others)
        analysis = next(one for one in analyses if not one.heatmap("stripes").is_empty)
        block, linear = tagger.folder.head.blocks

        cells = torch.from_numpy(analysis.feature_map).requires_grad_()
        w1, b1, w2, b2, w, b = map(torch.from_numpy, (block.w1, block.b1, block.w2, block.b2, linear.w, linear.b))
        embedding = cells.mean(dim=(1, 2))
        hidden = torch.relu(w1 @ embedding + b1)
        roots = torch.cat([w2 @ hidden + b2, w @ embedding + b]).sigmoid().sqrt()
        features = torch.cat([hidden / hidden.norm(), roots / roots.norm()])
        logit = torch.from_numpy(read_additions(tagger.folder).rows[0]) @ features
        (gradients,) = torch.autograd.grad(logit, cells)
        raw = torch.relu((gradients.mean(dim=(1, 2))[:, None, None] * cells).sum(dim=0)).detach().numpy()
        expected = (raw - raw.min()) / (raw.max() - raw.min())

        np.testing.assert_allclose(analysis.heatmap("stripes").values, expected, atol=1e-4)

    def test_its_parents_are_known_and_keep_their_own_scores(self, tagger, stripes):
        photo = stripes(1, seed=1)[0]
        before = tagger.tag(photo)["dog"]

        added = tagger.add_tag("poodle", stripes(8), parents=["puppy"])

        assert added.parents == ("animal", "dog")
        assert tagger.tag(photo)["dog"] == before

    def test_evaluation_is_of_the_models_own_tags(self, tagger, stripes, make_data_set):
        data = make_data_set({"1.jpg": "dog, stripes", "2.jpg": "sea"})
        before = evaluate(tagger, data).to_json()

        tagger.add_tag("stripes", stripes(5))

        assert evaluate(tagger, data).to_json() == before

    def test_photos_from_memory_will_do(self, tagger, stripes):
        photos = [stripes(1)[0].read_bytes(), Image.open(stripes(1, seed=1)[0]), np.zeros((40, 40, 3), np.uint8)]

        assert tagger.add_tag("stripes", photos).examples == 3

    def test_a_copy_counts_once(self, tagger, stripes, tmp_path):
        photos = stripes(4)
        (tmp_path / "copy.png").write_bytes(photos[0].read_bytes())

        assert tagger.add_tag("stripes", [*photos, tmp_path / "copy.png", photos[1]]).examples == 4


class TestRefusing:
    @pytest.mark.parametrize(
        ("name", "problem"),
        [
            ("dog", 'the tag "dog" exists already'),
            ("  DOG ", 'the tag "dog" exists already'),
            ("puppy", '"puppy" is another name of "dog", which exists already'),
            ("", "a tag's name has 1 to 60 characters"),
            ("x" * 61, "a tag's name has 1 to 60 characters"),
            ("a\x07b", "a tag's name has 1 to 60 characters"),
        ],
    )
    def test_a_name_that_is_taken_or_none(self, tagger, stripes, name, problem):
        with pytest.raises(NewTagError, match=problem):
            tagger.add_tag(name, stripes(5))

    def test_a_tag_that_was_added_before(self, tagger, stripes):
        tagger.add_tag("stripes", stripes(5))

        with pytest.raises(NewTagError, match='"stripes" exists already'):
            tagger.add_tag("Stripes", stripes(6, seed=1))

    def test_a_photo_that_both_has_and_has_not_the_tag(self, tagger, stripes):
        photos = stripes(5)

        with pytest.raises(NewTagError, match=r"stripes-0-2\.png: given both as having the tag and as not"):
            tagger.add_tag("stripes", photos, [photos[2]])

    def test_an_unreadable_photo(self, tagger, stripes, tmp_path):
        (tmp_path / "broken.jpg").write_bytes(b"no photo")

        for broken in (tmp_path / "broken.jpg", tmp_path / "gone.jpg"):
            with pytest.raises(PhotoError, match=broken.name):
                tagger.add_tag("stripes", [*stripes(5), broken])
        assert not list(folder_of(tagger.folder).glob("*"))

    def test_a_parent_that_the_model_does_not_have(self, tagger, stripes):
        with pytest.raises(UnknownTagError, match='no tag "car"'):
            tagger.add_tag("stripes", stripes(5), parents=["car"])

    def test_a_parent_that_was_added_itself(self, tagger, stripes):
        tagger.add_tag("pattern", stripes(5))

        with pytest.raises(NewTagError, match='"pattern" was added itself'):
            tagger.add_tag("stripes", stripes(5), parents=["pattern"])

    def test_a_model_without_a_background(self, write_tiny_model, tmp_path, stripes):
        tagger = Tagger.load(write_tiny_model(tmp_path / "bare", background=None).path)

        with pytest.raises(NewTagError, match="the model has no background photos"):
            tagger.add_tag("stripes", stripes(5))


class TestKeeping:
    @pytest.mark.parametrize(
        "name", ["our boat", "a/b", "..", "naïve 漢字", "x.y%z", "漢字" * 20, "👨‍👩‍👧 🐶" * 8, "-" * 60]
    )
    def test_any_name_can_be_kept_and_removed(self, tagger, name):
        save(tagger, name)

        assert [tag.name for tag in read_additions(tagger.folder).tags] == [name]
        assert len(list(folder_of(tagger.folder).iterdir())) == 1
        tagger.remove_tag(name)
        assert not read_additions(tagger.folder).tags

    def test_rows_belong_to_their_tags(self, tagger):
        for name, value in (("b", 2.0), ("a", 1.0), ("c", 3.0)):
            save(tagger, name, value)

        found = read_additions(tagger.folder)

        assert [(tag.name, row[0]) for tag, row in zip(found.tags, found.rows, strict=True)] == [
            ("a", 1), ("b", 2), ("c", 3),
        ]  # fmt: skip

    def test_what_was_never_added_cannot_be_removed(self, tagger):
        with pytest.raises(NewTagError, match='"dog" was not added to tiny@'):
            tagger.remove_tag("dog")

    def test_a_data_folder_that_cannot_be_looked_into_is_a_warning(self, tagger, monkeypatch, caplog):
        def closed(_):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "iterdir", closed)

        assert read_additions(tagger.folder).tags == ()
        assert "cannot be read, so there are no added tags: Permission denied" in caplog.text

    @pytest.mark.parametrize(
        "damage",
        [
            lambda content: content[:40],
            lambda content: b"",
            lambda content: content.replace(rb"\"format_version\":2", rb"\"format_version\":3"),
            lambda content: content.replace(b"balanced", b"balancez"),
            lambda content: content.replace(rb"\"name\":\"a\"", rb"\"name\":\"\\\\u001b\""),
            lambda content: content.replace(np.ones(4, "f4").tobytes(), np.full(4, np.nan, "f4").tobytes()),
            lambda content: content.replace(b'"w"', b'"v"'),
        ],
        ids=["cut", "empty", "newer", "another profile", "a control character", "not a number", "no row"],
    )
    def test_a_file_that_cannot_be_read_is_named_left_out_and_left_alone(self, tagger, caplog, damage):
        save(tagger, "a")
        file = next(folder_of(tagger.folder).iterdir())
        save(tagger, "b")
        before = file.read_bytes()
        file.write_bytes(damage(before))
        assert file.read_bytes() != before
        kept = file.read_bytes()

        assert Tagger.load(tagger.folder.path).tags[-1] == "b"
        assert f"{file}: cannot be read as an added tag, so the model has no such tag now" in caplog.text
        with pytest.raises(NewTagError, match="was added"):
            save(tagger, "a")
        assert file.read_bytes() == kept

    def test_of_two_writers_of_one_tag_one_wins_and_the_other_hears_of_it(self, tagger):
        with multiprocessing.get_context("spawn").Pool(4) as pool:
            told = pool.starmap(_try_to_save, [(str(tagger.folder.path), float(value)) for value in range(8)])

        assert sorted(told) == ["saved", *["taken"] * 7]
        found = read_additions(tagger.folder)
        assert len(found.tags) == 1
        assert len(set(found.rows[0])) == 1  # whole, and one writer's

    def test_a_kill_in_the_middle_leaves_the_old_state(self, tagger):
        save(tagger, "old")
        process = multiprocessing.get_context("spawn").Process(target=_killed, args=(str(tagger.folder.path),))
        process.start()
        process.join()

        assert process.exitcode == -signal.SIGKILL
        assert [tag.name for tag in read_additions(tagger.folder).tags] == ["old"]
        save(tagger, "new")
        assert [tag.name for tag in read_additions(tagger.folder).tags] == ["new", "old"]

    def test_where_nothing_can_be_written_the_error_says_so(self, tagger, monkeypatch):
        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)

        with pytest.raises(NewTagError, match="cannot be saved: No space left on device"):
            save(tagger, "a")


def _try_to_save(model: str, value: float) -> str:
    try:
        save(Tagger.load(model), "a", value)
    except NewTagError:
        return "taken"
    return "saved"


def _killed(model: str) -> None:
    tagger = Tagger.load(model)
    added_tags.os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)  # written, not yet in its place
    save(tagger, "new")
