"""A page of found photos."""

from __future__ import annotations

import io

from PIL import Image

from vectortag.inference.found_page import write_found_page
from vectortag.inference.search import Found


def test_the_page_holds_its_pictures_and_escapes_names(tmp_path):
    photo = tmp_path / "<b>&.jpg"
    Image.new("RGB", (900, 600), "red").save(photo)
    page = io.StringIO()

    write_found_page(page, '<script>alert("x")</script>', [Found(photo, 0.5), Found(tmp_path / "gone.jpg", 0.4)])

    text = page.getvalue()
    assert "<script>" not in text
    assert "&lt;b&gt;&amp;.jpg" in text
    assert text.count("data:image/jpeg;base64,") == 1
    assert "gone.jpg: cannot be read" in text or "gone.jpg" in text
    assert "http" not in text.replace("http-equiv", "")
