"""examples/onnx/browser tags photos in Chromium, with onnxruntime-web, as the Tagger does."""

from __future__ import annotations

import base64
import functools
import http.server
import importlib.util
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from vectortag.inference.tagger import Tagger

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/onnx/browser"
LANDSCAPE, PORTRAIT = ROOT / "examples/photos/clock.jpg", ROOT / "examples/photos/dogs.jpg"
RUNTIME = EXAMPLE / "node_modules/onnxruntime-web/dist"
TIMEOUT = 120_000  # milliseconds: for a machine that does much else
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]

HELPERS = """
    const bytesOf = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    const textOf = (array) =>
        btoa(Array.from(new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
            (one) => String.fromCharCode(one)).join(""));
"""
"""Arrays cross from here to the page and back as texts: as lists of numbers they take seconds."""
SCORES = """async (pixels) => {
    const { scores, maps, cells } = await model.run(bytesOf(pixels));
    return { scores: textOf(scores), maps: textOf(maps), cells };
}"""
RESIZED = """async ([rgba, width, height, filter]) => {
    const { resize } = await import("./tagger.js");
    return textOf(resize(bytesOf(rgba), width, height, 56, filter));
}"""
LOADED = """async (content) => textOf(await model.load(new Blob([bytesOf(content)], { type: "image/jpeg" })))"""
OPACITIES = """() => {
    const canvas = document.querySelector("canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return [...data].filter((_, i) => i % 4 === 3);
}"""


@pytest.fixture(scope="module", autouse=True)
def _programs() -> None:
    """Skip all of this where something is missing; in CI nothing may be, so fail there."""
    missing = [] if importlib.util.find_spec("playwright") else ["playwright"]
    missing += [] if shutil.which("chromium") else ["chromium"]
    missing += [] if RUNTIME.is_dir() else ["onnxruntime-web (cd examples/onnx/browser; npm install)"]
    if missing:
        stop = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        stop(f"not installed: {', '.join(missing)}")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def address(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The example on a port of this machine alone, with a model beside it."""
    folder = tmp_path_factory.mktemp("site")
    for file in EXAMPLE.iterdir():
        (folder / file.name).symlink_to(file)
    (folder / "model.onnx").symlink_to(exported)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """The addresses that the page has asked for."""
    return []


@pytest.fixture(scope="module")
def page(address: str, asked: list[str]) -> Iterator[Page]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(TIMEOUT)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: asked.append(f"error: {error}"))
        page.goto(address)
        page.locator("input:enabled").wait_for()
        page.add_script_tag(content=HELPERS)
        yield page
        browser.close()


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger.load("lite0", precision="exact", additions=False)


def text(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()


def array(text: str, kind: type[np.generic]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def test_scores_and_heat_maps_of_the_same_pixels_are_the_taggers(page: Page, tagger: Tagger):
    for photo in (LANDSCAPE, PORTRAIT):
        analysis = tagger.analyse(photo)

        found = page.evaluate(SCORES, text(tagger.embedder.pixels(photo)))

        expected = [scored.score for scored in analysis.tagging.scores]
        np.testing.assert_allclose(array(found["scores"], np.float32), expected, rtol=0, atol=1e-5)
        heatmaps = np.stack([heatmap.values for heatmap in analysis.heatmaps()])
        maps = array(found["maps"], np.float32).reshape(-1, *found["cells"])
        np.testing.assert_allclose(maps, heatmaps, rtol=0, atol=1e-3)


@pytest.mark.parametrize("filter_", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("width", "height"), [(160, 90), (25, 75), (106, 160)])
def test_it_resizes_as_pillow_does(page: Page, filter_: str, width: int, height: int):
    from PIL import Image

    rgba = np.random.default_rng(0).integers(0, 256, (height, width, 4), np.uint8)

    actual = page.evaluate(RESIZED, [text(rgba), width, height, filter_])

    image = Image.fromarray(np.ascontiguousarray(rgba[:, :, :3]))
    expected = np.asarray(image.resize((56, 56), Image.Resampling[filter_.upper()]))
    np.testing.assert_array_equal(array(actual, np.uint8).reshape(expected.shape), expected)


def test_a_photo_becomes_the_same_pixels(page: Page, tagger: Tagger):
    for photo in (LANDSCAPE, PORTRAIT):
        content = base64.b64encode(photo.read_bytes()).decode()

        actual = array(page.evaluate(LOADED, content), np.uint8).reshape(224, 224, 3)

        np.testing.assert_array_equal(actual, tagger.embedder.pixels(photo))


def test_the_page_shows_the_tags_and_their_heat_maps(page: Page, tagger: Tagger):
    photo = PORTRAIT

    page.locator("input").set_input_files(photo)
    page.get_by_role("status").filter(has_text="dogs.jpg").wait_for()

    lines = [line.rsplit(" ", 1) for line in page.locator("li").all_inner_texts()]
    expected = tagger.tag(photo).tags
    assert [tag for tag, _ in lines] == [found.tag for found in expected]
    assert [float(score) for _, score in lines] == pytest.approx(
        [found.score for found in expected], abs=1e-4
    )  # of 4 decimals
    page.get_by_role("button", name="dog", exact=True).click()
    drawn = page.evaluate(OPACITIES)
    heatmap = tagger.analyse(photo).heatmap("dog").values
    assert np.abs(np.array(drawn) / 255 - heatmap.ravel()).max() < 0.02


def test_it_asks_for_nothing_but_its_own_files(page: Page, address: str, asked: list[str]):
    assert any(url.endswith("model.onnx") for url in asked)
    assert any(url.endswith(".wasm") for url in asked)
    assert [url for url in asked if not url.startswith((f"{address}/", f"blob:{address}/"))] == []
