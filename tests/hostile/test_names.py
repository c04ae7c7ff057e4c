"""Any file name gets one record, in every form, and stops no other photo."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from vectortag import escape_path, unescape_path
from vectortag.inference.search import PhotoIndex
from vectortag.inference.tagger import Tagger

Cli = Callable[..., Any]
MakePhoto = Callable[..., Path]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there every name is Unicode")

LATIN = os.fsdecode(b"caf\xe9.jpg")
ODD = (
    "a\rb.jpg",
    "a\nb.jpg",
    "a\r\nb.jpg",
    " .jpg",
    '".jpg',
    "a,b.jpg",
    "=1+1.jpg",
    "-rf.jpg",
    "a\u2028b.jpg",
    "\ufeff.jpg",
)
SHOWN = "caf\\xe9.jpg"


@pytest.fixture
def photos(make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a name that is Latin-1, one that looks like its escape, and one that is UTF-8."""
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate([LATIN, SHOWN, "日本.jpg"]):
        make_photo("made.jpg", seed=seed)
        os.makedirs("photos", exist_ok=True)  # noqa: PTH103
        Path("made.jpg").rename(Path("photos", name))
    return Path("photos")


def names_in(text: str) -> list[Path]:
    return [unescape_path(json.loads(line)["path"]) for line in text.splitlines()]


class TestTag:
    @pytest.mark.parametrize("name", ODD)
    def test_csv_gives_back_a_name_with_anything_in_it(
        self, cli: Cli, make_photo: MakePhoto, tiny_model: Path, tmp_path: Path, name: str
    ):
        make_photo(f"odd/{name}")

        assert (
            cli("tag", tmp_path / "odd", "--format", "csv", "--model", tiny_model, "-o", tmp_path / "out").status == 0
        )
        with (tmp_path / "out").open(newline="", encoding="utf-8") as file:
            assert {unescape_path(row["path"]) for row in csv.DictReader(file)} == {tmp_path / "odd" / name}

    def test_jsonl_has_a_record_for_each(self, cli: Cli, photos: Path, tiny_model: Path):
        outcome = cli("tag", photos, "--format", "jsonl", "--model", tiny_model)

        assert outcome.status == 0
        assert sorted(names_in(outcome.stdout)) == sorted(photos.iterdir())

    @pytest.mark.parametrize("form", ["table", "jsonl", "csv"])
    def test_every_form_can_be_written_to_a_file(self, cli: Cli, photos: Path, tiny_model: Path, form: str):
        assert cli("tag", photos, "--format", form, "--model", tiny_model, "-o", "out").status == 0
        written = Path("out").read_text("utf-8")
        assert "caf" in written
        assert "日本.jpg" in written

    def test_csv_has_rows_for_each(self, cli: Cli, photos: Path, tiny_model: Path):
        rows = list(csv.DictReader(cli("tag", photos, "--format", "csv", "--model", tiny_model).stdout.splitlines()))

        assert {unescape_path(row["path"]) for row in rows} == set(photos.iterdir())

    def test_a_name_that_is_too_long_is_one_error_among_tags(self, cli: Cli, photos: Path, tiny_model: Path):
        long = "x" * 300 + ".jpg"

        outcome = cli("tag", long, photos, "--format", "jsonl", "--model", tiny_model)

        first, *others = map(json.loads, outcome.stdout.splitlines())
        assert outcome.status == 1
        assert first["error"]["message"] == f"{long}: cannot be read: File name too long"
        assert ["tags" in line for line in others] == [True] * 3

    def test_a_broken_photo_is_named_in_its_error(self, cli: Cli, photos: Path, tiny_model: Path):
        (photos / LATIN).write_bytes(b"")

        outcome = cli("tag", photos / LATIN, "--format", "jsonl", "--model", tiny_model)

        assert json.loads(outcome.stdout)["error"]["message"].startswith(f"photos/{SHOWN}: ")


class TestOthers:
    def test_find_and_its_cache(self, photos: Path, worded_tagger: Tagger):
        for _ in range(2):
            index = PhotoIndex.of(worded_tagger, sorted(photos.iterdir()))

            assert index.photos == tuple(sorted(photos.iterdir()))
            assert {one.photo for one in index.search("zebra", top=20)} == set(photos.iterdir())

    def test_explain_names_its_files(self, cli: Cli, photos: Path, tiny_model: Path):
        outcome = cli("explain", photos, "--all", "-o", "maps", "--model", tiny_model)

        assert outcome.status == 0
        file = unescape_path(
            next(line for line in outcome.stdout.splitlines() if "caf\\xe9" in line and "\\\\" not in line)
        )
        with safe_open(os.fspath(file.rename("maps/plain")), framework="numpy") as maps:
            assert maps.metadata()["path"] == f"photos/{SHOWN}"

    def test_correct_keeps_it_and_gives_it_back(self, cli: Cli, photos: Path, tiny_model: Path):
        model = ["--model", tiny_model]

        assert cli("correct", photos / LATIN, "--yes", "sea", *model).stdout == f"recorded: photos/{SHOWN}: sea\n"
        assert cli("corrections").stdout == f"{escape_path((photos / LATIN).absolute())}: sea\n"
        assert cli("corrections", "--export", "new.csv", *model).status == 0
        assert cli("check", "new.csv", "--taxonomy", "none").stdout.count("missing photos: 0") == 1
        assert cli("refresh", *model).status == 0

    def test_keywords_are_read_and_checked(self, cli: Cli, photos: Path):
        Path(photos, "metadata.csv").write_text(f"image_path,tags\n{SHOWN.replace('jpg', 'jpg')},dog\n", "utf-8")

        outcome = cli("check", photos)

        assert outcome.status == 0


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8:strict"])
@pytest.mark.parametrize("form", ["table", "jsonl", "csv"])
def test_any_console_takes_any_name(photos: Path, tiny_model: Path, encoding: str, form: str):
    outcome = in_a_process("tag", photos, "-f", form, "--model", tiny_model, PYTHONIOENCODING=encoding)

    assert outcome.stderr.decode() == ""
    assert outcome.returncode == 0
    text = outcome.stdout.decode(encoding.partition(":")[0])
    if form == "jsonl":
        assert sorted(names_in(text)) == sorted(photos.iterdir())


def in_a_process(*arguments: object, **environment: str) -> Any:
    import subprocess

    main = "from vectortag.apps.entry import main; main()"
    command = [sys.executable, "-c", main, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, env={**os.environ, **environment}, timeout=60)
