"""vectortag fit"""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>{}</rdf:li></rdf:Bag>'
    "</dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
)


@pytest.fixture
def keyworded(tmp_path: Path) -> Path:
    """Forty photos, red ones and blue ones, with their keyword in a sidecar."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(40):
        name, colour = ("Sofa", (200, 5 * number, 0)) if number % 2 else ("Sky", (0, 5 * number, 200))
        Image.new("RGB", (20, 20), colour).save(folder / f"{number}.jpg")
        (folder / f"{number}.jpg.xmp").write_text(XMP.format(name))
    return folder


def names(table: str) -> list[str]:
    """The first column of a table, without its heading."""
    return [line.split()[0] for line in table.splitlines()[1:]]


def test_keyworded_photos_become_a_model(cli, keyworded, tiny_model, home):
    done = cli("fit", keyworded, "--name", "mine", "--model", tiny_model)

    assert done.status == 0, done.stderr
    assert Path(done.stdout.strip()) == home / "models" / "mine"
    assert "mAP" in done.stderr
    assert "vectortag tag PHOTO --model mine" in done.stderr
    assert names(cli("tags", "mine").stdout) == ["couch", "furniture", "outdoors", "sky"]  # the taxonomy's
    assert cli("tag", keyworded / "1.jpg", "--model", "mine").status == 0
    assert "mine" in cli("models").stdout


def test_raw_takes_the_words_as_they_are(cli, keyworded, tiny_model):
    cli("fit", keyworded, "--name", "mine", "--model", tiny_model, "--raw")

    assert names(cli("tags", "mine").stdout) == ["sky", "sofa"]


def test_a_taken_name_is_a_usage_error_and_overwrite_replaces(cli, keyworded, tiny_model):
    fit = ("fit", keyworded, "--name", "mine", "--model", tiny_model)

    assert cli(*fit).status == 0
    again = cli(*fit)
    assert again.status == 2
    assert "--overwrite" in again.stderr
    assert cli(*fit, "--overwrite").status == 0


def test_photos_without_keywords_are_an_error(cli, make_photo, tiny_model, tmp_path):
    make_photo("plain/1.jpg")

    done = cli("fit", tmp_path / "plain", "--name", "mine", "--model", tiny_model)

    assert done.status == 1
    assert "none of 1 photos has keywords" in done.stderr
