"""Keywords from sidecars and photos, as the programs that people use write them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from vectortag.core.errors import DataError
from vectortag.data.keywords import keywords_of, read_keywords, read_tagged_photos

PROPERTIES = {
    "dc": ("http://purl.org/dc/elements/1.1/", "subject", "Bag"),
    "lr": ("http://ns.adobe.com/lightroom/1.0/", "hierarchicalSubject", "Bag"),
    "digiKam": ("http://www.digikam.org/ns/1.0/", "TagsList", "Seq"),
    "MicrosoftPhoto": ("http://ns.microsoft.com/photo/1.0/", "LastKeywordXMP", "Bag"),
}


def xmp(**words: list[str]) -> bytes:
    """xmp(dc=["dog"], lr=["Animals|Dog"]): a packet with these properties."""
    parts = []
    for prefix, entries in words.items():
        namespace, name, kind = PROPERTIES[prefix]
        items = "".join(f"<rdf:li>{entry}</rdf:li>" for entry in entries)
        parts.append(
            f'<{prefix}:{name} xmlns:{prefix}="{namespace}"><rdf:{kind}>{items}</rdf:{kind}></{prefix}:{name}>'
        )
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="">'
        f'{"".join(parts)}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def iptc(*words: bytes) -> bytes:
    """An APP13 segment with keywords, as Photoshop writes it."""
    records = b"".join(b"\x1c\x02\x19" + len(word).to_bytes(2, "big") + word for word in words)
    resource = b"8BIM\x04\x04\x00\x00" + len(records).to_bytes(4, "big") + records + b"\x00" * (len(records) % 2)
    content = b"Photoshop 3.0\x00" + resource
    return b"\xff\xed" + (len(content) + 2).to_bytes(2, "big") + content


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "boat.jpg"
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(file)
    return file


def save_with(photo: Path, packet: bytes) -> None:
    with Image.open(photo) as image:
        image.load()
    image.save(photo, xmp=packet)


def insert(photo: Path, segment: bytes) -> None:
    content = photo.read_bytes()
    photo.write_bytes(content[:2] + segment + content[2:])


@pytest.mark.parametrize(
    ("packet", "words"),
    [
        (xmp(dc=["dog", "sea"]), ("dog", "sea")),
        (xmp(lr=["Animals|Dog", "Sea"]), ("Animals", "Dog", "Sea")),
        (xmp(digiKam=["Animals/Dog", "_Digikam_Internal_Tags_/Need Resolving History"]), ("Animals", "Dog")),
        (xmp(MicrosoftPhoto=["Animals/Dog"]), ("Animals", "Dog")),
        (xmp(lr=["darktable|format|jpg", "Dog"], dc=["Dog"]), ("Dog",)),
        (xmp(dc=["AC/DC", " Golden Gate "]), ("AC/DC", "Golden Gate")),  # "/" parts no flat keyword
        (xmp(dc=["Strand &amp; Meer", "海"]), ("Strand & Meer", "海")),
        (xmp(dc=["\n  Golden\n  Gate\n"]), ("Golden Gate",)),
        (xmp(dc=[]), ()),
        (b"", ()),
        (b"no XML", ()),
        (b'<!DOCTYPE x [<!ENTITY a "b">]>' + xmp(dc=["dog"]), ()),
    ],
)
def test_xmp_inside_a_photo(photo: Path, packet: bytes, words: tuple[str, ...]):
    save_with(photo, packet)

    assert keywords_of(photo) == words


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_xmp_in_other_formats(tmp_path: Path, suffix: str):
    file, image = tmp_path / f"boat.{suffix}", Image.fromarray(np.zeros((8, 8, 3), np.uint8))
    if suffix == "png":
        chunks = PngImagePlugin.PngInfo()
        chunks.add_itxt("XML:com.adobe.xmp", xmp(dc=["boat"]).decode())
        image.save(file, pnginfo=chunks)
    elif suffix == "tif":
        image.save(file, tiffinfo={700: xmp(dc=["boat"])})
    else:
        image.save(file, xmp=xmp(dc=["boat"]))

    assert keywords_of(file) == ("boat",)


def test_xmp_in_an_heic_photo(tmp_path: Path, need_module: Callable[[str], Any]):
    picture = need_module("pillow_heif").from_pillow(Image.new("RGB", (64, 64)))
    picture.save(tmp_path / "boat.heic", xmp=xmp(dc=["boat"]))

    assert keywords_of(tmp_path / "boat.heic") == ("boat",)


@pytest.mark.parametrize("name", ["boat.jpg.xmp", "boat.xmp", "boat.XMP"])
def test_a_sidecar_with_keywords_is_believed_alone(photo: Path, name: str):
    save_with(photo, xmp(dc=["old"]))
    photo.with_name(name).write_bytes(xmp(dc=["new"]))

    assert keywords_of(photo) == ("new",)


def test_a_sidecar_without_keywords_leaves_the_photo_its_own(photo: Path):
    save_with(photo, xmp(dc=["boat"]))
    photo.with_name("boat.xmp").write_bytes(xmp())

    assert keywords_of(photo) == ("boat",)


@pytest.mark.parametrize(
    ("words", "found"),
    [((b"dog", "M\u00f6we".encode()), ("dog", "Möwe")), (("M\u00f6we".encode("latin-1"),), ("Möwe",))],
)
def test_iptc_where_there_is_no_xmp(photo: Path, words: tuple[bytes, ...], found: tuple[str, ...]):
    insert(photo, iptc(*words))

    assert keywords_of(photo) == found


def test_xmp_comes_before_iptc_which_cuts_long_words(photo: Path):
    save_with(photo, xmp(dc=["a very long keyword"]))
    insert(photo, iptc(b"a very long"))

    assert keywords_of(photo) == ("a very long keyword",)


def test_a_broken_photo_has_no_keywords(tmp_path: Path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe1no")

    assert keywords_of(tmp_path / "broken.jpg") == ()


def test_a_folder_of_keyworded_photos_is_a_data_set(photo: Path, caplog):
    caplog.set_level(logging.INFO)
    save_with(photo, xmp(dc=["boat", "sea"]))
    for name in ("untagged.jpg", "deep/dog.jpg"):
        (photo.parent / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(photo.parent / name)
    (photo.parent / "deep/dog.jpg.xmp").write_bytes(xmp(digiKam=["Animals/Dog"]))

    data = read_tagged_photos(photo.parent, name="mine")

    assert {record.path.name: record.words for record in data.records} == {
        "boat.jpg": ("boat", "sea"),
        "dog.jpg": ("Animals", "Dog"),
    }
    assert {record.dataset for record in data.records} == {"mine"}
    assert "mine: 1 photos without keywords are left out" in caplog.messages


def test_a_metadata_csv_comes_before_keywords(photo: Path):
    save_with(photo, xmp(dc=["keyword"]))
    (photo.parent / "metadata.csv").write_text("image_path,tags\nboat.jpg,from the table\n")

    assert [record.words for record in read_tagged_photos(photo.parent).records] == [("from the table",)]


def test_a_folder_without_keywords_is_an_error(photo: Path):
    with pytest.raises(DataError, match=r"no metadata.csv, and none of 1 photos has keywords"):
        read_tagged_photos(photo.parent)


class TestSidecarsThatCannotBeRead:
    BROKEN = {  # noqa: RUF012
        "a raw ampersand": xmp(dc=["Bang & Olufsen"]),
        "cut": xmp(dc=["dog"])[:-40],
        "empty": b"",
        "zeros": bytes(4096),
        "Latin-1 without a declaration": xmp(dc=["M"]).replace(b">M<", b">M\xf6we<"),
        "a document type": b'<!DOCTYPE x [<!ENTITY a "b">]>' + xmp(dc=["dog"]),
        "a document type in UTF-16": ('<!DOCTYPE x [<!ENTITY a "b">]>' + xmp(dc=["dog"]).decode()).encode("utf-16"),
        "half a character of UTF-16": b"\xff\xfe<\x00\x00\xd8",
        "not XML": b"dog, cat",
        "a web page": b"<html><body>dog</body></html>",
        "a huge depth": b"<a>" * 100_000,
    }

    @pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
    def test_they_are_named_and_their_photos_do_not_count_as_without_keywords(
        self, photo: Path, content: bytes, caplog
    ):
        caplog.set_level(logging.INFO)
        Image.new("RGB", (8, 8)).save(photo.with_name("dog.jpg"))
        photo.with_name("dog.jpg.xmp").write_bytes(xmp(dc=["dog"]))
        photo.with_name("boat.xmp").write_bytes(content)

        data = read_tagged_photos(photo.parent)

        assert [record.words for record in data.records] == [("dog",)]
        assert len(data.unread) == 1
        assert f"left out: {photo.with_name('boat.xmp')}: its keywords cannot be read: " in caplog.text
        assert "without keywords" not in caplog.text

    def test_entities_are_never_expanded(self, photo: Path):
        entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
        bomb = f'<!DOCTYPE x [<!ENTITY a0 "dog">{entities}]><x>&a9;</x>'
        photo.with_name("boat.xmp").write_bytes(bomb.encode("utf-16"))

        assert "it has a document type" in read_keywords(photo).problem

    def test_where_no_photo_has_keywords_the_error_names_the_first(self, photo: Path):
        photo.with_name("boat.xmp").write_bytes(b"")

        with pytest.raises(DataError, match=r"1 cannot be read, the first is .*boat\.xmp: .*it is empty"):
            read_tagged_photos(photo.parent)


DESCRIPTION = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:acdsee="http://ns.acdsee.com/iptc/1.0/"{}>{}'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)
CATEGORIES = (
    '&lt;Categories&gt;&lt;Category Assigned="0"&gt;Animals&lt;Category Assigned="1"&gt;Dog&lt;/Category&gt;'
    '&lt;Category Assigned="0"&gt;Cat&lt;/Category&gt;&lt;/Category&gt;'
    '&lt;Category Assigned="1"&gt;Sea&lt;/Category&gt;&lt;/Categories&gt;'
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("head", ["", '<?xml version="1.0" encoding="UTF-16"?>\n'])
def test_a_sidecar_may_be_in_any_encoding_of_unicode_whatever_it_declares(photo: Path, encoding: str, head: str):
    photo.with_name("boat.xmp").write_bytes(
        (head + DESCRIPTION.format("", "<dc:subject>Möwe</dc:subject>")).encode(encoding)
    )

    assert keywords_of(photo) == ("Möwe",)


@pytest.mark.parametrize(
    ("attributes", "inside", "words"),
    [
        ("", "<dc:subject>dog</dc:subject>", ("dog",)),
        (' dc:subject="dog"', "", ("dog",)),
        ("", "<dc:subject> \n </dc:subject>", ()),
        ("", '<dc:subject rdf:parseType="Resource"><rdf:value>dog</rdf:value></dc:subject>', ("dog",)),
        (
            "",
            "<dc:subject><rdf:Bag><rdf:li><rdf:Description><rdf:value>dog</rdf:value><dc:type>x</dc:type>"
            "</rdf:Description></rdf:li><rdf:_2>sea</rdf:_2></rdf:Bag></dc:subject>",
            ("dog", "sea"),
        ),
        ("", f"<acdsee:categories>{CATEGORIES}</acdsee:categories>", ("Animals", "Dog", "Sea")),
        (f' acdsee:categories="{CATEGORIES.replace(chr(34), "&quot;")}"', "", ("Animals", "Dog", "Sea")),
    ],
)
def test_properties_without_a_list(photo: Path, attributes: str, inside: str, words: tuple[str, ...]):
    photo.with_name("boat.xmp").write_text(DESCRIPTION.format(attributes, inside), "utf-8")

    assert keywords_of(photo) == words


def test_keywords_of_windows(photo: Path):
    exif = Image.Exif()
    exif[0x9C9E] = "Paris, France;Möwe; dog\0".encode("utf-16-le")
    with Image.open(photo) as image:
        image.load()
    image.save(photo, exif=exif)

    assert keywords_of(photo) == ("Paris, France", "Möwe", "dog")


def test_a_keyword_of_iptc_is_split_where_it_is_learnt_from_alone(photo: Path):
    insert(photo, iptc(b"dog, cat; bird", b"Paris, France"))

    assert keywords_of(photo) == ("dog, cat; bird", "Paris, France")
    (record,) = read_tagged_photos(photo.parent).records
    assert record.words == ("dog", "cat", "bird", "Paris", "France")
