"""Photos and a model for the parts of the page; and the page on a real server, driven in Debian's Chromium."""

from __future__ import annotations

import functools
import importlib.util
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from vectortag.apps.ui.library.open_library import OpenLibrary
from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.core.types import ByteArray, FloatArray
from vectortag.evaluation.model_card import write_card
from vectortag.library.library import Library
from vectortag.model.folder import read_model_folder
from vectortag.model.write_folder import rewrite_model_folder
from vectortag.runtime.openvino import OpenVinoSession

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

EXAMPLES = Path(__file__).parents[3] / "examples" / "photos"
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
LAYOUT = Path(__file__).with_name("layout.js").read_text("utf-8")
POSITIONS = 5
SCROLL = """(share) => {
    const main = document.querySelector('[data-testid="stMain"]');
    main.scrollTo({ top: share * (main.scrollHeight - main.clientHeight), behavior: "instant" });
}"""
TIMEOUT = 120_000  # milliseconds: for a machine that does much else
ANIMATIONS_END = """() => Promise.all(document.getAnimations()
    .filter((one) => one.effect.getComputedTiming().iterations !== Infinity)
    .map((one) => one.finished.catch(() => null)))"""
QUIET = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    const busy = app.dataset.testScriptState !== "notRunning"
        || app.dataset.testConnectionState !== "CONNECTED"
        || document.querySelector('[data-testid="stSpinner"], [data-testid="stSkeleton"]');
    if (busy) { window.quietSince = undefined; return false; }
    window.quietSince ??= performance.now();
    return performance.now() - window.quietSince > 300;
}"""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]

COUNTING = """
import sys
from vectortag.runtime.openvino import OpenVinoSession
from vectortag.apps.entry import main

passes = open(sys.argv.pop(1), "a", buffering=1)

def counted(run):
    def count(self, images, **options):
        passes.write("pass\\n" * sum(bool(image.any()) for image in images))  # compiling takes black ones
        return run(self, images, **options)
    return count

OpenVinoSession.run = counted(OpenVinoSession.run)
main()
"""
"""`vectortag`, with a line in a file for each photo that the network looks at."""

WORDS = {
    "bird": "bird, animal", "cat": "cat, animal", "dogs": "dog, animal", "dandelion": "flower, plant",
    "flower": "flower, plant", "mountain": "mountain, sky", "sunset": "sunset, sky", "temple": "building, sky",
}  # fmt: skip


@dataclass(frozen=True)
class Server:
    """A running page: its address, its user's data folder, and how often its network has looked at a photo."""

    url: str
    home: Path
    passes_file: Path
    process: int

    @property
    def passes(self) -> int:
        return len(self.passes_file.read_text().splitlines())


@pytest.fixture
def content() -> Callable[..., bytes]:
    """content(seed=0, size=(40, 30)): a PNG of random colours."""

    def make(seed: int = 0, size: tuple[int, int] = (40, 30)) -> bytes:
        colours = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(colours).resize(size).save(buffer, "PNG")
        return buffer.getvalue()

    return make


@pytest.fixture
def model(tiny_model: Path) -> LoadedModel:
    """The tiny model as the page loads it."""
    return LoadedModel(read_model_folder(tiny_model))


@pytest.fixture
def library_home(
    tmp_path: Path, tiny_model: Path, make_photo: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A library of holiday/0.jpg to holiday/6.jpg under the tiny model, and a cache; returns its file."""
    monkeypatch.setenv("VECTORTAG_HOME", str(tmp_path / "home"))
    for seed in range(7):
        make_photo(f"holiday/{seed}.jpg", seed=seed)
    file = tmp_path / "photos.sqlite"
    with Library.open(file) as library:
        library.add(tmp_path / "holiday")
        library.update(model=tiny_model)
    return file


@pytest.fixture
def opened(library_home: Path) -> Iterator[OpenLibrary]:
    """The library as the page opens it."""
    library = OpenLibrary(library_home)
    yield library
    with library.using() as used:
        used.close()


@dataclass
class Passes:
    """How many photos the network has seen, and how many of its runs overlapped at most."""

    count: int = 0
    running: int = 0
    most: int = 0


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Passes:
    """Counts what the network does."""
    counted, run, counting = Passes(), OpenVinoSession.run, threading.Lock()

    def count(session: OpenVinoSession, images: ByteArray, **options: Any) -> FloatArray:
        with counting:
            counted.count += len(images)
            counted.running += 1
            counted.most = max(counted.most, counted.running)
        made = run(session, images, **options)
        time.sleep(0.01)
        with counting:
            counted.running -= 1
        return made

    monkeypatch.setattr(OpenVinoSession, "run", count)
    return counted


@pytest.fixture(scope="session")
def data_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Crops of the example photos with their words; one dandelion is called a cat."""
    folder = tmp_path_factory.mktemp("data") / "crops"
    folder.mkdir()
    rows = ["image_path,tags"]
    for name, words in WORDS.items():
        with Image.open(EXAMPLES / f"{name}.jpg") as opened:
            image = opened.convert("RGB")
        for number in range(6):
            width, height = (round(side * (0.75 + 0.05 * (number % 3))) for side in image.size)
            left, top = (number % 2) * (image.width - width), (number // 3) * (image.height - height)
            image.crop((left, top, left + width, top + height)).save(folder / f"{name}{number}.jpg")
            wrong = name == "dandelion" and number == 0
            rows.append(f'{name}{number}.jpg,"{"cat, animal" if wrong else words}"')
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return folder


@pytest.fixture(scope="session")
def programs() -> None:
    """Skip all of this where something is missing; in CI nothing may be, so fail there."""
    missing = [
        name for name in ("playwright", "streamlit", "axe_playwright_python") if importlib.util.find_spec(name) is None
    ]
    missing += [] if shutil.which("chromium") else ["chromium"]
    if missing:
        stop = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        stop(f"not installed: {', '.join(missing)}")


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory,
    data_set: Path,
    running: Callable[..., Any],
    free_port: Callable[[], int],
    programs: None,
) -> Iterator[Server]:
    """`vectortag ui` with the shipped models, "mine", that `vectortag fit` has made of the data set, and "wordless"."""
    folder = tmp_path_factory.mktemp("server")
    home = folder / "home"
    environment = {**os.environ, "VECTORTAG_HOME": str(home)}
    fit = "from vectortag import fit; import sys; fit(sys.argv[1], name='mine')"
    subprocess.run([sys.executable, "-c", fit, data_set], check=True, capture_output=True, env=environment)
    wordless = home / "models/wordless"
    mine = read_model_folder(home / "models/mine")
    rewrite_model_folder(mine, wordless, int8_network=None, words=None, card=write_card, name="wordless")
    passes, port = folder / "passes", free_port()
    passes.touch()
    command = [sys.executable, "-c", COUNTING, passes, "ui", "--port", str(port), "--data", data_set]
    with running(command, port, environment) as process:
        yield Server(f"http://127.0.0.1:{port}", home, passes, process)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """running(command, port, environment): a server process that answers, until the end of the `with`."""

    @contextmanager
    def run(command: list[Any], port: int, environment: Mapping[str, str]) -> Iterator[int]:
        log = tmp_path_factory.mktemp("log") / "log"
        with log.open("wb") as output:
            words = [str(word) for word in command]
            process = subprocess.Popen(words, env=environment, stdout=output, stderr=output, start_new_session=True)
        try:
            _wait_for(process, port, log)
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # also what strace has started
            process.wait(60)

    return run


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5):
                return
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """free_port(): a port that nobody listens on."""

    def find() -> int:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            return int(found.getsockname()[1])

    return find


@pytest.fixture(scope="session")
def browser(programs: None) -> Iterator[Browser]:
    """Debian's Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield opened
        opened.close()


class Visitor:
    """Someone at the page, with a session of their own."""

    def __init__(self, page: Page, server: Server, screenshots: Path) -> None:
        self.page, self.server, self._screenshots = page, server, screenshots

    def goto(self, path: str) -> None:
        """Open an address in this tab: a new session."""
        self.page.goto(self.server.url + path)
        self.page.get_by_test_id("stApp").wait_for()
        self.settle()

    def settle(self) -> None:
        """Wait until the server has had nothing more to draw for a while."""
        self.page.evaluate("window.quietSince = undefined")
        self.page.wait_for_function(QUIET)

    def upload(self, *files: object, photos: int = 1) -> None:
        """Drop files, paths or (name, content), and wait until so many photos are there."""
        self.drop(*files)
        if photos > 1:
            self.page.get_by_test_id("thumb").nth(photos - 1).wait_for()
        self.page.get_by_test_id("heat").wait_for()
        self.settle()

    def drop(self, *files: object, zone: int = 0) -> None:
        """Drop files, paths or (name, content), on one of the drop zones."""
        dropped: list[Any] = [
            {"name": file[0], "mimeType": "image/jpeg", "buffer": file[1]} if isinstance(file, tuple) else str(file)
            for file in files
        ]
        self.page.locator('[data-testid="stFileUploader"] input[type=file]').nth(zone).set_input_files(dropped)

    def example(self, name: str) -> None:
        """Click one of the shipped examples."""
        self.page.get_by_test_id("thumb").and_(self.page.get_by_role("button", name=name)).click()
        self.page.get_by_test_id("heat").wait_for()
        self.settle()

    def pick(self, tag: str) -> None:
        """Click a tag in the list."""
        self._row(tag).get_by_test_id("tag").click()
        self.settle()

    def thumb(self, tag: str, *, has: bool) -> None:
        """Click the thumb up or down of a tag in the list."""
        self._row(tag).locator(".yes" if has else ".no").click()
        self.settle()

    def _row(self, tag: str) -> Locator:
        return self.page.locator(".row", has=self.page.get_by_text(tag, exact=True))

    @property
    def tags(self) -> list[str]:
        """The names in the list of tags, from the top."""
        return self.page.get_by_test_id("tag").locator(".name").all_inner_texts()

    @property
    def found(self) -> list[str]:
        """Those whose score reaches the threshold."""
        return self.page.locator(".row.found .name").all_inner_texts()

    @property
    def chosen(self) -> str:
        """The tag whose heat map is shown."""
        return self.page.locator(".row.chosen .name").inner_text()

    def picture(self, nth: int = 0) -> Image.Image:
        """A photo under its heat map, as it is drawn on the screen."""
        self.page.wait_for_timeout(200)  # a heat map fades to a new opacity
        return Image.open(io.BytesIO(self.page.get_by_test_id("heat").nth(nth).screenshot(animations="disabled")))

    def download(self, button: str) -> bytes:
        """What a download button gives."""
        with self.page.expect_download() as waiting:
            self.page.get_by_role("button", name=button).click()
        return Path(waiting.value.path()).read_bytes()

    def faults(self, name: str) -> list[str]:
        """What is wrong with the view at its top, at its end, and at three places between; each is kept as a picture.

        Boxes are compared, as layout.js says, not pixels, which change with every font.
        """
        faults = []
        for position in range(POSITIONS):
            self.page.evaluate(SCROLL, position / (POSITIONS - 1))
            look = self.page.evaluate(LAYOUT + "()")
            self.screenshot(f"{name}_{position}")
            faults += [f"over each other: {pair}" for pair in look["overlaps"]]
            faults += [f"cut off: {one}" for one in look["cut"]]
            faults += [f"no key reaches {one}" for one in look["unreachable"]]
            faults += [f"{look['wide']} pixels too wide"] if look["wide"] > 0 else []
            header = look["boxes"].get("stHeader 1")
            faults += [] if header and header[1] == 0 else [f"the header is at {header}"]
        self.page.evaluate(SCROLL, 0)
        return faults

    def barriers(self) -> list[str]:
        """What axe-core finds serious or critical for people who see, hear or move less."""
        from axe_playwright_python.sync_playwright import Axe

        self.page.evaluate(ANIMATIONS_END)  # what fades in has too little contrast meanwhile
        found = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']}: {node['html'][:200]}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]

    def screenshot(self, name: str) -> None:
        """Keep a picture of what is on the screen."""
        self.page.screenshot(path=self._screenshots / f"{name}.png", animations="disabled")


@pytest.fixture(scope="session")
def context_for(browser: Browser) -> Callable[..., BrowserContext]:
    """context_for(phone, dark, locale): one for all visitors of that kind: the page's scripts are fetched once."""

    @functools.cache
    def make(phone: bool, dark: bool, locale: str) -> BrowserContext:
        scheme: Any = "dark" if dark else "light"
        context = browser.new_context(viewport=PHONE if phone else DESKTOP, color_scheme=scheme, locale=locale)
        context.set_default_timeout(TIMEOUT)
        return context

    return make


@pytest.fixture
def visitor(
    context_for: Callable[..., BrowserContext], server: Server, screenshots: Path
) -> Iterator[Callable[..., Visitor]]:
    """visitor("/compare", phone=True, locale="de-AT"): someone who opens the page in a tab, which is a session."""
    pages = []

    def come(path: str = "/", *, phone: bool = False, dark: bool = False, locale: str = "en-US") -> Visitor:
        page = context_for(phone, dark, locale).new_page()
        pages.append(page)
        someone = Visitor(page, server, screenshots)
        someone.goto(path)
        return someone

    yield come
    for page in pages:
        page.close()


@pytest.fixture(scope="session")
def as_visitor(screenshots: Path) -> Callable[[Page, str], Visitor]:
    """as_visitor(page, address): a visitor of another server than `server`."""
    return lambda page, address: Visitor(page, Server(address, Path(), Path(), 0), screenshots)


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots are kept: the folder VECTORTAG_SCREENSHOTS, else one of pytest's."""
    folder = os.environ.get("VECTORTAG_SCREENSHOTS")
    path = Path(folder) if folder else tmp_path_factory.mktemp("screenshots")
    path.mkdir(parents=True, exist_ok=True)
    return path
