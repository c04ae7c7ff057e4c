"""Each view at desktop and phone width, light and dark, wherever it is scrolled to, and for those who use no mouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[3] / "examples" / "photos"
VIEWS = {
    "welcome": "/", "tag": "/?photo=dogs", "compare": "/compare?photo=temple", "models": "/models",
    "your_tags": "/your-tags", "reports": "/reports", "no_library": "/library",
}  # fmt: skip


@pytest.mark.parametrize(("phone", "dark"), [(False, True), (True, False)])
def test_every_view_fits_the_screen(visitor: Callable[..., Any], phone: bool, dark: bool):
    someone = visitor(phone=phone, dark=dark)
    for name in VIEWS:
        open_view(someone, name)
        someone.screenshot(f"{kind(phone, dark)}_{name}")

        too_wide = someone.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        background = someone.page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
        assert too_wide <= 0, name
        assert (background == "rgb(17, 23, 26)") == dark


@pytest.mark.long
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("name", VIEWS)
def test_wherever_a_view_is_scrolled_to_nothing_lies_over_anything(
    visitor: Callable[..., Any], name: str, phone: bool, dark: bool
):
    someone = visitor(phone=phone, dark=dark)
    open_view(someone, name)

    for part in parts_of_the_view(someone):
        assert someone.faults(f"{kind(phone, dark)}_{name}{part}") == [], part


@pytest.mark.long
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("name", VIEWS)
def test_axe_finds_nothing_serious(visitor: Callable[..., Any], name: str, phone: bool, dark: bool):
    someone = visitor(phone=phone, dark=dark)
    open_view(someone, name)

    for part in parts_of_the_view(someone):
        assert someone.barriers() == [], part


def kind(phone: bool, dark: bool) -> str:
    return f"{'phone' if phone else 'desktop'}_{'dark' if dark else 'light'}"


def open_view(someone: Any, name: str) -> None:
    someone.goto(VIEWS[name])
    if name != "welcome":
        someone.page.get_by_test_id("heat" if "photo" in VIEWS[name] else "stHeading").first.wait_for()
    someone.settle()


def parts_of_the_view(someone: Any) -> Iterator[str]:
    """The view as it opens, then each of its other tabs."""
    yield ""
    for number in range(1, someone.page.get_by_role("tab").count()):
        someone.page.get_by_role("tab").nth(number).click()
        someone.settle()
        yield f"_{number}"


def test_on_a_phone_a_search_fits_the_screen(visitor: Callable[..., Any]):
    someone = visitor(phone=True, dark=True)
    someone.upload(EXAMPLES / "cat.jpg", EXAMPLES / "dogs.jpg", photos=2)

    box = someone.page.get_by_role("textbox", name="Find among these photos")
    someone.screenshot("phone_before_find")
    box.fill("puppies")
    box.press("Enter")
    someone.settle()
    someone.screenshot("phone_find")

    assert box.bounding_box()["width"] > 200
    assert someone.page.get_by_test_id("thumb").all_inner_texts() == ["dogs.jpg", "cat.jpg"]
    assert someone.page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_on_a_phone_the_photo_stays_in_sight_while_the_tags_scroll(visitor: Callable[..., Any]):
    someone = visitor("/?photo=temple", phone=True)

    someone.page.get_by_test_id("tag").nth(5).scroll_into_view_if_needed()
    someone.pick("house")
    someone.screenshot("phone_scrolled")

    box = someone.page.get_by_test_id("heat").bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] < 844
