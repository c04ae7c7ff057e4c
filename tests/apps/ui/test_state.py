"""What the views share: the models, and the photos and messages of a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from vectortag.core.errors import VectorTagError
from vectortag.model.folder import MANIFEST, ModelFolder
from vectortag.personal.corrections import Correction, add_corrections, corrections_file

state = pytest.importorskip("vectortag.apps.ui.state")


@pytest.fixture(autouse=True)
def _one_model(
    need_module: Callable[[str], ModuleType], tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The tiny model is the only one, and nothing is known of other tests."""
    scanner = need_module("streamlit.components.v2.manifest_scanner")
    monkeypatch.setattr(scanner, "scan_component_manifests", list)  # of all installed packages, for each new page
    monkeypatch.setattr("sys.argv", ["page.py"])
    offer(monkeypatch, tiny_model)
    yield
    need_module("streamlit").cache_resource.clear()


def offer(monkeypatch: pytest.MonkeyPatch, *paths: Path) -> None:
    """Let these be the model folders to choose from."""
    monkeypatch.setattr(state, "find_model_paths", lambda directories: list(paths))


@pytest.fixture
def draw() -> Callable[..., Any]:
    """draw(function, query={...}, name="value"): what a function draws, in a session."""
    from streamlit.testing.v1 import AppTest

    def run(function: Callable[[], object], *, query: Any = None, **session: object) -> Any:
        page = AppTest.from_function(_call, args=(function,), default_timeout=60)
        for name, value in (query or {}).items():
            page.query_params[name] = value
        for name, value in session.items():
            page.session_state[name] = value
        page.run()
        assert not page.exception, page.exception
        return page

    return run


def _call(function):  # its text becomes the script, where no name of this file is known
    function()


class TestModels:
    def test_a_broken_folder_is_a_problem_and_no_end(self, tiny_model: Path, tmp_path: Path, monkeypatch):
        (tmp_path / "broken").mkdir()
        (tmp_path / "broken" / MANIFEST).write_text("{}")
        offer(monkeypatch, tmp_path / "broken", tiny_model)

        found, (problem,) = state.models()

        assert list(found) == ["tiny"]
        assert "broken" in problem

    def test_a_folder_of_models_that_is_not_there_is_a_problem_and_the_others_are_offered(
        self, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        def find(directories: Any) -> list[Path]:
            if directories:
                raise VectorTagError("gone: no such folder")
            return [tiny_model]

        monkeypatch.setattr("sys.argv", ["page.py", "--models", str(tmp_path / "gone")])
        monkeypatch.setattr(state, "find_model_paths", find)

        found, problems = state.models()

        assert (list(found), problems) == (["tiny"], ["gone: no such folder"])

    def test_a_folder_is_read_again_when_it_has_changed(
        self, write_tiny_model: Callable[..., ModelFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        path = write_tiny_model(tmp_path / "mine", name="mine").path
        offer(monkeypatch, path)
        assert list(state.models()[0]) == ["mine"]

        (path / MANIFEST).write_text((path / MANIFEST).read_text().replace('"mine"', '"other"'))

        assert list(state.models()[0]) == ["other"]

    def test_one_model_is_loaded_once_for_all_sessions(self, draw: Any):
        loaded: list[Any] = []

        for _ in range(2):
            draw(lambda: loaded.append(state.choose_model()))

        assert loaded[0] is loaded[1]

    def test_the_address_names_a_model(
        self, draw: Any, tiny_model: Path, write_tiny_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        offer(monkeypatch, tiny_model, write_tiny_model(tmp_path / "mine", name="mine").path)
        chosen: list[str] = []

        def choose() -> None:
            chosen.append(state.choose_model().folder.manifest.name)

        draw(choose)
        draw(choose, query={"model": "mine"})
        draw(choose, query={"model": "no such model"})

        assert chosen == ["tiny", "mine", "tiny"]


class TestMessages:
    def test_an_error_is_kept_until_it_is_shown_and_shown_once(self, draw: Any):
        def fail() -> None:
            raise VectorTagError("**x**: no such tag")

        def act() -> None:
            import streamlit as st

            if "acted" not in st.session_state:
                st.session_state["acted"] = state.attempt(fail), state.attempt(lambda: None)
                st.rerun()
            state.show_problems()

        page = draw(act)

        assert page.session_state["acted"] == (False, True)
        assert [one.value for one in page.error] == [r"\*\*x\*\*: no such tag"]
        assert len(page.run().error) == 0

    def test_several_are_one_message(self, draw: Any):
        def act() -> None:
            state.add_problem("one")
            state.add_problem("two")
            state.show_problems()

        assert [one.value for one in draw(act).error] == ["one  \ntwo"]

    def test_an_error_of_the_program_is_none_of_these(self):
        with pytest.raises(ZeroDivisionError):
            state.attempt(lambda: 1 / 0)


class TestDrawingAgain:
    def test_a_click_that_a_run_of_the_whole_page_handles_draws_the_whole_page_again(self, draw: Any):
        def act() -> None:
            import streamlit as st

            @st.fragment
            def part() -> None:
                if st.session_state.pop("clicked", False):
                    state.rerun_fragment()

            st.session_state["runs"] = st.session_state.get("runs", 0) + 1
            part()

        page = draw(act, clicked=True)

        assert page.session_state["runs"] == 2


class TestCorrections:
    def test_all_are_read(self, draw: Any, make_photo: Callable[..., Path]):
        correction = Correction(make_photo(), "dog", True)
        add_corrections([correction])
        read: list[Any] = []

        page = draw(lambda: read.extend(state.stored_corrections()))

        assert read == [correction]
        assert len(page.warning) == 0

    def test_a_file_that_cannot_be_read_is_named_and_stays(self, draw: Any):
        corrections_file().write_bytes(b"not a database")
        read: list[Any] = []

        page = draw(lambda: read.append(state.stored_corrections()))

        assert read == [[]]
        assert "corrections.sqlite" in page.warning[0].value
        assert corrections_file().read_bytes() == b"not a database"


def test_a_thumbnail_is_made_anew_when_its_file_has_changed(make_photo: Callable[..., Path]):
    photo = make_photo(size=(640, 480), seed=1)

    first = state.thumbnail(str(photo), 1)
    make_photo(size=(480, 640), seed=2)

    assert max(first.size) == 192
    assert state.thumbnail(str(photo), 1).size == first.size
    assert state.thumbnail(str(photo), 2).size == first.size[::-1]
