"""Do other programs show the tags of sidecars? Starts them under Xvfb, and asks them or takes a picture of them.

    python benchmarks/other_programs.py [--pictures FOLDER]

- darktable imports two photos with sidecars, and its library database is read: the tags, as a tree. Then it has written
  the sidecars anew, and VectorTag says whether it has anything to change.
- digiKam reads the same sidecars into its database: the tags, as a tree. It is started twice: the first time it makes
  the database, into which the folder is then written as its album.
- gThumb shows a photo whose sidecar is called NAME.xmp; the picture of its window is for the eye.

Programs that are missing are left out, and named. On Debian: apt install darktable digikam gthumb xvfb xdotool
imagemagick dbus-x11. Everything lies in a temporary folder.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from vectortag.library.keyword_fields import WantedTag
from vectortag.library.sidecars import ModelRun
from vectortag.library.write_xmp import SidecarWriter

PHOTOS = Path(__file__).parents[1] / "examples/photos"
RUN = ModelRun("model@12345678", "2026-11-30T16:00:00+00:00")
WANTED = {
    "cat.jpg": [WantedTag("animal", ("auto", "animal"), 0.99), WantedTag("cat", ("auto", "animal", "cat"), 0.98)],
    "bird.jpg": [WantedTag("bird", ("auto", "animal", "bird"), 0.95), WantedTag("sea", ("auto", "Meer"), 0.5)],
}
DISPLAY = ":93"
PATIENCE = 120
TREE = """
SELECT images.filename, tags.name FROM main.images JOIN main.tagged_images ON imgid = images.id
JOIN data.tags ON tags.id = tagid WHERE tags.name NOT LIKE 'darktable|%' ORDER BY 1, 2
"""

DIGIKAM_SETTINGS = """[General Settings]
Version=7.9.0
[Album Settings]
Scan At Start=true
[Metadata Settings]
Use XMP Sidecar For Reading=true
"""
DIGIKAM_TREE = r"""
WITH RECURSIVE named (id, path) AS (
    SELECT id, name FROM Tags WHERE pid = 0
    UNION ALL SELECT Tags.id, path || '|' || name FROM Tags JOIN named ON pid = named.id
)
SELECT Images.name, path FROM ImageTags JOIN Images ON Images.id = imageid JOIN named ON named.id = tagid
WHERE path NOT LIKE '\_Digikam%' ESCAPE '\' ORDER BY 1, 2
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, help="keep pictures of the windows here")
    options = parser.parse_args()
    if shutil.which("Xvfb") is None:
        print("Xvfb is missing: nothing can be started")
        return 1
    fine = True
    with tempfile.TemporaryDirectory() as folder, screen(Path(folder)) as environment:
        for name, check in (("darktable", darktable), ("digikam", digikam), ("gthumb", gthumb)):
            if shutil.which(name) is None:
                print(f"{name}: not installed, left out")
            else:
                fine = check(Path(folder), environment, options.pictures) and fine
    return 0 if fine else 1


@contextlib.contextmanager
def screen(folder: Path) -> Iterator[dict[str, str]]:
    """A screen that nobody sees, and the environment of programs on it."""
    server = subprocess.Popen(["Xvfb", DISPLAY, "-screen", "0", "1280x1000x24"], stderr=subprocess.DEVNULL)
    try:
        time.sleep(2)
        yield {**os.environ, "DISPLAY": DISPLAY, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    finally:
        server.terminate()
        server.wait()


def darktable(folder: Path, environment: dict[str, str], pictures: Path | None) -> bool:
    photos, settings = tagged_photos(folder / "darktable photos"), folder / "darktable"
    command = ["darktable", "--configdir", settings, "--cachedir", settings, "--disable-opencl", photos]
    with started(command, environment):
        wait_for(lambda: len(query(settings, "SELECT id FROM main.images")) == len(WANTED))
        time.sleep(5)
        keep_picture("darktable", pictures)
    found, expected = query(settings, TREE), deepest_paths()
    after = [one.what for name, wanted in WANTED.items() for one in SidecarWriter().write(photos / name, wanted, RUN)]
    print(f"darktable: its library has {found}")
    print(f"darktable: after it has written the sidecars, for VectorTag they are {', '.join(after)}")
    return found == expected and set(after) == {"unchanged"}


def digikam(folder: Path, environment: dict[str, str], pictures: Path | None) -> bool:
    photos, file = tagged_photos(folder / "digikam photos"), folder / "digikam" / "digikam4.db"
    (folder / ".config").mkdir(exist_ok=True)
    (folder / ".config" / "digikamrc").write_text(DIGIKAM_SETTINGS)
    file.parent.mkdir()
    command = ["dbus-run-session", "--", "digikam", "--database-directory", file.parent]
    environment = {**environment, "QT_QPA_PLATFORM": "xcb", "QTWEBENGINE_DISABLE_SANDBOX": "1", "LANG": "C.UTF-8"}
    with started(command, environment):
        wait_for(lambda: digikam_query(file, "SELECT value FROM Settings WHERE keyword = 'DBVersion'"))
        time.sleep(15)
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        place = f"volumeid:?path={quote(str(photos))}"
        database.execute("INSERT INTO AlbumRoots VALUES (1, 'photos', 0, 1, ?, '/')", (place,))
    with started(command, environment):
        wait_for(lambda: len(digikam_query(file, "SELECT id FROM Images WHERE status = 1")) == len(WANTED))
        time.sleep(10)
        keep_picture("digikam", pictures)
    found = digikam_query(file, DIGIKAM_TREE)
    print(f"digikam: its database has {found}")
    return found == deepest_paths()


def tagged_photos(folder: Path) -> Path:
    """A folder of photos with sidecars."""
    folder.mkdir()
    for name, wanted in WANTED.items():
        shutil.copy(PHOTOS / name, folder)
        SidecarWriter().write(folder / name, wanted, RUN)
    return folder


def deepest_paths() -> list[tuple[str, str]]:
    """Each photo and the paths of its tags, without those that are contained in another's."""
    paths = sorted((name, "|".join(one.path)) for name, wanted in WANTED.items() for one in wanted[-2:])
    paths.remove(("cat.jpg", "auto|animal"))  # contained in the path of the cat
    return paths


def gthumb(folder: Path, environment: dict[str, str], pictures: Path | None) -> bool:
    photo = folder / "gthumb" / "cat.jpg"
    photo.parent.mkdir()
    shutil.copy(PHOTOS / photo.name, photo)
    (outcome,) = SidecarWriter().write(photo, WANTED[photo.name], RUN)
    outcome.sidecar.rename(photo.with_suffix(".xmp"))
    with started(["dbus-run-session", "--", "gthumb", photo], environment):
        time.sleep(15)
        subprocess.run(["xdotool", "key", "--clearmodifiers", "i"], env=environment, check=False)
        time.sleep(4)
        keep_picture("gthumb", pictures)
    print(f"gthumb: {'see the picture' if pictures else 'pass --pictures to see it'}")
    return True


@contextlib.contextmanager
def started(command: list[object], environment: dict[str, str]) -> Iterator[None]:
    program = subprocess.Popen(
        [*map(str, command)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        program.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(20)
        program.kill()


def query(settings: Path, sql: str) -> list[tuple[str, ...]]:
    """What darktable's databases say; nothing while it makes them."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{settings}/library.db?mode=ro", uri=True)) as database:
            database.execute("ATTACH ? AS data", (f"file:{settings}/data.db?mode=ro",))
            return database.execute(sql).fetchall()
    except sqlite3.Error:
        return []


def digikam_query(file: Path, sql: str) -> list[tuple[str, ...]]:
    """What digiKam's database says; nothing while it makes it."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            return database.execute(sql).fetchall()
    except sqlite3.Error:
        return []


def wait_for(happens: object) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if callable(happens) and happens():
            return
        time.sleep(1)
    raise TimeoutError(f"nothing after {PATIENCE} seconds")


def keep_picture(name: str, folder: Path | None) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        command = ["import", "-display", DISPLAY, "-window", "root", str(folder / f"{name}.png")]
        subprocess.run(command, check=False)


if __name__ == "__main__":
    sys.exit(main())
