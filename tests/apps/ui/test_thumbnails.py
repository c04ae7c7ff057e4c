"""Thumbnails of the photos that a tag was made from."""

from __future__ import annotations

from PIL import Image

from vectortag.apps.ui.thumbnails import remove_thumbnails, save_thumbnails, thumbnails_of


def test_the_thumbnails_of_a_tag(model, content):
    save_thumbnails(model.folder, "boat/house", [content(1), content(2, (3000, 100))])

    pictures = thumbnails_of(model.folder, "boat/house")
    assert len(pictures) == 2
    for picture in pictures:
        with Image.open(picture) as image:
            assert max(image.size) == 240
    assert model.tagger().additions == ()  # they are no tags
    remove_thumbnails(model.folder, "boat/house")
    assert thumbnails_of(model.folder, "boat/house") == []
