"""A library of 20,000 photos with made thumbnails, in a real browser."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vectortag.apps.ui.library.page_query import ON_A_PAGE, page_count
from vectortag.apps.ui.library.thumbnails import keep_thumbnail
from vectortag.library.library import Library
from vectortag.library.schema import transaction

COUNT = 20_000
SERVE = "from vectortag.apps.entry import main; main()"
PHOTO = "INSERT INTO photos (root, path, size, mtime_ns, content, taken, added) VALUES (1, ?, 1, 1, ?, ?, 0)"
DECODED = """async (count) => {
    const roots = [...document.querySelectorAll("*")].map((one) => one.shadowRoot).filter(Boolean);
    const pictures = roots.flatMap((root) => [...root.querySelectorAll("[data-testid=library-photo] img")]);
    for (const one of pictures) one.loading = "eager";
    await Promise.all(pictures.map((one) => one.decode()));
    return pictures.length;
}"""


@pytest.fixture(scope="module")
def address(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_model: Path,
    running: Callable[..., Any],
    free_port: Callable[[], int],
    programs: None,
) -> Iterator[str]:
    """The page with the library; the photos themselves were never there."""
    folder, port = tmp_path_factory.mktemp("large"), free_port()
    random = np.random.default_rng(0)
    contents = [random.bytes(16) for _ in range(COUNT)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VECTORTAG_HOME", str(folder / "home"))
        (folder / "photos").mkdir()
        with Library.open(folder / "home/library.sqlite") as library:
            library.add(folder / "photos")
            library.update(model=tiny_model)
            with transaction(library.database):
                rows = ((f"{n:05}.jpg", one, f"2024-01-01T00:{n % 60:02}:00") for n, one in enumerate(contents))
                library.database.executemany(PHOTO, rows)
        for content in contents:
            picture = io.BytesIO()
            Image.new("RGB", (256, 192), tuple(content[:3])).save(picture, "JPEG")
            keep_thumbnail(content, picture.getvalue())
    environment = {**os.environ, "VECTORTAG_HOME": str(folder / "home")}
    with running([sys.executable, "-c", SERVE, "ui", "--edit", "--port", port], port, environment):
        yield f"http://127.0.0.1:{port}"


@pytest.mark.long
def test_every_page_shows_its_thumbnails_and_all_photos_are_tagged_at_once(
    address: str, context_for: Callable[..., Any]
):
    pages = page_count(COUNT)
    tab = context_for(False, False, "en-US").new_page()
    for number in (1, 2, pages // 2, pages):
        tab.goto(f"{address}/library?page={number}")
        tab.get_by_text(f"{number} of {pages}").first.wait_for()
        tab.get_by_test_id("library-photo").first.wait_for()
        assert tab.evaluate(DECODED) == (ON_A_PAGE if number < pages else COUNT - (pages - 1) * ON_A_PAGE)

    tab.get_by_role("button", name="Tick all 20,000 found").click()
    tab.get_by_text("20,000 photos ticked").wait_for()
    tab.get_by_role("combobox", name="Tag", exact=True).fill("Archive")
    tab.keyboard.press("Enter")
    tab.get_by_role("button", name="Add", exact=True).click()
    tab.get_by_role("button", name="Undo: Archive added to 20,000 photos").click()
    tab.get_by_role("button", name="Undo: Archive").wait_for(state="detached")
    tab.close()
