"""Each view at desktop and phone width, light and dark: nothing is cut off, and a picture of it is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

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


def test_on_a_phone_the_photo_stays_in_sight_while_the_tags_scroll(visitor: Callable[..., Any]):
    someone = visitor("/?photo=temple", phone=True)

    someone.page.get_by_test_id("tag").nth(5).scroll_into_view_if_needed()
    someone.pick("tree")
    someone.screenshot("phone_scrolled")

    box = someone.page.get_by_test_id("heat").bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] < 844
