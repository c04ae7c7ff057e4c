import pytest

from vectortag.core.errors import OverwriteError
from vectortag.library.link_folder import check_link_folder, write_links


def names_in(folder):
    return sorted(entry.name for entry in folder.iterdir())


def fill(folder, photos, roots=()):
    check_link_folder(folder, list(roots))
    return write_links(folder, photos)


def test_links_are_numbered_and_a_second_search_replaces_them(tmp_path):
    photos = [tmp_path / name for name in ("b.jpg", "in/b.jpg", "caf\udce9.jpg")]
    folder = tmp_path / "links"

    assert fill(folder, photos) == 3
    assert names_in(folder) == [".vectortag-links", "1 b.jpg", "2 b.jpg", "3 caf\udce9.jpg"]
    assert (folder / "2 b.jpg").readlink() == photos[1]
    fill(folder, photos[:1])
    assert names_in(folder) == [".vectortag-links", "1 b.jpg"]


def test_a_very_long_name_is_cut_and_keeps_its_suffix(tmp_path):
    fill(tmp_path / "links", [tmp_path / f"{'ü' * 125}x.jpg"] * 10)

    names = names_in(tmp_path / "links")[1:]
    assert len(names) == 10
    assert all(name.endswith(".jpg") and len(name.encode()) <= 255 for name in names)


def test_a_folder_with_anything_else_is_refused_and_left_as_it_is(tmp_path):
    folder = tmp_path / "links"
    fill(folder, [tmp_path / "a.jpg"])
    (folder / "mine.txt").write_text("mine")

    with pytest.raises(OverwriteError, match=r"holds \"mine\.txt\""):
        check_link_folder(folder, [])
    assert (folder / "1 a.jpg").is_symlink()


def test_a_folder_of_links_that_a_person_made_is_refused(tmp_path):
    folder = tmp_path / "links"
    folder.mkdir()
    (folder / "mine").symlink_to(tmp_path)

    with pytest.raises(OverwriteError, match="links that VectorTag did not make"):
        check_link_folder(folder, [])


def test_a_folder_inside_of_the_library_is_refused(tmp_path):
    with pytest.raises(OverwriteError, match="a folder of the library"):
        check_link_folder(tmp_path / "photos/links", [tmp_path / "photos"])
