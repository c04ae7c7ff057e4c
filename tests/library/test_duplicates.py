import numpy as np
import pytest
from PIL import Image
from synthetic_library import MadePhoto, write_library

from vectortag.library.library import Library

ZEROS = np.zeros(6, np.float32)


def embedding(seed: int, *, like: np.ndarray | None = None) -> np.ndarray:
    made = np.abs(np.random.default_rng(seed).normal(0, 1, 8)).astype(np.float32)
    return made if like is None else like + 0.05 * made


def groups_of(library: Library, **options) -> list[tuple[str, list[str]]]:
    return [(group.kind, [photo.name for photo in group.photos]) for group in library.duplicates(**options).groups]


@pytest.fixture
def make(tmp_path, worded):
    opened: list[Library] = []

    def write(*photos: MadePhoto) -> Library:
        opened.append(write_library(tmp_path / f"library{len(opened)}.sqlite", worded, photos))
        return opened[-1]

    yield write
    for library in opened:
        library.close()


def test_files_of_one_content_are_duplicates(make):
    content = b"0123456789abcdef"
    library = make(
        *(MadePhoto(path, content=content, scores=ZEROS, embedding=embedding(1)) for path in ("a.jpg", "in/b.jpg")),
        MadePhoto("c.jpg", scores=ZEROS, embedding=np.eye(8, dtype=np.float32)[0]),
        MadePhoto("gone.jpg", content=content, gone=True),
    )

    assert groups_of(library, kinds=["same"]) == [("same", ["a.jpg", "b.jpg"])]


def test_a_copy_in_another_size_is_alike_and_a_likeness_of_embeddings_alone_is_not(make, make_photo, tmp_path):
    original = make_photo("a.png", size=(200, 150), seed=1)
    with Image.open(original) as image:
        image.resize((100, 75)).save(tmp_path / "small.jpg", quality=60)
    make_photo("other.png", seed=2)
    first = embedding(1)
    library = make(
        MadePhoto("a.png", str(tmp_path), scores=ZEROS, embedding=first),
        MadePhoto("small.jpg", str(tmp_path), scores=ZEROS, embedding=embedding(2, like=first)),
        MadePhoto("other.png", str(tmp_path), scores=ZEROS, embedding=embedding(3, like=first)),
        MadePhoto("missing.png", str(tmp_path), scores=ZEROS, embedding=embedding(4, like=first)),
    )

    found = library.duplicates(["alike"])

    assert [[photo.name for photo in group.photos] for group in found.groups] == [["a.png", "small.jpg"]]
    assert ["missing.png" in str(error) for error in found.unread] == [True]


def test_photos_of_one_moment_and_folder_that_are_alike_are_a_burst(make):
    first, other = embedding(1), np.eye(8, dtype=np.float32)[7]
    moments = [
        ("x/1.jpg", "2024-07-01T10:00:00", first),
        ("x/2.jpg", "2024-07-01T10:00:01", embedding(2, like=first)),
        ("x/3.jpg", "2024-07-01T10:00:03", embedding(3, like=first)),
        ("x/late.jpg", "2024-07-01T10:00:06", embedding(4, like=first)),
        ("y/elsewhere.jpg", "2024-07-01T10:00:01", embedding(5, like=first)),
        ("x/else.jpg", "2024-07-01T10:00:07", other),
        ("x/undated.jpg", None, first),
    ]
    library = make(*(MadePhoto(path, scores=ZEROS, taken=taken, embedding=one) for path, taken, one in moments))

    assert groups_of(library, kinds=["burst"]) == [("burst", ["1.jpg", "2.jpg", "3.jpg"])]


def test_an_empty_library_has_no_duplicates(tmp_path):
    with Library.open(tmp_path / "empty.sqlite") as library:
        assert library.duplicates().groups == ()
