"""Texts of strangers, by hypothesis: configurations, taxonomies, tables, sidecars, rules, manifests, key files.

Each is read, or refused by an error of VectorTag's own. 40 of each kind in every run, thousands in ./task.sh long.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pictures import encode, smooth_picture
from tried import Record

from vectortag.core.errors import VectorTagError
from vectortag.data.find import find_images
from vectortag.data.keywords import read_keywords
from vectortag.data.records import read_data_set
from vectortag.data.word_lists import parse_tags
from vectortag.model.folder import read_model_folder
from vectortag.model.taxonomy import Taxonomy

CONFIG = """name = "mine"
epochs = 3
learning_rate = 1e-3
[[data]]
name = "photos"
csv = "photos/metadata.csv"
[loss]
kind = "focal"
"""
TAXONOMY = """[synonyms]
dog = ["puppy", "hound"]
"new york" = "nyc"
[implications]
dog = ["animal"]
[ignored]
words = ["misc"]
[dataset.coco.synonyms]
dog = ["dogs"]
"""
TABLE = "image_path,tags,split\n0.jpg,\"['dog', 'sea']\",train\n1.jpg,\"beach; boat\",val\n2.jpg,cat,\n"
SIDECAR = """<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:acdsee="http://ns.acdsee.com/iptc/1.0/"
 acdsee:categories="&lt;Categories&gt;&lt;Category Assigned=&quot;1&quot;&gt;dog&lt;/Category&gt;&lt;/Categories&gt;">
<dc:subject><rdf:Bag><rdf:li>dog</rdf:li><rdf:li>a|b</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>
"""
RULES = "*.png\n!keep.png\n/private/\n**/cache/**\n[a-z]*.jpg\n# a comment\n\\#odd\n"
KEYS = f"website sha256:{'0' * 64}\n# a comment\nphone sha256:{'f' * 64}\n"
CAPTIONS = 'image_path,caption\n0.jpg,"a dog, beside a boat"\n1.jpg,the sea\n'
TAGS = "['dog', \"sea\", 'it''s', None, nan]"

NESTS = {"[": "]", "{": "}", "(": ")", "<a>": "</a>", "{'a':": "}", '{"a":': "}", "[[": "]]", "x={x=": "}}"}
PIECES = [
    "\0", "\r", "\n", "\n\n", "\t", "\ufeff", "\u2028", "\u202e", "\x1b[31m", "\ud800", "é", "e\u0301", "ﬁ", "😀", "'",
    '"', '"""', "'''", "\\", "\\x00", "\\u0000", "\\U0010ffff", "=", "==", ",", ";", "|", ":", ".", "..", "../..", "#",
    "nan", "inf", "-inf", "null", "None", "true", "1e999", "-1", "0x", "9" * 5000, "1" + "0" * 400, "a" * 5000,
    "a." * 3000,
    "&amp;", "&#0;", "&#x110000;", "&a;", "<!DOCTYPE a [<!ENTITY b 'c'>]>", "<![CDATA[", "<!--", "<?xml?>", "]]>",
    "xmlns:a=",
    "[a-", "[!]", "**", "***/", "!", "\\ ", "[[data]]", "[data]", "name = 1", "1979-05-27T07:32:00Z", "99-99-99",
    "${HOME}",
    "${", "$", "${NOBODY}", "sha256:", "image_path", "tags", "split", "train", "../../etc/passwd", "/dev/zero", "CON",
]  # fmt: skip
"""What means something to one of the formats, or is odd in all of them."""


@st.composite
def damaged(draw: st.DrawFn, original: str) -> bytes:
    """A text after one to five damages, in an encoding that may be the wrong one."""
    text = original
    for _ in range(draw(st.integers(1, 5))):
        place = draw(st.integers(0, len(text)))
        end = min(len(text), place + draw(st.integers(0, 20)))
        kind = draw(st.sampled_from(["piece", "piece", "text", "remove", "repeat", "nest", "move"]))
        if kind == "piece":
            text = text[:place] + draw(st.sampled_from(PIECES)) + text[place:]
        elif kind == "text":
            text = text[:place] + draw(st.text(max_size=8)) + text[end:]
        elif kind == "remove":
            text = text[:place] + text[end:]
        elif kind == "repeat":
            text = text[:place] + text[place:end] * draw(st.sampled_from([2, 3, 100, 2000])) + text[end:]
        elif kind == "nest":
            start, depth = draw(st.sampled_from(list(NESTS))), draw(st.sampled_from([2, 50, 2000, 100_000]))
            closed = NESTS[start] * depth if draw(st.booleans()) else ""
            text = text[:place] + start * depth + text[place:end] + closed + text[end:]
        else:
            text = text[end:] + text[:end]
        text = text[:600_000]
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16", "latin-1", "utf-8-sig", "utf-16-be"]))
    content = text.encode(encoding, "surrogatepass" if encoding.startswith("utf") else "replace")
    if draw(st.integers(0, 9)) == 0:
        content = content[: draw(st.integers(0, len(content)))]
    return content


def read_config(file: Path) -> None:
    from vectortag.train.config_file import load_config

    load_config(file)


def read_settings(file: Path) -> None:
    from vectortag.train.config_file import load_config

    text = file.read_text("utf-8", "replace")
    file.write_text(CONFIG)
    load_config(file, settings=[text])


def read_table(file: Path) -> None:
    read_data_set(file, skip_bad_rows=True)
    read_data_set(file)


def read_sidecar(file: Path) -> None:
    file.with_name("a.jpg").write_bytes(PHOTO)
    file.rename(file.with_name("a.xmp"))
    read_keywords(file.with_name("a.jpg"))


def read_embedded(file: Path) -> None:
    packet = b"http://ns.adobe.com/xap/1.0/\0" + file.read_bytes()[:60_000]
    length = (len(packet) + 2).to_bytes(2, "big")
    file.with_name("b.jpg").write_bytes(PHOTO[:2] + b"\xff\xe1" + length + packet + PHOTO[2:])
    read_keywords(file.with_name("b.jpg"))


def read_rules(file: Path) -> None:
    folder = file.parent / "ruled"
    folder.mkdir(exist_ok=True)
    (folder / "a.jpg").write_bytes(b"")
    file.rename(folder / ".vectortagignore")
    list(find_images(folder))


def read_manifest(file: Path) -> None:
    read_model_folder(file.parent)


def read_key_file(file: Path) -> None:
    from vectortag.apps.server.auth import read_keys

    read_keys(file)


def read_caption_file(file: Path) -> None:
    from vectortag.assembly.word_material import read_captions

    read_captions(file)


def read_cell(file: Path) -> None:
    parse_tags(file.read_bytes().decode("utf-8", "replace"))


PHOTO = encode(smooth_picture(16, 12), "JPEG")
READERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "training configurations (TOML)": (CONFIG, read_config),
    "settings of a training": ("loss.kind=focal", read_settings),
    "taxonomies (TOML)": (TAXONOMY, Taxonomy.load),
    "tables of tags (CSV)": (TABLE, read_table),
    "tables of captions (CSV)": (CAPTIONS, read_caption_file),
    "cells of tags": (TAGS, read_cell),
    "sidecars (XMP)": (SIDECAR, read_sidecar),
    "XMP inside photos": (SIDECAR, read_embedded),
    "rules of .vectortagignore": (RULES, read_rules),
    "key files": (KEYS, read_key_file),
    "manifests (JSON)": ("", read_manifest),
}


@pytest.mark.parametrize("count", [40, pytest.param(3000, marks=pytest.mark.long)])
@pytest.mark.parametrize("kind", READERS)
def test_a_damaged_text_is_read_or_refused(
    tmp_path: Path, tiny_model: Path, tried: Record, kind: str, count: int, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):  # fmt: skip
    original, read = READERS[kind]
    if kind.startswith("manifests"):
        original = json.dumps(json.loads((tiny_model / "manifest.json").read_text("utf-8")))
        for other in tiny_model.iterdir():
            (tmp_path / other.name).write_bytes(other.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", {name: os.environ[name] for name in ("HOME", "VECTORTAG_HOME")})
    file = tmp_path / ("manifest.json" if kind.startswith("manifests") else "file")
    phases = [phase for phase in Phase if phase is not Phase.explain]

    @settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck), phases=phases, database=None)
    @given(damaged(original))
    def read_one(content: bytes) -> None:
        file.write_bytes(content)
        caplog.clear()
        outcome = "read"
        try:
            read(file)
        except VectorTagError as error:
            outcome = "refused with a reason" if str(error) else "refused without a reason"
        tried(f"fuzzed {kind}", outcome)
        assert outcome != "refused without a reason"

    read_one()
