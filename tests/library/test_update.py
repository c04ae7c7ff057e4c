"""An update: what is read, what the network sees, and what is left after a stop."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vectortag.core.errors import LibraryError, UnknownModelError
from vectortag.inference.tagger import Tagger
from vectortag.library import photo_facts
from vectortag.library import update as update_module
from vectortag.library.library import Library
from vectortag.library.library_model import LibraryModel
from vectortag.library.packing import unpack_embeddings, unpack_scores
from vectortag.library.update import Updated

Rows = Callable[..., list[Any]]
UpdateIt = Callable[..., Updated]


class TestWhatIsKept:
    def test_is_what_the_tagger_says(self, photos: Path, tagger: Tagger, update: UpdateIt, rows: Rows):
        update()

        for path in rows("SELECT path FROM photos"):
            tagging = tagger.tag(photos / path)
            exact = {one.tag: one.score for one in tagging.scores}
            packed, embedding = rows(
                "SELECT codes, embedding FROM analyses JOIN photos USING (content) WHERE path = ?", path
            )[0]
            shown = dict(rows("SELECT tag, score FROM shown JOIN photos USING (content) WHERE path = ?", path))
            assert {tagger.tags[tag] for tag in shown} == {tag for tag, score in exact.items() if score >= 0.05}
            for tag, score in shown.items():
                assert score == pytest.approx(exact[tagger.tags[tag]], abs=1e-5)
            assert np.abs(unpack_scores([packed])[0] - np.float32(list(exact.values()))).max() <= 0.003
            assert unpack_embeddings([embedding]).shape == (1, 8)

    def test_has_the_model_behind_it(self, update: UpdateIt, tagger: Tagger, library: Library, rows: Rows):
        update()

        (model,) = rows("SELECT id, digest, precision, size FROM models")
        assert model == (library.model_row, tagger.folder.digest, tagger.embedder.session.precision, 32)


class TestASecondUpdate:
    def test_opens_neither_photo_nor_network(
        self, update: UpdateIt, opened_photos: Callable[[], list[Path]], monkeypatch: pytest.MonkeyPatch
    ):
        update()
        assert len(opened_photos()) >= 4
        monkeypatch.setattr(LibraryModel, "open_embedder", None)

        done = update()

        assert (done.seen.unchanged, done.read, done.analysed, done.left) == (4, 0, 0, 0)
        assert opened_photos() == []

    def test_takes_photos_and_sidecars_that_claim_to_be_from_the_year_2300(self, photos: Path, update: UpdateIt):
        """Nanoseconds of such a time need more than 64 bits."""
        sidecar = photos / "b.jpg.xmp"
        sidecar.write_bytes(b"<x/>")
        for file in (photos / "a.jpg", sidecar):
            os.utime(file, (0, 10_413_792_000))

        first, second = update(), update()

        assert (first.analysed, first.left, first.unsettled) == (4, 0, 0)
        assert (second.seen.unchanged, second.read, second.seen.stale) == (4, 0, [])

    def test_analyses_a_photo_whose_bytes_changed(self, photos: Path, update: UpdateIt, make_photo, rows: Rows):
        update()
        make_photo("photos/a.jpg", seed=9)
        os.utime(photos / "b.jpg", (1, 1))

        done = update()

        assert (done.seen.changed, done.read, done.analysed) == (2, 2, 1)

    def test_forgets_what_is_gone_only_when_asked(self, photos: Path, update: UpdateIt, rows: Rows):
        update()
        (photos / "a.jpg").unlink()
        update()
        assert rows("SELECT count(*) FROM analyses") == [4]

        assert update(prune=True).pruned == 1
        assert (rows("SELECT count(*) FROM photos"), rows("SELECT count(*) FROM analyses")) == ([3], [3])

    def test_prunes_nothing_of_a_root_that_is_offline(self, photos: Path, update: UpdateIt, rows: Rows):
        update()
        photos.rename(photos.parent / "elsewhere")

        assert update(prune=True).pruned == 0
        assert (rows("SELECT count(*) FROM photos"), rows("SELECT count(*) FROM analyses")) == ([4], [4])


def test_the_same_photo_twice_is_tagged_once(photos: Path, update: UpdateIt):
    for name in ("x.jpg", "y.jpg", "in/z.jpg"):
        shutil.copy(photos / "a.jpg", photos / name)

    done = update()

    assert (done.read, done.analysed, done.left) == (7, 4, 0)


class TestAPhotoThatCannotBeRead:
    def test_is_an_error_and_is_tried_again_only_when_it_changes(
        self, library: Library, photos: Path, update: UpdateIt, make_photo
    ):
        (photos / "bad.jpg").write_bytes(b"no photo")
        half = (photos / "b.jpg").read_bytes()
        (photos / "half.jpg").write_bytes(half[: len(half) // 2])

        assert (update().failed, update().failed, update(retry=True).failed) == (2, 0, 2)
        assert [path.name for path, _ in library.errors()] == ["bad.jpg", "half.jpg"]

        make_photo("photos/bad.jpg", seed=7)
        assert update().analysed == 1
        assert [path.name for path, _ in library.errors()] == ["half.jpg"]

    def test_for_want_of_its_drive_is_tried_again(
        self, library: Library, photos: Path, update: UpdateIt, monkeypatch: pytest.MonkeyPatch
    ):
        def pulled_out(path: Path) -> None:
            raise OSError(errno.EIO, "Input/output error", str(path))

        with monkeypatch.context() as patch:
            patch.setattr("vectortag.runtime.pixels.open_regular", pulled_out)
            done = update()
        assert (done.unsettled, done.failed, done.left, library.errors()) == (4, 0, 4, [])

        assert update().analysed == 4


class TestAPhotoThatChangesWhileItIsRead:
    def test_is_left_to_the_next_update(self, photos: Path, update: UpdateIt, make_photo, monkeypatch):
        real = update_module.read_facts

        def read_and_change(path: Path) -> photo_facts.PhotoFacts:
            facts = real(path)
            if path.name == "a.jpg":
                make_photo("photos/a.jpg", seed=20)
                os.utime(path, (5, 5))
            return facts

        with monkeypatch.context() as patch:
            patch.setattr(update_module, "read_facts", read_and_change)
            done = update()
        assert (done.unsettled, done.analysed, done.left) == (1, 3, 1)

        assert update().analysed == 1


class TestAStop:
    def test_keeps_what_is_in_hand_and_the_next_update_goes_on(self, update: UpdateIt, rows: Rows):
        answers = iter([False] * 6)  # for three folders, at the start of the work, for two photos

        done = update(stop=lambda: next(answers, True))

        assert done.stopped
        assert 0 < done.analysed < 4
        assert rows("SELECT count(*) FROM analyses") == [done.analysed]
        assert done.left == 4 - done.analysed
        assert update().analysed == done.left

    def test_during_the_scan_leaves_all(self, update: UpdateIt):
        done = update(stop=lambda: True)

        assert (done.stopped, done.analysed) == (True, 0)


class TestAnotherModel:
    def test_with_the_same_network_opens_no_photo(
        self,
        photos: Path,
        update: UpdateIt,
        write_tiny_model,
        tiny_fields,
        tmp_path: Path,
        rows: Rows,
        library: Library,
        opened_photos: Callable[[], list[Path]],
    ):
        update()
        assert len(opened_photos()) >= 4
        (point,) = tiny_fields["operating_points"]
        other = write_tiny_model(tmp_path / "other", operating_points=[{**point, "bias": [1.0] * 6}])
        shutil.rmtree(photos / "in")

        done = update(model=other.path)

        assert (done.adopted, done.read, done.analysed) == (4, 0, 0)
        assert opened_photos() == []
        assert rows("SELECT digest FROM models WHERE id = ?", library.model_row) == [other.digest]
        for path, packed in rows("SELECT path, codes FROM analyses JOIN photos USING (content) WHERE model = ?", 2):
            if (photos / path).exists():
                exact = [one.score for one in Tagger.load(other).tag(photos / path).scores]
                assert np.abs(unpack_scores([packed])[0] - np.float32(exact)).max() <= 0.02

    def test_with_another_network_reads_all_again_and_says_so(
        self, update: UpdateIt, two_sizes, caplog: pytest.LogCaptureFixture, rows: Rows
    ):
        update()
        caplog.set_level("INFO")

        done = update(model=two_sizes.path, profile="thorough")

        assert (done.adopted, done.analysed) == (0, 4)
        assert "so 4 photos are read again" in caplog.text

    def test_is_kept_for_the_next_update(self, update: UpdateIt, library: Library, two_sizes):
        update(model=two_sizes.path)

        library.update()

        assert library.setting("model") == str(two_sizes.path)
        assert library.status().model[0] == two_sizes.id

    def test_that_is_gone_is_an_error_that_says_what_to_do(self, library: Library, write_tiny_model, tmp_path: Path):
        folder = write_tiny_model(tmp_path / "soon-gone").path
        library.update(model=folder)
        shutil.rmtree(folder)

        with pytest.raises(LibraryError, match="Name another one with --model"):
            library.update()
        with pytest.raises(UnknownModelError):
            library.update(model="nothing-like-this")

    def test_is_forgotten_by_prune(self, update: UpdateIt, two_sizes, tiny_model: Path, rows: Rows):
        update(model=two_sizes.path)
        update(model=tiny_model, prune=True)

        assert rows("SELECT count(*) FROM models") == [1]
        assert rows("SELECT count(DISTINCT model) FROM analyses") == [1]
        assert rows("SELECT count(DISTINCT model) FROM shown") == [1]


@pytest.fixture
def contents_of_photos(photos: Path) -> Iterator[dict[Path, tuple[bytes, int, int]]]:
    """What the photos are, before and after the test."""

    def look() -> dict[Path, tuple[bytes, int, int]]:
        files = [path for path in photos.rglob("*") if path.is_file()]
        return {path: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode) for path in files}

    before = look()
    yield before
    assert look() == before


def test_no_photo_is_changed(contents_of_photos, library: Library, photos: Path, update: UpdateIt):
    assert update().analysed == 4
    update(prune=True, retry=True)
    library.relocate(photos, photos)
    library.remove(photos)
