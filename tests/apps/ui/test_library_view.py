"""What a visitor does with a photo library on the page, in a real browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[3] / "examples" / "photos"
UPDATE = """
import sys
from vectortag.library.library import Library
with Library.open() as library:
    library.add(sys.argv[1])
    library.update()
"""
SERVE = "import sys; from vectortag.apps.entry import main; main()"

ASKED_FOR = "performance.getEntriesByType('resource').filter((one) => one.name.includes('/library-thumbnails/'))"


@pytest.fixture(scope="module")
def address(
    tmp_path_factory: pytest.TempPathFactory,
    running: Callable[..., Any],
    free_port: Callable[[], int],
    programs: None,
) -> Iterator[str]:
    """The page with the library of four photos in the user's data folder, which visitors may edit."""
    folder, port = tmp_path_factory.mktemp("library"), free_port()
    environment = {**os.environ, "VECTORTAG_HOME": str(folder / "home")}
    (folder / "photos").mkdir()
    for name in ("cat", "dogs", "temple", "flower"):
        shutil.copy(EXAMPLES / f"{name}.jpg", folder / "photos")
    subprocess.run([sys.executable, "-c", UPDATE, folder / "photos"], check=True, env=environment)
    with running([sys.executable, "-c", SERVE, "ui", "--edit", "--port", port], port, environment):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def page(address: str, context_for: Callable[..., Any]) -> Iterator[Any]:
    """A tab with the library open in it."""
    tab = context_for(False, False, "en-US").new_page()
    tab.goto(f"{address}/library")
    tab.get_by_test_id("library-photo").nth(3).wait_for()
    yield tab
    tab.close()


def search(page: Any, text: str) -> None:
    box = page.get_by_role("textbox", name="Search the library")
    box.fill(text)
    box.press("Enter")


def test_a_search_finds_photos_and_its_errors_are_shown_with_their_place(page: Any):
    search(page, "animal and (")
    page.get_by_text("The search cannot be read").wait_for()

    search(page, "animal not dog")
    page.get_by_text("1 photo, ").wait_for()
    photos = page.get_by_test_id("library-photo")
    photos.filter(has_text="dogs.jpg").wait_for(state="detached")
    photos.filter(has_text="cat.jpg").wait_for()  # the grid follows the count
    assert photos.all_inner_texts() == ["cat.jpg"]
    assert "q=animal+not+dog" in page.url


def test_thumbnails_are_pictures(page: Any):
    page.wait_for_function(f"() => {ASKED_FOR}.length === 4")

    kinds = page.evaluate(
        f"() => Promise.all({ASKED_FOR}.map(async (one) => (await fetch(one.name)).headers.get('content-type')))"
    )

    assert kinds == ["image/jpeg"] * 4


def test_a_photo_shows_its_tags_and_a_thumb_is_kept_and_taken_back(page: Any):
    page.get_by_role("button", name="Open dogs.jpg").click()
    page.get_by_test_id("heat").wait_for()
    assert "photo=" in page.url

    down = page.get_by_role("button", name='"dog" is wrong')
    down.click()
    page.locator('.no[aria-pressed="true"]').wait_for()
    page.reload()
    page.locator('.no[aria-pressed="true"]').wait_for()
    assert "dog" not in page.locator(".row.found .name").all_inner_texts()

    down.click()
    page.locator(".row.found .name", has_text="dog").wait_for()


def test_a_tag_is_accepted_for_all_that_are_ticked_and_undone(page: Any):
    page.get_by_role("checkbox", name="Select ").nth(0).click()
    page.get_by_role("checkbox", name="Select ").nth(2).click(modifiers=["Shift"])
    page.get_by_role("combobox", name="Tag", exact=True).fill("toy")
    page.get_by_role("option", name="toy", exact=True).click()
    page.get_by_role("button", name="Accept for 3").click()
    undo = page.get_by_role("button", name="Undo: toy")
    undo.wait_for()

    search(page, "tag:toy")
    page.get_by_text("3 photos, ").wait_for()

    undo.click()
    page.get_by_text("0 photos, ").wait_for()
