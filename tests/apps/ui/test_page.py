"""What a visitor does with photos on the page, in a real browser."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image, ImageChops

from vectortag.apps.cli.app import run
from vectortag.inference.tagger import Tagger
from vectortag.model.registry import find_model_folder
from vectortag.model.words import text_model

TAGS = len(find_model_folder().manifest.tags)
EXAMPLES = Path(__file__).parents[3] / "examples" / "photos"
Come = Callable[..., Any]


def differ(one: Image.Image, other: Image.Image) -> bool:
    """Whether two pictures of the screen show different things, beyond what drawing them anew may change."""
    assert one.size == other.size
    return float(np.asarray(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean()) > 1


def query(someone: Any) -> dict[str, list[str]]:
    return parse_qs(urlsplit(someone.page.url).query)


class TestOnePhoto:
    def test_an_example_is_one_click_away_and_shows_its_tags_and_where_they_are(self, visitor: Come):
        someone = visitor()
        someone.screenshot("welcome")

        someone.example("cat")

        assert "cat" in someone.found
        assert someone.chosen == someone.found[0]
        assert np.asarray(someone.picture()).std() > 10
        someone.screenshot("tag")

    @pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
    def test_an_uploaded_photo_gets_the_tags_of_the_command_line(self, visitor: Come, tmp_path: Path, form, capsys):
        photo = tmp_path / f"meadow.{form.lower()}"
        with Image.open(EXAMPLES / "dandelion.jpg") as image:
            image.save(photo)
        someone = visitor()

        someone.upload(photo)

        run(["tag", str(photo), "--format", "jsonl"])
        told = json.loads(capsys.readouterr().out)
        assert someone.found == [scored["tag"] for scored in told["tags"]]
        assert json.loads(someone.download("Tags as JSON")) == {**told, "path": photo.name}

    def test_a_click_on_a_tag_changes_the_heat_map_and_no_network_runs(self, visitor: Come):
        someone = visitor("/?photo=temple")
        before, passes = someone.picture(), someone.server.passes

        someone.pick("house")

        assert someone.chosen == "house"
        assert differ(someone.picture(), before)
        assert query(someone)["tag"] == ["house"]
        assert someone.server.passes == passes > 0

    def test_the_next_heat_map_is_there_before_the_server_has_answered(self, visitor: Come):
        someone = visitor("/?photo=temple")
        before = someone.picture()

        os.kill(someone.server.process, signal.SIGSTOP)
        try:
            someone.page.get_by_test_id("tag").filter(has_text="house").click()
            assert differ(someone.picture(), before)
        finally:
            os.kill(someone.server.process, signal.SIGCONT)

        someone.settle()
        assert someone.chosen == "house"

    def test_opacity_and_layout_change_the_picture_and_no_network_runs(self, visitor: Come):
        someone = visitor("/?photo=temple")
        before, passes = someone.picture(), someone.server.passes

        someone.page.get_by_role("slider", name="Opacity").press("Home")
        someone.settle()
        plain = someone.picture()
        assert differ(plain, before)
        with Image.open(EXAMPLES / "temple.jpg") as photo:
            bare = np.asarray(photo.resize(plain.size), int)
        assert np.abs(bare - np.asarray(plain.convert("RGB"), int)).mean() < 6

        someone.page.get_by_role("slider", name="Opacity").press("End")
        someone.page.get_by_text("Side by side").click()
        someone.settle()
        someone.screenshot("side_by_side")
        assert someone.picture().width < before.width
        assert someone.page.locator("figure.plain").is_visible()
        assert someone.server.passes == passes

    def test_profiles_and_a_threshold_of_ones_own_decide_what_is_found_and_no_network_runs(self, visitor: Come):
        someone = visitor("/?photo=stream")
        balanced, passes = someone.found, someone.server.passes

        someone.page.get_by_text("Thorough", exact=True).click()
        someone.settle()
        assert set(balanced) < set(someone.found)

        someone.page.get_by_text("My threshold").click()
        someone.settle()
        slider = someone.page.get_by_role("slider", name="Threshold")
        at_half = someone.found
        slider.press("Home")
        someone.settle()
        assert len(someone.found) == TAGS
        slider.press("End")
        someone.settle()
        assert someone.found == []
        scores = Tagger.load(additions=False).tag(EXAMPLES / "stream.jpg").scores
        assert set(at_half) == {one.tag for one in scores if one.score >= 0.5}
        assert query(someone)["threshold"] == ["1"]
        assert someone.server.passes == passes

    def test_a_search_finds_tags_by_part_of_their_name_and_by_a_synonym(self, visitor: Come):
        someone = visitor("/?photo=dogs")
        search = someone.page.get_by_placeholder(f"Search all {TAGS} tags")

        search.fill("bear")
        search.press("Enter")
        someone.settle()
        assert {"bear", "polar bear"} <= set(someone.tags)
        assert all("bear" in tag for tag in someone.tags)

        search.fill("puppy")
        search.press("Enter")
        someone.settle()
        assert someone.tags == ["dog"]

        search.fill("nothing like it")
        search.press("Enter")
        someone.settle()
        assert someone.page.get_by_text("No tag of this model is called").is_visible()

    def test_a_link_opens_the_same_view(self, visitor: Come):
        someone = visitor("/?photo=temple")
        someone.page.get_by_role("combobox", name="Model").click()
        someone.page.get_by_role("option", name="resnet18").click()
        someone.settle()
        someone.page.get_by_text("My threshold").click()
        someone.settle()
        someone.page.get_by_role("slider", name="Threshold").press("ArrowLeft")
        someone.settle()
        someone.pick("tree")
        link = query(someone)
        assert link["profile"] == ["My threshold"]
        assert [link[name] for name in ("photo", "model", "tag", "threshold")] == [
            ["temple"],
            ["resnet18"],
            ["tree"],
            ["0.49"],
        ]

        other = visitor(someone.page.url.removeprefix(someone.server.url))

        assert other.tags == someone.tags
        assert other.found == someone.found
        assert other.chosen == "tree"
        assert query(other) == link
        assert not differ(other.picture(), someone.picture())

    def test_what_is_downloaded_is_what_is_shown(self, visitor: Come):
        someone = visitor("/?photo=dogs&tag=dog")

        heatmap = Image.open(io.BytesIO(someone.download("Heat map")))
        rows = list(csv.DictReader(io.StringIO(someone.download("Tags as CSV").decode())))

        assert heatmap.format == "PNG"
        with Image.open(EXAMPLES / "dogs.jpg") as photo:
            assert heatmap.size == photo.size
        shown = someone.picture().convert("RGB")
        assert np.abs(np.asarray(heatmap.resize(shown.size), int) - np.asarray(shown, int)).mean() < 6
        assert [row["tag"] for row in rows] == someone.found
        assert {row["path"] for row in rows} == {"dogs.jpg"}


class TestManyPhotos:
    def test_twenty_photos_at_once(self, visitor: Come, data_set: Path):
        someone = visitor()
        passes = someone.server.passes

        someone.upload(*sorted(data_set.glob("*.jpg"))[:20], photos=20)

        assert someone.page.get_by_test_id("thumb").count() == 20
        assert someone.server.passes == passes + 20 + 1  # and one more for the fine maps of the photo that is open
        before = someone.picture()
        someone.page.get_by_test_id("thumb").last.click()
        someone.settle()
        someone.screenshot("twenty_photos")
        assert someone.server.passes == passes + 20 + 2
        assert someone.picture().size != before.size or differ(someone.picture(), before)
        lines = someone.download("20 photos' tags as JSON").decode().splitlines()
        assert len({json.loads(line)["path"] for line in lines}) == 20

    def test_broken_and_huge_files_are_told_and_the_others_go_on(self, visitor: Come):
        huge = io.BytesIO()
        Image.new("1", (20_000, 20_000)).save(huge, "PNG")
        someone = visitor()

        contents = {
            "notes.jpg": b"no photo at all",
            "half.jpg": (EXAMPLES / "cat.jpg").read_bytes()[:5000],
            "huge.png": huge.getvalue(),
            "IMG_1.HEIC": b"\0\0\0\x18ftypheic" + bytes(100),
            "IMG_2.CR3": b"\0\0\0\x18ftypcrx " + bytes(100),
            "IMG_3.MOV": b"\0\0\0\x14ftypqt  " + bytes(100),
            "flower.jpg": (EXAMPLES / "flower.jpg").read_bytes(),
        }
        someone.upload(*contents.items())

        told = " ".join(someone.page.get_by_role("alert").all_inner_texts())
        assert "notes.jpg: not a photo in a known format" in told
        assert "half.jpg: broken photo" in told
        assert "huge.png: 20000 x 20000 pixels are more than the limit" in told
        for name in ("IMG_1.HEIC", "IMG_2.CR3", "IMG_3.MOV"):  # what browsers do not know as pictures is named, too
            assert f"{name}: " in told
        assert "flower" in someone.found
        someone.screenshot("broken_files")

    def test_a_photo_that_was_there_already_is_not_taken_twice(self, visitor: Come):
        someone = visitor("/?photo=cat")

        someone.page.get_by_text("Add photos").click()
        someone.upload(EXAMPLES / "cat.jpg", EXAMPLES / "bird.jpg", photos=2)

        assert someone.page.get_by_test_id("thumb").count() == 2

    def test_two_visitors_do_not_see_each_others_photos(self, visitor: Come):
        one, other = visitor(), visitor()

        one.upload(EXAMPLES / "cat.jpg")
        other.upload(EXAMPLES / "flower.jpg", EXAMPLES / "temple.jpg", photos=2)
        one.page.get_by_text("Thorough", exact=True).click()
        one.settle()

        assert "cat" in one.found
        assert "flower" in other.found
        assert one.page.get_by_test_id("thumb").count() == 0  # a single photo needs no strip
        assert other.page.get_by_test_id("thumb").count() == 2
        assert visitor().page.get_by_text("What is in your photos?").is_visible()

    def test_clear_forgets_all_photos(self, visitor: Come):
        someone = visitor("/?photo=cat")

        someone.page.get_by_role("button", name="Clear").click()
        someone.settle()

        assert someone.page.get_by_text("What is in your photos?").is_visible()
        assert "photo" not in query(someone)


class TestFinding:
    PHOTOS = ("mountain", "cat", "coffee", "dogs", "temple")

    @pytest.fixture
    def someone(self, visitor: Come) -> Any:
        """Someone with five photos."""
        came = visitor()
        came.upload(*(EXAMPLES / f"{name}.jpg" for name in self.PHOTOS), photos=5)
        return came

    @staticmethod
    def names(someone: Any) -> list[str]:
        return someone.page.get_by_test_id("thumb").all_inner_texts()

    @staticmethod
    def find(someone: Any, text: str) -> None:
        box = someone.page.get_by_role("textbox", name="Find among these photos")
        box.fill(text)
        box.press("Enter")
        someone.settle()

    @staticmethod
    def only(someone: Any, label: str, tag: str) -> None:
        """Choose a tag that photos must have or not have."""
        choice = someone.page.get_by_role("combobox", name=label, exact=True)
        if not choice.is_visible():
            someone.page.get_by_role("button", name="By tags").click()
        choice.fill(tag)
        someone.page.get_by_role("option", name=tag, exact=True).click()
        someone.page.keyboard.press("Escape")
        someone.settle()

    def test_a_word_puts_the_photo_that_shows_it_first_and_opens_it_and_no_network_runs(self, someone: Any):
        passes = someone.server.passes

        self.find(someone, "cats")

        assert self.names(someone)[0] == "cat.jpg"
        assert sorted(self.names(someone)) == sorted(f"{name}.jpg" for name in self.PHOTOS)
        assert someone.page.get_by_role("button", name="cat.jpg").get_attribute("aria-pressed") == "true"
        assert "cat" in someone.found
        assert someone.page.get_by_text("All 5 photos, best match first: cats").is_visible()
        assert someone.server.passes == passes + 1  # the fine heat maps of the photo that is open now
        someone.screenshot("find")

    def test_a_search_that_is_taken_back_leaves_the_photos_in_their_order(self, someone: Any):
        self.find(someone, "cats")

        self.find(someone, "")

        assert self.names(someone) == [f"{name}.jpg" for name in self.PHOTOS]

    def test_a_sentence_ranks_as_the_command_line_does(self, someone: Any, need: Callable[..., None], tmp_path, capsys):
        need(importlib.util.find_spec(text_model.PACKAGE), text_model.PACKAGE)
        for name in self.PHOTOS:
            (tmp_path / f"{name}.jpg").write_bytes((EXAMPLES / f"{name}.jpg").read_bytes())

        self.find(someone, "a hot drink on a table")

        run(["find", "a hot drink on a table", str(tmp_path), "--format", "jsonl"])
        told = [Path(json.loads(line)["path"]).name for line in capsys.readouterr().out.splitlines()]
        assert self.names(someone) == told
        assert told[0] == "coffee.jpg"
        someone.screenshot("find_sentence")

    def test_photos_with_and_without_tags(self, someone: Any):
        self.only(someone, "Only photos with", "animal")
        assert self.names(someone) == ["cat.jpg", "dogs.jpg"]
        assert someone.page.get_by_text("2 of 5 photos with animal.").is_visible()

        self.find(someone, "dogs")
        assert self.names(someone) == ["dogs.jpg", "cat.jpg"]

        self.only(someone, "Only photos without", "dog")
        assert self.names(someone) == ["cat.jpg"]
        someone.screenshot("find_by_tags")

        self.only(someone, "Only photos without", "cat")
        assert self.names(someone) == []
        assert someone.page.get_by_text("0 of 5 photos with animal, without dog or cat.").is_visible()
        someone.screenshot("find_nothing")

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("?!", "only English words can be read"),
            ("собака", "only English words can be read"),
            ("cat " * 200, "the text is too long"),
        ],
    )
    def test_what_cannot_be_read_is_told_and_all_photos_stay(self, someone: Any, text: str, told: str):
        self.find(someone, text)

        assert told in someone.page.get_by_role("alert").inner_text()
        assert self.names(someone) == [f"{name}.jpg" for name in self.PHOTOS]

    def test_nonsense_is_told_beside_the_order_that_it_gives(self, someone: Any, need: Callable[..., None]):
        need(importlib.util.find_spec(text_model.PACKAGE), text_model.PACKAGE)

        self.find(someone, "asdfgh")

        assert "this order may mean nothing" in someone.page.get_by_role("alert").inner_text()
        assert len(self.names(someone)) == 5
        someone.screenshot("find_nonsense")

    def test_a_model_without_words_says_which_ones_have_them(self, someone: Any):
        self.only(someone, "Only photos with", "animal")
        self.only(someone, "Only photos without", "violin")  # a tag that the other model does not have
        self.find(someone, "cats")

        someone.page.get_by_role("combobox", name="Model").click()
        someone.page.get_by_role("option", name="wordless").click()
        someone.settle()

        told = someone.page.get_by_role("alert").inner_text()
        assert 'model "wordless" knows no words. Teach it: vectortag learn-words wordless' in told
        assert "Or choose a model that knows words: lite2, mine, lite0, resnet18" in told
        someone.page.get_by_test_id("thumb").nth(1).wait_for()  # the strip is drawn anew for another model
        assert self.names(someone) == ["cat.jpg", "dogs.jpg"]
        someone.screenshot("find_no_words")

    def test_nothing_of_the_photos_is_kept_by_a_search(self, someone: Any):
        before = {file for file in someone.server.home.rglob("*") if "compiled" not in file.parts}

        self.find(someone, "a temple among trees")

        assert {file for file in someone.server.home.rglob("*") if "compiled" not in file.parts} == before


def test_no_photo_stays_in_the_data_folder(visitor: Come):
    someone = visitor()

    someone.upload(EXAMPLES / "mountain.jpg")

    content = (EXAMPLES / "mountain.jpg").read_bytes()
    assert content not in [file.read_bytes() for file in someone.server.home.rglob("*") if file.is_file()]
