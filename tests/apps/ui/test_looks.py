"""Each view at desktop and phone width, light and dark: nothing is cut off, and a picture of it is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[3] / "examples" / "photos"
VIEWS = {
    "tag": "/?photo=dogs", "compare": "/compare?photo=temple", "models": "/models", "your_tags": "/your-tags",
    "reports": "/reports",
}  # fmt: skip


@pytest.mark.parametrize(("phone", "dark"), [(False, True), (True, False), (True, True)])
def test_every_view_fits_the_screen(visitor: Callable[..., Any], phone: bool, dark: bool):
    someone = visitor(phone=phone, dark=dark)
    kind = f"{'phone' if phone else 'desktop'}_{'dark' if dark else 'light'}"
    someone.screenshot(f"{kind}_welcome")
    for name, path in VIEWS.items():
        someone.goto(path)
        someone.page.get_by_test_id("heat" if "photo" in path else "stHeading").first.wait_for()
        someone.settle()
        someone.screenshot(f"{kind}_{name}")

        too_wide = someone.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        background = someone.page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
        assert too_wide <= 0, name
        assert (background == "rgb(17, 23, 26)") == dark


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
