"""vectortag check"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
MakeDataSet = Callable[..., Path]


def section(output: str, title: str) -> list[str]:
    """The lines below a heading, down to the next one."""
    lines = output.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(title))
    below = []
    for line in lines[start + 1 :]:
        if not line.startswith(" "):
            break
        below.append(line.strip())
    return below


@pytest.fixture
def bad_set(make_data_set: MakeDataSet) -> Path:
    """Every fault that a set can have, once or twice."""
    folder = make_data_set({"good.jpg": "puppy", "broken.jpg": "sea", "twice.jpg": "sea", "untagged.jpg": ""})
    (folder / "broken.jpg").write_text("not a photo")
    with (folder / "metadata.csv").open("a") as file:
        file.write("twice.jpg,dog\ngone.jpg,dog\n,dog\ngood.jpg,\"['sea', \"\n")
    return folder


def test_a_bad_set_is_listed_whole_and_exits_with_1(cli: Cli, bad_set: Path):
    outcome = cli("check", bad_set)

    assert outcome.status == 1
    assert outcome.stdout.splitlines()[0] == f"{bad_set}/metadata.csv: set photos, 8 rows"
    empty, no_list = section(outcome.stdout, "bad rows: 2")
    assert empty.startswith('metadata.csv:8: column "image_path" is empty')
    assert no_list.startswith('metadata.csv:9: column "tags" must be a list')
    assert section(outcome.stdout, "missing photos: 1") == [f"metadata.csv:7: {bad_set}/gone.jpg is not there"]
    (broken,) = section(outcome.stdout, "unreadable photos: 1")
    assert broken.startswith(f"metadata.csv:3: {bad_set}/broken.jpg: not a photo")
    (twice,) = section(outcome.stdout, "photos whose rows contradict each other: 1")
    assert twice.startswith(f"metadata.csv:4: {bad_set}/twice.jpg has other tags or another split in row 6;")
    assert "photos without any tag: 1\n" in outcome.stdout


def test_a_good_set_exits_with_0(cli: Cli, make_data_set: MakeDataSet):
    outcome = cli("check", make_data_set({"1.jpg": "dog", "2.jpg": "sea"}))

    assert outcome.status == 0
    for title in ("bad rows", "missing photos", "unreadable photos", "photos whose rows contradict each other"):
        assert f"{title}: 0\n" in outcome.stdout


@pytest.mark.parametrize("fault", ["bad row", "missing", "unreadable", "twice"])
def test_each_fault_alone_exits_with_1(cli: Cli, make_data_set: MakeDataSet, fault):
    folder = make_data_set({"1.jpg": "dog", "2.jpg": "sea"})
    rows = {"bad row": ",dog\n", "missing": "gone.jpg,dog\n", "unreadable": "", "twice": "1.jpg,sea\n"}
    with (folder / "metadata.csv").open("a") as file:
        file.write(rows[fault])
    if fault == "unreadable":
        (folder / "1.jpg").write_text("not a photo")

    assert cli("check", folder).status == 1
    assert cli("check", folder, "--skip-bad-rows").status == 0


@pytest.mark.parametrize("command", ["check", "fit", "train", "evaluate"])
def test_each_command_that_stops_at_bad_rows_can_skip_them(cli: Cli, command: str):
    assert "--skip-bad-rows" in cli(command, "--help").stdout


def test_tags_are_counted_after_the_taxonomy_and_ties_are_alphabetical(
    cli: Cli, make_data_set: MakeDataSet, tmp_path: Path
):
    data = make_data_set({"1.jpg": "puppy", "2.jpg": "dog", "3.jpg": "sea"})
    (tmp_path / "taxonomy.toml").write_text('[synonyms]\ndog = ["puppy"]\n[implications]\ndog = ["animal"]\n')

    translated = cli("check", data, "--taxonomy", tmp_path / "taxonomy.toml").stdout
    raw = cli("check", data, "--taxonomy", "none").stdout

    assert section(translated, "tags after the taxonomy: 3") == ["2  animal", "2  dog", "1  sea"]
    assert section(raw, "tags after the taxonomy: 3") == ["1  dog", "1  puppy", "1  sea"]


def test_the_rules_for_a_set_go_by_its_name(cli: Cli, make_data_set: MakeDataSet, tmp_path: Path):
    data = make_data_set({"1.jpg": "plane, sea"})
    (tmp_path / "taxonomy.toml").write_text('[dataset.corel5k]\nignored = ["plane"]\n')

    here = cli("check", data, "--taxonomy", tmp_path / "taxonomy.toml").stdout
    there = cli("check", data, "--taxonomy", tmp_path / "taxonomy.toml", "--dataset", "corel5k").stdout

    assert section(here, "tags after the taxonomy: 2") == ["1  plane", "1  sea"]
    assert section(there, "tags after the taxonomy: 1") == ["1  sea"]


def test_words_that_may_be_one_tag_are_named(cli: Cli, make_data_set: MakeDataSet):
    words = {f"{n}.jpg": "bird" if n < 6 else "birds" for n in range(11)}

    output = cli("check", make_data_set(words), "--taxonomy", "none").stdout

    assert section(output, "words that may be one tag") == ['"birds" (5) and "bird" (6)']


def test_long_lists_are_cut_unless_all_is_asked_for(cli: Cli, make_data_set: MakeDataSet):
    data = make_data_set({"1.jpg": ", ".join(f"word{n}" for n in range(23))})

    short = section(cli("check", data).stdout, "tags after the taxonomy: 23")
    whole = section(cli("check", data, "--all").stdout, "tags after the taxonomy: 23")

    assert short[:-1] == whole[:20]
    assert short[-1] == "... and 3 more (--all)"
    assert len(whole) == 23


def test_progress_is_no_data_and_can_be_silenced(cli: Cli, make_data_set: MakeDataSet):
    data = make_data_set({"1.jpg": "dog"})

    assert cli("check", data).stderr == "decoding 1 photos\n"
    assert cli("--quiet", "check", data).stderr == ""


def test_a_file_without_the_columns_is_an_error(cli: Cli, tmp_path: Path):
    (tmp_path / "metadata.csv").write_text("image,tags\n1.jpg,dog\n")

    outcome = cli("check", tmp_path)

    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith(f"error: {tmp_path}/metadata.csv:1: no column 'image_path'")


def test_groups_of_duplicates_are_counted_and_named_and_the_set_is_still_good(
    cli: Callable[..., Any], make_data_set: Callable[..., Path]
):
    data = make_data_set({f"{n}.jpg": "dog" for n in range(6)})
    for copy, photo in ((2, 0), (4, 0), (5, 3)):
        shutil.copy(data / f"{photo}.jpg", data / f"{copy}.jpg")

    outcome = cli("check", data)

    assert outcome.status == 0
    lines = outcome.stdout.splitlines()
    start = lines.index("groups of photos that show one picture: 2")
    assert lines[start + 1] == f"  {data}/0.jpg = {data}/2.jpg = {data}/4.jpg"
    assert lines[start + 2] == f"  {data}/3.jpg = {data}/5.jpg"
    assert not lines[start + 3].startswith(" ")


class TestLabels:
    @pytest.fixture
    def folder(self, make_data_set: MakeDataSet) -> Path:
        return make_data_set({f"{n}.jpg": "dog" if n % 2 else "sea" for n in range(30)})

    def test_doubted_labels_are_listed_and_exported_and_are_no_problem(
        self, cli: Cli, folder: Path, tiny_model: Path, tmp_path: Path
    ):
        file = tmp_path / "doubted.csv"

        outcome = cli("check", folder, "--labels", "--all", "--export", file, "-m", tiny_model)

        assert outcome.status == 0
        shown = section(outcome.stdout, "labels that look wrong, of ")
        header, *rows = file.read_text().splitlines()
        assert header == "photo,tag,has,score"
        assert len(shown) == len(rows) > 0
        photo, tag, has, score = rows[0].rsplit(",", 3)
        assert shown[0] == f"{photo}: {'' if has == 'yes' else 'not '}labelled {tag}, score {float(score):.2f}"
        assert cli("check", folder, "--labels", "--export", file, "-m", tiny_model).status == 0  # an older export

    def test_an_export_never_replaces_a_file_of_the_users(self, cli: Cli, folder: Path, tiny_model: Path):
        before = (folder / "metadata.csv").read_bytes()

        outcome = cli("check", folder, "--labels", "--export", folder / "metadata.csv", "-m", tiny_model)

        assert outcome.status == 2
        assert (folder / "metadata.csv").read_bytes() == before

    def test_a_page_shows_the_doubted_photos(self, cli: Cli, folder: Path, tiny_model: Path, tmp_path: Path):
        page = tmp_path / "doubted.html"

        for _ in range(2):  # an older page is replaced
            assert cli("check", folder, "--labels", "--page", page, "-m", tiny_model).status == 0

        assert "of 60 labels look wrong</h1>" in page.read_text()

    @pytest.mark.parametrize("option", ["--export", "--page"])
    def test_an_output_needs_labels(self, cli: Cli, folder: Path, tmp_path: Path, option: str):
        outcome = cli("check", folder, option, tmp_path / "doubted")

        assert outcome.status != 0
        assert "Pass --labels, too" in outcome.stderr
