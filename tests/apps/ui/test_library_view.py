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
SERVE = """
from vectortag.apps.ui.library import page_query
page_query.ON_A_PAGE = 3
from vectortag.apps.entry import main
main()
"""
"""`vectortag`, with three photos on a page of the library."""

ASKED_FOR = "performance.getEntriesByType('resource').filter((one) => one.name.includes('/library-thumbnails/'))"


@pytest.fixture(scope="module")
def library_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the library's photos."""
    return tmp_path_factory.mktemp("library") / "photos"


@pytest.fixture(scope="module")
def address(
    library_photos: Path,
    running: Callable[..., Any],
    free_port: Callable[[], int],
    programs: None,
) -> Iterator[str]:
    """The page with a library of five photos, two of them the same, which visitors may edit."""
    folder, port = library_photos.parent, free_port()
    environment = {**os.environ, "VECTORTAG_HOME": str(folder / "home")}
    library_photos.mkdir()
    for name in ("cat", "dogs", "temple", "flower"):
        shutil.copy(EXAMPLES / f"{name}.jpg", library_photos)
    shutil.copy(EXAMPLES / "flower.jpg", library_photos / "flower copy.jpg")
    subprocess.run([sys.executable, "-c", UPDATE, library_photos], check=True, env=environment)
    with running([sys.executable, "-c", SERVE, "ui", "--edit", "--port", port], port, environment):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def come(address: str, context_for: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """come("?part=Teach", phone=True): a tab with the library open in it."""
    tabs = []

    def open_tab(path: str = "", *, phone: bool = False, dark: bool = False) -> Any:
        tab = context_for(phone, dark, "en-US").new_page()
        tabs.append(tab)
        tab.goto(f"{address}/library{path}")
        return tab

    yield open_tab
    for tab in tabs:
        tab.close()


@pytest.fixture
def page(come: Callable[..., Any]) -> Any:
    """A tab with the first photos of the library."""
    tab = come()
    tab.get_by_test_id("library-photo").nth(2).wait_for()
    return tab


def search(page: Any, text: str) -> None:
    box = page.get_by_role("combobox", name="Search the library")
    box.fill(text)
    box.press("Enter")


def heading(page: Any, text: str) -> None:
    """Wait until the grid says this of what was found."""
    page.locator(".st-key-library-bar").get_by_text(text).first.wait_for()


def test_a_search_finds_photos_and_its_errors_are_shown_with_their_place(page: Any):
    search(page, "animal and (")
    page.get_by_text("The search cannot be read").wait_for()

    search(page, "animal not dog")
    heading(page, "1 photo, ")
    photos = page.get_by_test_id("library-photo")
    photos.filter(has_text="dogs.jpg").wait_for(state="detached")
    photos.filter(has_text="cat.jpg").wait_for()  # the grid follows the count
    assert photos.all_inner_texts() == ["cat.jpg"]
    assert "q=animal+not+dog" in page.url


def test_a_suggestion_is_chosen_by_keyboard_and_completes_what_was_typed(page: Any):
    box = page.get_by_role("combobox", name="Search the library")
    box.press_sequentially("not ani")
    page.get_by_role("option", name="animal").first.wait_for()

    box.press("ArrowDown")
    box.press("Enter")

    assert box.input_value() == "not animal "
    box.press("Enter")
    page.wait_for_url("**q=not+animal*")


def test_thumbnails_are_pictures(page: Any):
    page.wait_for_function(f"() => {ASKED_FOR}.length >= 3")

    kinds = page.evaluate(
        f"() => Promise.all({ASKED_FOR}.map(async (one) => (await fetch(one.name)).headers.get('content-type')))"
    )

    assert set(kinds) == {"image/jpeg"}


def test_a_photo_shows_its_tags_and_a_thumb_is_kept_and_taken_back(page: Any):
    search(page, "file:dogs")
    heading(page, "1 photo, ")  # a click before that would meet the photos of the search before
    page.get_by_role("button", name="Open dogs.jpg").click()
    page.get_by_test_id("heat").wait_for()
    assert "photo=" in page.url
    assert page.get_by_text("Tagged by: ").is_visible()

    down = page.get_by_role("button", name='"dog" is wrong')
    down.click()
    page.locator('.no[aria-pressed="true"]').wait_for()
    page.reload()
    page.locator('.no[aria-pressed="true"]').wait_for()
    assert "dog" not in page.locator(".row.found .name").all_inner_texts()

    down.click()
    page.locator(".row.found .name", has_text="dog").wait_for()


def test_arrow_keys_go_through_all_that_was_found_and_back_leads_to_its_page(page: Any):
    page.get_by_test_id("library-photo").nth(2).click()
    page.get_by_text("3 of 5").wait_for()
    page.get_by_test_id("heat").wait_for()

    page.keyboard.press("ArrowRight")
    page.get_by_text("4 of 5").wait_for()
    page.reload()
    page.get_by_text("4 of 5").wait_for()

    page.get_by_role("button", name="All photos found").click()
    page.get_by_text("page 2 of 2").first.wait_for()


def test_ticks_survive_the_turning_of_pages_and_a_new_word_is_added_to_all_and_undone(page: Any):
    page.get_by_role("checkbox", name="Select ").nth(0).click()
    page.get_by_role("checkbox", name="Select ").nth(1).click(modifiers=["Shift"])
    page.get_by_role("button", name="Next page").first.click()
    page.get_by_test_id("library-photo").nth(2).wait_for(state="detached")
    page.get_by_role("checkbox", name="Select ").first.click()
    heading(page, "3 photos ticked")

    page.get_by_role("combobox", name="Tag", exact=True).fill("Aunt Anna")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Add", exact=True).click()
    undo = page.get_by_role("button", name="Undo: Aunt Anna added to 3 photos")
    undo.wait_for()
    search(page, 'tag:"Aunt Anna"')
    heading(page, "4 photos, ")  # the copy of the ticked flower is the same photo

    undo.click()
    page.get_by_text('"Aunt Anna" is no tag').wait_for()


def test_all_of_a_search_are_ticked_and_a_tag_is_removed_and_put_back(page: Any):
    search(page, "tag:flower")
    heading(page, "2 photos, ")
    page.get_by_role("button", name="Tick all 2 found").click()
    page.get_by_role("combobox", name="Tag", exact=True).fill("flower")
    page.get_by_role("option", name="flower", exact=True).click()

    page.get_by_role("button", name="Remove", exact=True).click()
    heading(page, "0 photos, ")
    page.get_by_role("button", name="Write or export").click()
    page.get_by_role("button", name="Table (CSV)").click()
    page.get_by_text("Table (CSV): 2 photos ticked, done").wait_for()  # they are ticked still, though not found
    page.get_by_text("2 photos.", exact=True).wait_for()
    page.get_by_role("button", name="Undo: flower removed").click()

    page.get_by_role("button", name="Open flower.jpg").wait_for()


def test_sidecars_are_shown_before_they_are_written_and_the_job_outlives_a_reload(page: Any, library_photos: Path):
    search(page, "file:cat")
    heading(page, "1 photo, ")
    page.get_by_role("button", name="Write or export").click()
    page.get_by_role("button", name="Write sidecars").click()
    page.get_by_text("Nothing was written yet.").wait_for()
    assert list(library_photos.glob("*.xmp")) == []
    page.get_by_text("The changes").click()
    page.get_by_text("dc:subject").first.wait_for()

    page.reload()
    page.get_by_role("button", name="Write 1 sidecar").click()

    page.get_by_text("Sidecars: 1 made.", exact=True).wait_for()  # the comparison says that and more
    assert [file.name for file in library_photos.glob("*.xmp")] == ["cat.jpg.xmp"]


def test_of_two_copies_one_is_kept_which_is_a_decision_and_deletes_nothing(
    come: Callable[..., Any], library_photos: Path
):
    page = come("?part=Duplicates")
    page.get_by_role("button", name="Look for duplicates").click()
    page.get_by_text("the same file twice").wait_for()

    page.get_by_role("button", name="Keep this one: flower.jpg").click()
    page.get_by_text("Nothing is left to decide.").wait_for()
    page.get_by_text("Decided: 1").click()
    page.get_by_text("flower.jpg is kept of flower copy.jpg, flower.jpg").wait_for()
    assert len(list(library_photos.glob("*.jpg"))) == 5

    page.get_by_role("button", name="Take back").click()
    page.get_by_text("the same file twice").wait_for()


def test_a_tag_is_taught_by_keyboard_and_what_that_brings_is_told(come: Callable[..., Any]):
    page = come("?part=Teach")
    page.get_by_role("combobox", name="Tag", exact=True).fill("toy")
    page.get_by_role("option", name="toy", exact=True).click()
    page.get_by_role("button", name="Begin").click()
    page.get_by_text("1 of 4").wait_for()  # the two copies are one question
    page.locator('[data-round="0"]').wait_for()  # it listens to keys when its buttons are there

    for number, (key, place) in enumerate([("y", 2), ("n", 3), ("b", 2), ("n", 3), ("s", 4)], start=1):
        page.keyboard.press(key)
        page.locator(f'[data-round="{number}"]').wait_for()
        page.get_by_text(f"{place} of 4").wait_for()
    page.keyboard.press("ArrowLeft")

    page.get_by_text("3 photos answered, 1 yes and 2 no").wait_for()
    page.get_by_role("button", name="Another tag").wait_for()


def test_on_a_phone_every_part_fits_the_screen(come: Callable[..., Any], screenshots: Path):
    seen = {"Photos": "newest first", "Duplicates": "VectorTag never deletes", "Teach": "Choose a tag that"}
    for part, there in seen.items():
        page = come(f"?part={part}", phone=True, dark=True)
        page.get_by_text(there).wait_for()
        page.wait_for_function("() => !document.querySelector('[data-testid=stSkeleton]')")
        page.screenshot(path=screenshots / f"library_{part.lower()}_dark.png")
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, part


PARTS = {
    "photos": ("", "newest first"), "error": ("?q=dog+and+(", "The search cannot be read"),
    "photo": ("?photo=1", "Tagged by: "), "duplicates": ("?part=Duplicates", "VectorTag never deletes"),
    "teach": ("?part=Teach", "Choose a tag that"),
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("part", PARTS)
def test_wherever_a_part_is_scrolled_to_nothing_lies_over_anything_and_axe_finds_nothing_serious(
    come: Callable[..., Any], as_visitor: Callable[..., Any], address: str, part: str, phone: bool, dark: bool
):
    path, there = PARTS[part]
    someone = as_visitor(come(path, phone=phone, dark=dark), address)
    someone.page.get_by_text(there).first.wait_for()
    someone.settle()

    kind = f"{'phone' if phone else 'desktop'}_{'dark' if dark else 'light'}"
    assert someone.faults(f"{kind}_library_{part}") == []
    assert someone.barriers() == []
