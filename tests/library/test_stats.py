import numpy as np
from synthetic_library import MadePhoto, write_library

from vectortag.library.library import Library


def test_photos_are_counted_by_year_folder_tag_and_keyword(tmp_path, worded):
    dog = np.float32([0.9, 0, 0.9, 0, 0, 0])
    nothing, embedding = np.zeros(6, np.float32), np.ones(8, np.float32)
    photos = [
        MadePhoto("2024/a.jpg", scores=dog, embedding=embedding, taken="2024-07-01T10:00:00", keywords=("Anna",)),
        MadePhoto("2024/b.jpg", scores=dog, embedding=embedding, taken="2023-07-01T10:00:00", decisions={"dog": False}),
        MadePhoto("c.jpg", scores=nothing, embedding=embedding, decisions={"Rex": True}),
        MadePhoto("d.jpg", "/usb", content=b"0123456789abcdef"),
        MadePhoto("e.jpg", "/usb", content=b"0123456789abcdef"),
        MadePhoto("gone.jpg", scores=dog, embedding=embedding, gone=True),
    ]
    with write_library(tmp_path / "library.sqlite", worded, photos, offline=["/usb"]) as library:
        stats = library.stats()

    assert (stats.photos, stats.contents, stats.offline, stats.unreadable) == (5, 4, 2, 0)
    assert stats.years == {"2023": 1, "2024": 1}
    assert stats.folders == {"/photos/": 1, "/photos/2024/": 2, "/usb/": 2}
    assert stats.tags == {"animal": 2, "Rex": 1, "dog": 1}
    assert stats.keywords == {"Anna": 1}
    assert list(stats.models.values()) == [4]


def test_an_empty_library_has_nothing_to_count(tmp_path):
    with Library.open(tmp_path / "empty.sqlite") as library:
        stats = library.stats()

    assert stats.photos == 0
    assert stats.tags == {}
