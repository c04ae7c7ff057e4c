"""How fast the page is: its first load, a first photo, a click on a tag, and many photos beside the command line.

    python benchmarks/ui.py [--clicks 40] [--photos 60] [--parts first clicks many] [--json FILE]

Needs the extra "ui", playwright and chromium. The server is started twice with one data folder: the second time, the
network is there in its compiled form. The browser runs on the same cores as the server.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measuring import EXAMPLES, machine_line, print_table
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

PARTS = ("first", "clicks", "many")
SIZES = {"0.2 MP": (500, 375), "2 MP": (1632, 1224), "12 MP": (4000, 3000)}
RUN = "from vectortag.apps.entry import main; main()"
TIMEOUT = 60_000  # milliseconds
SCREEN = {"width": 1280, "height": 900}

CLICK = """async ([layer, stage, button, tag]) => {
    const start = performance.now();
    const shown = new Promise(done => new MutationObserver(async (_, observer) => {
        observer.disconnect();
        await layer.decode();
        requestAnimationFrame(() => done(performance.now() - start));
    }).observe(layer, { attributes: true, attributeFilter: ["src"] }));
    const answered = new Promise(done => {
        const look = () => stage.textContent.includes(tag + " scores")
            ? done(performance.now() - start) : requestAnimationFrame(look);
        look();
    });
    const late = new Promise((_, fail) => setTimeout(() => fail(`no answer to a click on ${tag}`), 30000));
    button.click();
    return await Promise.race([Promise.all([shown, answered]), late]);
}"""
"""Click; wait for the first frame of the new heat map, and for the text that the server has made for that tag."""

MAPS = """(layer) => {
    const tags = new Map(Object.entries(layer.closest(".root").layers).map(([tag, address]) => [address, tag]));
    tags.delete(layer.getAttribute("src"));
    return [...tags.values()].slice(0, 4);
}"""
"""Tags of which none has the heat map of another, nor the one that is shown: else a click changes nothing."""

Row = dict[str, object]


@dataclass
class Server:
    """The page on a server of its own."""

    process: subprocess.Popen[bytes]
    url: str

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clicks", type=int, default=40)
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder) / "home"
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        for start in ("first start", "later start") if "first" in options.parts else ():
            with served(home, rows, start) as server:
                first_photo(browser, server, rows, start)
        with served(home, [], "") as server:
            if "clicks" in options.parts:
                clicks(browser, server, rows, options.clicks)
            for name, size in SIZES.items() if "many" in options.parts else ():
                photos = make_photos(Path(folder) / name, size, options.photos)
                many_photos(browser, server, rows, f"{options.photos} photos, {name}", photos, home)
        browser.close()
    print(machine_line())
    print_table(rows, options.json)


def row(what: str, wall: float, cpu: float | str = "", beside: float | str = "") -> Row:
    """Wall and CPU seconds of the server; and how many times the command line's wall time that is."""
    return {"what": what, "wall s": wall, "server's CPU s": cpu, "times the command line's": beside}


@contextmanager
def served(home: Path, rows: list[Row], name: str) -> Iterator[Server]:
    """A server that answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "ui", "--port", str(port)],
        env={**os.environ, "VECTORTAG_HOME": str(home)},
        stdout=subprocess.DEVNULL,
    )
    server = Server(process, f"http://127.0.0.1:{port}")
    try:
        while True:
            try:
                urllib.request.urlopen(f"{server.url}/_stcore/health").close()
                break
            except OSError:
                time.sleep(0.02)
        rows.append(row(f"{name}: the server answers", time.perf_counter() - started, server.cpu()))
        yield server
    finally:
        process.terminate()
        process.wait()


def new_tab(browser: Browser) -> Page:
    """A tab with an empty cache, patient where the machine does much else."""
    page = browser.new_page(viewport=SCREEN)
    page.set_default_timeout(TIMEOUT)
    page.set_default_navigation_timeout(TIMEOUT)
    return page


def first_photo(browser: Browser, server: Server, rows: list[Row], name: str) -> None:
    """Somebody who was never here opens the page, and clicks on an example; somebody else does the same after that."""
    for who in ("first visitor", "next visitor"):
        page = new_tab(browser)
        with timed(rows, f"{name}, {who}: the page is drawn", server):
            page.goto(server.url)
            page.get_by_test_id("thumb").nth(11).wait_for()
        page.wait_for_timeout(500)
        with timed(rows, f"{name}, {who}: a click on an example shows its tags", server):
            page.get_by_test_id("thumb").and_(page.get_by_role("button", name="temple")).click()
            page.get_by_test_id("tag").nth(3).wait_for()
        page.context.close()
        page.close()


@contextmanager
def timed(rows: list[Row], what: str, server: Server) -> Iterator[None]:
    """Note the time of a block."""
    started, cpu = time.perf_counter(), server.cpu()
    yield
    rows.append(row(what, time.perf_counter() - started, server.cpu() - cpu))


def clicks(browser: Browser, server: Server, rows: list[Row], count: int) -> None:
    """Click on the tags of an example in turn."""
    page = new_tab(browser)
    page.goto(f"{server.url}/?photo=temple")
    page.get_by_test_id("tag").nth(3).wait_for()
    page.wait_for_timeout(2000)
    shown, answered, tags = [], [], page.locator(".layer").evaluate(MAPS)
    for number in range(count + len(tags)):
        tag = tags[number % len(tags)]
        button = page.locator(".row", has=page.get_by_text(tag, exact=True)).get_by_test_id("tag").element_handle()
        layer, stage = (page.locator(name).element_handle() for name in (".layer", ".st-key-stage"))
        one, other = page.evaluate(CLICK, [layer, stage, button, tag])
        if number >= len(tags):  # the first ones fill caches
            shown.append(one / 1000)
            answered.append(other / 1000)
        page.wait_for_timeout(300)
    page.close()
    for what, times in (("the heat map is on the screen", shown), ("the page has answered", answered)):
        rows.append(row(f"click on a tag: {what}, median", statistics.median(times)))
        rows.append(row(f"click on a tag: {what}, 90 % within", statistics.quantiles(times, n=10)[-1]))


def make_photos(folder: Path, size: tuple[int, int], count: int) -> list[Path]:
    """Different JPEGs of one size (quality 90): crops of the example photos."""
    folder.mkdir()
    sources = sorted(EXAMPLES.glob("*.jpg"))
    for number in range(count):
        with Image.open(sources[number % len(sources)]) as photo:
            edge = 4 * (number // len(sources))
            part = photo.convert("RGB").crop((edge, edge, photo.width, photo.height))
        part.resize(size, Image.Resampling.LANCZOS).save(folder / f"{number:03}.jpg", quality=90)
    return sorted(folder.iterdir())


def many_photos(browser: Browser, server: Server, rows: list[Row], name: str, photos: list[Path], home: Path) -> None:
    """Drop photos on the page, and tag the same ones with the command line, before it and after it."""
    before = command_line(photos[0].parent, home)
    page = new_tab(browser)
    page.goto(server.url)
    page.get_by_test_id("thumb").nth(11).wait_for()
    page.wait_for_timeout(1000)
    started, cpu = time.perf_counter(), server.cpu()
    page.locator('[data-testid="stFileUploader"] input[type=file]').set_input_files([str(photo) for photo in photos])
    page.get_by_test_id("tag").nth(1).wait_for()
    first = time.perf_counter() - started
    page.get_by_role("button", name=f"{len(photos)} photos' tags as JSON").wait_for()
    last, cpu = time.perf_counter() - started, server.cpu() - cpu
    page.close()
    after = command_line(photos[0].parent, home)
    wall, own_cpu = (min(one, other) for one, other in zip(before, after, strict=True))
    rows.append(row(f"{name}: command line", wall, own_cpu, 1.0))
    rows.append(row(f"{name}: first tags on the page", first, "", first / wall))
    rows.append(row(f"{name}: all tags on the page", last, cpu, last / wall))


def command_line(folder: Path, home: Path) -> tuple[float, float]:
    """Wall and CPU seconds of `vectortag tag` of a folder, its start included."""
    used, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-c", RUN, "tag", str(folder), "--format", "jsonl"]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "VECTORTAG_HOME": str(home)})
    wall, now = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime


if __name__ == "__main__":
    main()
