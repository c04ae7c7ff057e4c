"""Rules as in a .gitignore: in files, and given with a command."""

from __future__ import annotations

import shutil
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from vectortag.core.errors import ConfigError
from vectortag.data.find import find_images
from vectortag.data.ignore import _names, _without_retries

NAMES = ("a.jpg", "a.png", "private/b.jpg", "trips/private/c.jpg", "trips/d.png", "trips/keep.png", "trips/rome/e.jpg")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / "library" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "library" / name).touch()
    return tmp_path / "library"


def found(library: Path, *exclude: str) -> set[str]:
    return {path.relative_to(library).as_posix() for path in find_images(library, exclude=exclude)}


def ignore(folder: Path, *lines: str) -> None:
    (folder / ".vectortagignore").write_text("\n".join(lines))


RULES = [
    ["*.png"],
    ["[[a].png"],
    ["private/"],
    ["/private"],
    ["trips/*"],
    ["trips/**/e.jpg"],
    ["*.png", "!keep.png"],
    ["# nothing", "", "d.png"],
    ["trips/", "!trips/keep.png"],
    ["*", "!*/", "!*.jpg"],
    ["trips", "!trips/", "rome/*"],
    ["trips/**", "!trips/**/", "!keep.png"],
    ["**/rome", "/*.png"],
    ["[ab].jpg", "trips/d.?ng"],
]


@pytest.mark.parametrize("lines", RULES, ids=" ".join)
def test_rules_mean_what_they_mean_to_git(library: Path, lines: list[str]):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    ignore(library, *lines)
    (library / ".gitignore").write_text("\n".join(lines))
    subprocess.run(["git", "init", "-q", library], check=True)
    listed = subprocess.run(
        ["git", "-C", library, "ls-files", "--others", "--exclude-standard"], capture_output=True, text=True, check=True
    )

    assert found(library) == set(NAMES) & set(listed.stdout.split())


def test_the_deeper_file_wins(library: Path):
    ignore(library, "*.png")
    ignore(library / "trips", "!keep.png")

    assert found(library) == set(NAMES) - {"a.png", "trips/d.png"}


def test_what_the_command_excludes_wins_over_files(library: Path):
    ignore(library, "!*.png")

    assert found(library, "*.png", "rome") == {"a.jpg", "private/b.jpg", "trips/private/c.jpg"}


def test_a_file_that_was_named_is_excluded_by_its_name_alone(library: Path):
    ignore(library, "a.jpg")
    named = [library / "a.jpg", library / "a.png"]

    assert list(find_images(named)) == named
    assert list(find_images(named, exclude=["*.png"])) == [library / "a.jpg"]


def test_names_that_are_not_utf8_are_matched(library: Path):
    (library / "caf\udce9.jpg").touch()
    (library / ".vectortagignore").write_bytes(b"caf\xe9.jpg\r\n")

    assert found(library) == set(NAMES)


@pytest.mark.parametrize("kind", ["file", "option"])
def test_what_is_no_rule_is_an_error_that_names_it(library: Path, kind: str):
    if kind == "file":
        ignore(library, "*.jpg", "!")
    where = r"\.vectortagignore" if kind == "file" else "--exclude"

    with pytest.raises(ConfigError, match=f"{where}: is not a rule of a .gitignore"):
        found(library, *(["!"] if kind == "option" else []))


def test_a_folder_of_that_name_has_no_rules(library: Path):
    (library / ".vectortagignore").mkdir()

    assert found(library) == set(NAMES)


def test_the_library_of_rules_is_imported_only_where_there_are_some(library: Path):
    program = (
        "import sys; from vectortag.data.find import find_images; list(find_images(sys.argv[1])); print(*sys.modules)"
    )
    command = [sys.executable, "-c", program, str(library)]

    assert "pathspec" not in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    ignore(library, "*.png")
    assert "pathspec" in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_a_rule_of_many_stars_takes_no_longer_for_a_long_name(tmp_path: Path):
    (tmp_path / ("a" * 240 + ".jpg")).touch()
    (tmp_path / ("a" * 240 + "b.jpg")).touch()
    ignore(tmp_path, "*a*a*a*a*a*a*a*a*b.jpg")

    assert found(tmp_path) == {"a" * 240 + ".jpg"}


NAME = st.text("ab(", min_size=1, max_size=8)


@given(st.text("ab(*?", min_size=1, max_size=8).filter(lambda glob: "**" not in glob), NAME)
def test_stars_mean_what_they_mean_to_python(glob: str, name: str):
    (rule,) = GitIgnoreSpec.from_lines([glob]).patterns

    assert _names(_without_retries(rule.regex.pattern), name) == fnmatchcase(name, glob)
