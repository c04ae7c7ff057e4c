"""How long a click on a tag takes until the new heat map is on the screen, and the page's own part of it.

    python benchmarks/ui.py [--clicks 40]

Needs the extra "ui", playwright and chromium. Prints medians and 90th percentiles in milliseconds.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from playwright.sync_api import Page, sync_playwright

TAGS = ("building", "tree", "clock", "sky")
"""None of them has the heat map of another."""

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
    button.click();
    return [await shown, await answered];
}"""
"""Click; wait for the first frame of the new heat map, and for the text that the server has made for that tag."""


def main() -> None:
    """Start a server, look at an example, and click on its tags in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clicks", type=int, default=40)
    clicks = parser.parse_args().clicks
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-c", "from vectortag.apps.entry import main; main()", "ui", "--port", str(port)]
        server = subprocess.Popen(command, env={**os.environ, "VECTORTAG_HOME": home}, stdout=subprocess.DEVNULL)
        try:
            with sync_playwright() as playwright:
                flags = ["--no-sandbox", "--disable-gpu"]
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
                measure(open_example(browser.new_page(viewport={"width": 1280, "height": 900}), port), clicks)
        finally:
            server.terminate()
            server.wait()


def open_example(page: Page, port: int) -> Page:
    """The page with an example that has several tags."""
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health").close()
            break
        except OSError:
            time.sleep(0.2)
    page.goto(f"http://127.0.0.1:{port}/?photo=temple")
    page.get_by_test_id("tag").nth(3).wait_for(timeout=120_000)
    page.wait_for_timeout(2000)
    return page


def measure(page: Page, clicks: int) -> None:
    """Click on the tags in turn."""
    shown, answered = [], []
    for number in range(clicks + len(TAGS)):
        tag = TAGS[number % len(TAGS)]
        button = page.locator(".row", has=page.get_by_text(tag, exact=True)).get_by_test_id("tag").element_handle()
        layer, stage = (page.locator(name).element_handle() for name in (".layer", ".st-key-stage"))
        one, other = page.evaluate(CLICK, [layer, stage, button, tag])
        if number >= len(TAGS):  # the first ones fill caches
            shown.append(one)
            answered.append(other)
        page.wait_for_timeout(300)
    for what, times in (("new heat map on the screen", shown), ("rerun of the page done", answered)):
        tenths = statistics.quantiles(times, n=10)
        print(f"{what}: median {statistics.median(times):.0f} ms, 90 % within {tenths[-1]:.0f} ms")


if __name__ == "__main__":
    main()
