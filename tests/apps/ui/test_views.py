"""Comparing models, teaching them, and looking at data and reports, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageChops

EXAMPLES = Path(__file__).parents[3] / "examples" / "photos"
Come = Callable[..., Any]


def differ(one: Image.Image, other: Image.Image) -> bool:
    difference = ImageChops.difference(one.convert("RGB"), other.convert("RGB").resize(one.size))
    return float(np.asarray(difference).mean()) > 1


class TestModels:
    def test_two_models_side_by_side_on_one_photo_and_tag(self, visitor: Come):
        someone = visitor("/compare?photo=dogs&tag=dog")
        one, other = someone.picture(0), someone.picture(1)

        assert one.size == other.size
        assert differ(one, other)
        assert someone.page.get_by_text("sharpness").count() == 2
        someone.screenshot("compare")
        passes = someone.server.passes

        someone.page.get_by_role("combobox", name="Tag", exact=True).click()
        someone.page.keyboard.type("stairs")
        someone.page.keyboard.press("Enter")
        someone.settle()

        assert differ(someone.picture(0), one)
        assert "tag=stairs" in someone.page.url
        assert someone.server.passes == passes

    def test_a_third_model_that_lacks_the_tag_says_so(self, visitor: Come):
        someone = visitor("/compare?photo=coffee&tag=cup&models=lite0&models=resnet18&models=mine")

        assert someone.page.get_by_text("This model has no tag cup.").is_visible()
        assert someone.page.get_by_test_id("heat").count() == 3

    def test_the_models_with_their_figures_and_cards_and_a_button_to_tag_with_one(self, visitor: Come):
        someone = visitor("/models")
        page = someone.page
        assert page.get_by_role("heading", name="lite0").is_visible()
        assert page.get_by_role("heading", name="mine").is_visible()
        page.get_by_text("Model card").first.click()
        assert page.get_by_text("EfficientNet-Lite2, trained on ImageNet").first.is_visible()
        someone.screenshot("models")

        page.get_by_role("button", name="Tag with it").last.click()  # the shipped ones stand last, by name
        someone.settle()
        someone.example("cat")

        assert "model=resnet18" in page.url
        assert page.get_by_role("combobox", name="Model").input_value() == "resnet18"


class TestTeaching:
    @pytest.fixture
    def added(self, visitor: Come, data_set: Path) -> Iterator[Any]:
        """Someone who has added the tag "tabby" with three photos."""
        someone = visitor("/your-tags")
        page = someone.page
        page.get_by_label("Name").fill("tabby")
        page.get_by_label("Name").press("Enter")
        assert page.get_by_role("button", name="Add the tag").is_disabled()
        someone.drop(*(data_set / f"cat{number}.jpg" for number in range(3)), zone=0)
        page.get_by_text("cat2.jpg").wait_for()
        someone.drop(data_set / "dogs1.jpg", zone=1)
        page.get_by_text("dogs1.jpg").wait_for()
        page.get_by_text("Store thumbnails").click()
        someone.settle()
        someone.screenshot("add_tag")
        page.get_by_role("button", name="Add the tag").click()
        page.get_by_text("tabby: added from 3 photos").wait_for()
        someone.settle()
        yield someone
        someone.goto("/your-tags")
        page.get_by_role("tab", name="Added tags").click()
        page.get_by_role("button", name="Delete", exact=True).click()
        page.get_by_role("button", name="Delete it").click()
        page.get_by_text("tabby: deleted").wait_for()
        assert [file for file in someone.server.home.rglob("*tabby*") if file.is_file()] == []

    def test_a_tag_is_added_from_photos_seen_listed_and_deleted(self, visitor: Come, added: Any):
        added.page.get_by_role("tab", name="Added tags").click()
        assert added.page.get_by_text("From 3 photos that show it and 1 that do not").is_visible()
        pictures = added.page.get_by_test_id("stImage").locator("img:visible")
        pictures.nth(2).wait_for()
        added.screenshot("added_tags")

        someone = visitor("/?photo=cat")

        assert "tabby" in someone.tags
        someone.pick("tabby")
        assert np.asarray(someone.picture()).std() > 10

    def test_a_name_that_is_taken_is_told(self, visitor: Come, data_set: Path):
        someone = visitor("/your-tags")
        someone.page.get_by_label("Name").fill("cat")
        someone.page.get_by_label("Name").press("Enter")
        someone.drop(*(data_set / f"cat{number}.jpg" for number in range(3)))
        someone.page.get_by_text("cat2.jpg").wait_for()
        someone.settle()

        someone.page.get_by_role("button", name="Add the tag").click()

        someone.page.get_by_text('the tag "cat" exists already').wait_for()

    def test_thumbs_are_kept_after_asking_learnt_from_and_taken_back(self, visitor: Come):
        someone = visitor("/?photo=temple")
        page, kept = someone.page, someone.server.home / "corrected"

        someone.thumb("clock", has=False)
        assert page.get_by_text("stores a copy of this photo").is_visible()
        assert not kept.exists() or not list(kept.iterdir())
        someone.screenshot("keep_correction")
        page.get_by_role("button", name="Keep it").click()
        someone.settle()
        assert [file.read_bytes() for file in kept.iterdir()] == [(EXAMPLES / "temple.jpg").read_bytes()]
        assert page.get_by_label('"clock" is wrong').get_attribute("aria-pressed") == "true"

        someone.thumb("house", has=True)  # asked once is enough
        assert page.get_by_label('"house" is right').get_attribute("aria-pressed") == "true"
        someone.thumb("house", has=True)
        assert page.get_by_label('"house" is right').get_attribute("aria-pressed") == "false"

        page.get_by_role("link", name="Your tags").click()
        page.get_by_role("tab", name="Corrections").click()
        page.get_by_role("button", name="Learn from them").click()
        page.get_by_text("clock: 1 of 1 corrected photos are right now").wait_for()
        someone.settle()
        someone.screenshot("corrections")
        passes = someone.server.passes
        page.get_by_role("link", name="Tag", exact=True).click()
        page.get_by_test_id("heat").wait_for()
        someone.settle()
        assert "clock" not in someone.found
        assert someone.server.passes == passes  # what the network saw is still known

        page.get_by_role("link", name="Your tags").click()
        page.get_by_role("tab", name="Corrections").click()
        page.get_by_role("button", name="Undo the learning").click()
        page.get_by_text("as it was before it learned").wait_for()
        page.get_by_role("button", name="Take back").click()
        page.get_by_text("There are no corrections").wait_for()
        assert list(kept.iterdir()) == []


class TestReports:
    def test_the_tags_of_a_data_set(self, visitor: Come):
        someone = visitor("/reports")

        assert someone.page.get_by_text("48 photos, ").is_visible()
        someone.screenshot("data_set")

    def test_the_report_of_a_run(self, visitor: Come):
        someone = visitor("/reports")

        someone.page.get_by_role("tab", name="Training report").click()

        assert someone.page.get_by_role("heading", name="How mine was trained").is_visible()
        assert someone.page.get_by_test_id("stImage").locator("img:visible").count() >= 1
        someone.screenshot("report")

    def test_the_worst_errors_with_heat_maps(self, visitor: Come):
        someone = visitor("/reports?model=lite0")
        someone.page.get_by_role("tab", name="Worst errors").click()

        someone.page.get_by_role("button", name="Find the worst errors").click()

        someone.page.get_by_test_id("heat").nth(2).wait_for()
        someone.settle()
        assert (
            someone.page.get_by_text("not found: score").count()
            + someone.page.get_by_text("not labelled: score").count()
            >= 3
        )
        someone.screenshot("worst_errors")
