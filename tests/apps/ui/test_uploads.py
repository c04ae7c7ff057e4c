"""Photos by the dozen, dropped on the page in a real browser: how they come in, and who sees them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[3] / "examples" / "photos"
Come = Callable[..., Any]
TOLD = """() => {
    window.told = new Set();
    new MutationObserver(() => {
        document.querySelectorAll("[data-testid=stProgress]").forEach((bar) => window.told.add(bar.textContent.trim()));
    }).observe(document.body, { childList: true, subtree: true, characterData: true });
}"""
"""Note what the bar says, also what it says for a moment only."""


@pytest.fixture(scope="module")
def photos() -> Callable[[int], list[tuple[str, bytes]]]:
    """photos(60): so many different ones, each with its name: crops of the examples."""
    examples = [Image.open(file).convert("RGB") for file in sorted(EXAMPLES.glob("*.jpg"))]

    def make(count: int) -> list[tuple[str, bytes]]:
        made = []
        for number in range(count):
            image, edge = examples[number % len(examples)], number // len(examples)
            content = io.BytesIO()
            image.crop((edge, edge, image.width, image.height)).resize((320, 240)).save(content, "JPEG")
            made.append((f"{number:03}.jpg", content.getvalue()))
        return made

    return make


def wait_for_all(someone: Any, count: int) -> None:
    what = "Tags" if count == 1 else f"{count} photos' tags"
    someone.page.get_by_role("button", name=f"{what} as JSON").wait_for()
    someone.settle()


def test_sixty_photos_come_in_under_a_bar_with_their_rate_and_the_first_good_one_is_open(visitor: Come, photos):
    someone = visitor()
    someone.page.evaluate(TOLD)

    someone.drop(*photos(60))
    wait_for_all(someone, 60)

    assert someone.page.get_by_test_id("thumb").count() == 60
    assert someone.page.locator('[data-testid=thumb][aria-pressed="true"]').inner_text() == "000.jpg"
    told = someone.page.evaluate("[...window.told]")
    assert any(" of 60 photos, " in line and line.endswith(" a second") for line in told), told
    assert someone.page.get_by_test_id("stProgress").count() == 0


def test_arrow_keys_change_the_photo_and_a_reload_keeps_all_but_a_copied_link_shows_nobody_elses(visitor: Come, photos):
    someone = visitor()
    someone.upload(*photos(3), photos=3)

    someone.page.keyboard.press("ArrowRight")
    someone.page.get_by_role("button", name="001.jpg", pressed=True).wait_for()
    someone.settle()
    tags = someone.tags
    someone.page.reload()
    someone.page.get_by_role("button", name="001.jpg", pressed=True).wait_for()
    someone.settle()
    assert someone.page.get_by_test_id("thumb").all_inner_texts() == ["000.jpg", "001.jpg", "002.jpg"]
    assert someone.tags == tags

    link = someone.page.url.removeprefix(someone.server.url)
    assert "visit=" in link
    other = visitor(link, phone=True)  # another browser: it has a cookie of its own
    assert other.page.get_by_text("What is in your photos?").is_visible()
    assert other.page.get_by_role("button", name="001.jpg").count() == 0
