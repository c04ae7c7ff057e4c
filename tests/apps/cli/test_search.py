import csv
import io
import json

import pytest

from vectortag.library.library import Library


@pytest.fixture
def kept(make_photo, tiny_model, tmp_path):
    """A library of three photos, tagged by the tiny model; its folder."""
    for seed, name in enumerate(("Anna's birthday/a.png", "Anna's birthday/b.png", "c.png")):
        make_photo(f"photos/{name}", seed=seed)
    with Library.open() as library:
        library.add(tmp_path / "photos")
        library.update(model=tiny_model)
    return tmp_path / "photos"


def test_a_search_prints_a_table_json_lines_or_csv(cli, kept):
    table = cli("search", "Anna's", "birthday")
    lines = [json.loads(line) for line in cli("search", "vehicle", "--format", "jsonl").stdout.splitlines()]
    rows = list(csv.DictReader(io.StringIO(cli("search", "file:c.png", "--format", "csv").stdout)))

    assert table.status == 0
    assert table.stdout.splitlines()[0].split() == ["score", "photo", "why"]
    assert table.stdout.count("birthday/") == 2
    assert "2 of 2 photos" in table.stderr
    assert sorted(line["path"] for line in lines) == sorted(str(path) for path in kept.rglob("*.png"))
    assert all(line["why"] == [f"vehicle {line['score']:.2f}"] for line in lines)
    assert [(row["path"], row["why"]) for row in rows] == [(str(kept / "c.png"), "file c.png")]


def test_an_error_of_the_query_is_wrong_usage_and_names_the_column(cli, kept):
    outcome = cli("search", "vehicle and (beach")

    assert outcome.status == 2
    assert 'query, column 13: this "(" is never closed' in outcome.stderr
    assert outcome.stdout == ""


def test_nothing_found_is_said_and_no_failure(cli, kept):
    outcome = cli("search", "rating:5")

    assert outcome.status == 0
    assert outcome.stdout == ""
    assert "no photo was found" in outcome.stderr


def test_an_option_behind_the_query_s_two_hyphens_is_not_taken_for_a_word(cli, kept):
    outcome = cli("search", "--", "-beach", "--top", "1")

    assert outcome.status == 2
    assert 'query, column 8: "--top" cannot be in a query. Put options before the query' in outcome.stderr


def test_the_page_has_the_photos_and_their_heat_maps(cli, kept, tmp_path):
    page = tmp_path / "found.html"

    outcome = cli("search", "vehicle", "--html", page)
    text = page.read_text()

    assert outcome.status == 0
    assert text.count('src="data:image/jpeg;base64,') == 3
    assert text.count('class="heat"') == 3
    assert "<script" not in text
    cli("search", "file:c.png", "--html", page)
    assert page.read_text().count('class="heat"') == 0


def test_the_page_shows_where_a_sentence_is_seen(cli, make_photo, worded, tmp_path):
    make_photo("photos/a.png")
    page = tmp_path / "found.html"
    cli("library", "add", tmp_path / "photos", "--model", worded)

    outcome = cli("search", "violin", "--html", page)

    assert outcome.status == 0
    assert "so a sentence" in outcome.stderr
    assert page.read_text().count('class="heat"') == 1


def test_links_fill_a_folder_and_photos_stay_as_they_are(cli, kept, tmp_path):
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in kept.rglob("*.png")}

    outcome = cli("search", "birthday", "--links", tmp_path / "links")

    assert outcome.status == 0
    assert sorted(link.readlink().name for link in (tmp_path / "links").glob("? *")) == ["a.png", "b.png"]
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in kept.rglob("*.png")} == before
    refused = cli("search", "birthday", "--links", kept / "links")
    assert refused.status == 2
    assert not (kept / "links").exists()


def test_an_output_never_replaces_a_photo_of_the_library(cli, kept):
    photo = kept / "c.png"
    content = photo.read_bytes()

    outcome = cli("search", "vehicle", "--format", "jsonl", "--output", photo, "--overwrite")

    assert outcome.status == 2
    assert photo.read_bytes() == content


def test_a_search_without_a_library_says_how_to_make_one(cli, home):
    outcome = cli("search", "dog")

    assert outcome.status == 1
    assert "vectortag library add" in outcome.stderr
    assert not (home / "library.sqlite").exists()


def test_duplicates_lists_groups(cli, kept):
    (kept / "copy.png").write_bytes((kept / "c.png").read_bytes())
    with Library.open() as library:
        library.update()

    outcome = cli("duplicates", "--kind", "same", "--json")

    assert json.loads(outcome.stdout) == {"kind": "same", "photos": [str(kept / "c.png"), str(kept / "copy.png")]}
    assert cli("duplicates", "--kind", "same").stdout.splitlines()[0] == "same content, 2 photos"


def test_stats_counts_in_a_table_and_in_json(cli, kept):
    counted = json.loads(cli("stats", "--json").stdout)

    assert counted["photos"] == 3
    assert counted["tags"]["vehicle"] == 3
    assert counted["folders"] == {f"{kept}/": 1, f"{kept}/Anna's birthday/": 2}
    assert cli("stats").stdout.startswith("3 photos, 3 of them different")
