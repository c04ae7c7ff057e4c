"""What a library says of itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from made_photos import photo
from synthetic_library import MadePhoto

from vectortag.library.library import Library
from vectortag.model.folder import ModelFolder


def test_photos_are_counted_by_folder_and_by_what_became_of_them(make: Callable[..., Library], worded: ModelFolder):
    library = make(
        photo("a.jpg", dog=0.9),
        photo("broken.jpg"),
        photo("gone.jpg", gone=True),
        MadePhoto("new.jpg", "/usb"),
        MadePhoto("other.jpg", "/usb"),
        offline=["/usb"],
    )
    execute = library.database.execute
    execute("UPDATE photos SET error = 'not a photo', content = NULL WHERE path = 'broken.jpg'")
    execute("UPDATE photos SET content = NULL WHERE path = 'new.jpg'")

    status = library.status()

    assert [(one.root.path, one.photos, one.gone, one.failed, one.unread) for one in status.roots] == [
        (Path("/photos"), 2, 1, 1, 0),
        (Path("/usb"), 2, 0, 0, 1),
    ]
    assert [one.root.why for one in status.roots] == [None, None]
    assert status.model == (worded.id, "f32", 32)
    assert status.analysed == 3
    assert status.bytes >= library.file.stat().st_size > 0


def test_a_new_library_has_a_folder_without_photos_and_no_model(library: Library):
    status = library.status()

    assert [(one.photos, one.gone, one.failed, one.unread) for one in status.roots] == [(0, 0, 0, 0)]
    assert (status.model, status.analysed) == (None, 0)


def test_photos_that_cannot_be_read_are_named_by_path_with_the_reason(make: Callable[..., Library]):
    library = make(photo("b.jpg"), photo("a\udce9.jpg"), photo("gone.jpg", gone=True), photo("fine.jpg"))
    library.database.execute("UPDATE photos SET error = 'why ' || id WHERE path <> 'fine.jpg'")

    assert library.errors() == [(Path("/photos/a\udce9.jpg"), "why 2"), (Path("/photos/b.jpg"), "why 1")]


def test_the_write_ahead_log_counts_in_its_size(library: Library, update: Callable[..., Any]):
    update()
    log = library.file.with_name(library.file.name + "-wal")

    assert library.status().bytes == library.file.stat().st_size + (log.stat().st_size if log.exists() else 0)
    assert log.exists()
