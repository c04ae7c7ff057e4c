"""How long the next page of a library's grid takes in the browser, and what of it is the library's own part.

    python benchmarks/library_page.py [--photos 100000] [--turns 30]

Needs the extra "ui", playwright and chromium. The library is synthetic: rows of photos that were never taken, of which
30 % show one tag. Thumbnails are made for the photos that are shown. Prints, for all photos and for a search of that
tag, medians in milliseconds:

    grid      from the click to the new photos in the document
    pictures  from the click until all thumbnails in sight are decoded
    library   the query for the page, in this process
    server    CPU time of the server for one turn of the page: the library, Streamlit, and the thumbnails, those of the
              next page among them, which the browser fetches ahead
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import quote

import numpy as np
from library_search import median_ms
from measuring import machine_line, print_table
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from vectortag.apps.ui.library.open_library import OpenLibrary
from vectortag.apps.ui.library.page_query import ON_A_PAGE, LibraryQuery
from vectortag.apps.ui.library.thumbnails import SIDE, keep_thumbnail
from vectortag.library.library import Library
from vectortag.library.library_model import LibraryModel
from vectortag.library.schema import transaction

PHOTO = "INSERT INTO photos (root, path, size, mtime_ns, content, taken, added) VALUES (1, ?, 1, 1, ?, ?, 0)"

LOOK = 1500
"""Milliseconds for which the photos of a page are looked at, before the next one."""

TURN = """async () => {
    const roots = [...document.querySelectorAll("*")].map((one) => one.shadowRoot).filter(Boolean);
    const grid = roots.find((root) => root.querySelector("[data-testid='library-photo']"));
    const key = () => grid.querySelector("img")?.getAttribute("src");
    const before = key(), start = performance.now();
    document.querySelector(".st-key-turn-above-chevron_right button").click();
    while (key() === before) await new Promise(requestAnimationFrame);
    const shown = performance.now() - start;
    const inSight = [...grid.querySelectorAll("img")].filter((one) => one.getBoundingClientRect().top < innerHeight);
    await Promise.all(inSight.map((one) => one.decode()));
    return [shown, performance.now() - start];
}"""
"""Press "Next page"; wait for the first frame with other photos, and for their pictures."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=30)
    options = parser.parse_args()
    model = LibraryModel.load(None)
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        os.environ["VECTORTAG_HOME"] = str(home)
        file = home / "library.sqlite"
        write_rows(file, options.photos, model)
        queries = {"all photos": "", "a tag, 30 % of them": f'tag:"{model.scorer.tags[0]}"'}
        for query in queries.values():
            make_thumbnails(file, query, (options.turns + 2) * ON_A_PAGE)
        rows = measured(file, queries, options.turns)
    print(f"{options.photos:,} synthetic photos, {machine_line()}\n")
    print_table(rows, None)


def write_rows(file: Path, count: int, model: LibraryModel) -> None:
    """A library of `count` photos; the first tag of the model is shown by 30 % of them."""
    random, manifest = np.random.default_rng(0), model.folder.manifest
    contents = [random.bytes(16) for _ in range(count)]
    names = (manifest.name, model.folder.digest, model.network_digest, model.precision, model.size)
    thresholds = [None if np.isnan(one) else float(one) for one in model.scorer.thresholds]
    texts = (json.dumps(model.scorer.tags), json.dumps(model.prints), json.dumps(thresholds), "{}")
    photos = (
        (f"{n // 1000:04}/{n:07}.jpg", content, f"20{n % 24:02}-{1 + n % 12:02}-{1 + n % 28:02}T12:00:00")
        for n, content in enumerate(contents)
    )
    shown = ((content, float(random.uniform(0.9, 1))) for content in contents if random.random() < 0.3)
    with Library.open(file) as library:
        with transaction(library.database):
            library.database.execute("INSERT INTO roots (id, path) VALUES (1, '/photos')")
            library.database.execute("INSERT INTO models VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*names, *texts))
            library.database.executemany(PHOTO, photos)
            library.database.executemany("INSERT INTO shown VALUES (1, 0, ?, ?)", shown)
        library.change_setting("model_row", 1)
        library.change_setting("model", str(model.folder.path))


def make_thumbnails(file: Path, query: str, most: int) -> None:
    """Put a picture into the cache for the first photos of a query."""
    opened, random = OpenLibrary(file), np.random.default_rng(0)
    for row in opened.rows(LibraryQuery(query).node())[:most]:
        with opened.using() as library:
            photo = library.photo(row)
        assert photo is not None
        assert photo.content is not None
        small = random.integers(0, 256, (16, 16, 3), np.uint8)
        content = io.BytesIO()
        Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(content, "JPEG", quality=82)
        keep_thumbnail(photo.content, content.getvalue())


def measured(file: Path, queries: dict[str, str], turns: int) -> list[dict[str, object]]:
    """A row for each query."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-c",
        "from vectortag.apps.entry import main; main()",
        "ui",
        "--port",
        str(port),
        "--edit",
    ]
    server = subprocess.Popen([*command, "--library", str(file)], stdout=subprocess.DEVNULL)
    try:
        wait_for(port)
        with sync_playwright() as playwright:
            flags = ["--no-sandbox", "--disable-gpu"]
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            return [
                measure(page, f"http://127.0.0.1:{port}/library?q={quote(query)}", name, query, file, server.pid, turns)
                for name, query in queries.items()
            ]
    finally:
        server.terminate()
        server.wait()


def wait_for(port: int) -> None:
    """Wait until the server answers."""
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health").close()
            return
        except OSError:
            time.sleep(0.2)


def measure(page: Page, address: str, name: str, query: str, file: Path, server: int, turns: int) -> dict[str, object]:
    """Turn pages; the first turn is not counted."""
    page.goto(address)
    page.get_by_test_id("library-photo").first.wait_for(timeout=600_000)
    page.wait_for_timeout(10_000)  # until the library is counted
    page.evaluate(TURN)
    times, before = [], cpu_seconds(server)
    for _ in range(turns):
        times.append(page.evaluate(TURN))
        page.wait_for_timeout(LOOK)
    spent = 1000 * (cpu_seconds(server) - before) / turns
    opened, node = OpenLibrary(file), LibraryQuery(query).node()
    own, _ = median_ms(lambda: opened.page(node, 2), 7)
    shown, pictures = (statistics.median(column) for column in zip(*times, strict=True))
    return {"what": name, "grid ms": shown, "pictures ms": pictures, "library ms": own, "server CPU ms": spent}


def cpu_seconds(process: int) -> float:
    """What a process has used of all cores (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
