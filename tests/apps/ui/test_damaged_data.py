"""What the page shows where a file in the user's data folder is damaged: its name, and everything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vectortag.personal.corrections import Correction, add_corrections, corrections_file


def corrections_view(model: str) -> None:
    from vectortag.apps.ui.loaded_model import LoadedModel
    from vectortag.apps.ui.views import your_tags
    from vectortag.model.folder import read_model_folder

    your_tags._corrections(LoadedModel(read_model_folder(model)))


@pytest.fixture
def show(tiny_model: Path, need_module: Any) -> Any:
    """show(): run the view of corrections, without a browser."""
    testing = need_module("streamlit.testing.v1")
    return lambda: testing.AppTest.from_function(corrections_view, args=(str(tiny_model),), default_timeout=60).run()


def test_damaged_corrections_are_named_and_left_alone(show: Any):
    corrections_file().write_bytes(b"not a database")

    view = show()

    assert not view.exception
    assert "corrections.sqlite: corrections cannot be kept or read" in view.warning[0].value
    assert view.button[0].disabled
    assert corrections_file().read_bytes() == b"not a database"


@pytest.mark.parametrize("content", [None, b"not a photo"])
def test_a_correction_of_a_photo_that_is_gone_or_broken_is_listed(show: Any, tmp_path: Path, content: bytes | None):
    if content is not None:
        (tmp_path / "a.jpg").write_bytes(content)
    add_corrections([Correction(tmp_path / "a.jpg", "dog", True)])

    view = show()

    assert not view.exception
    assert [button.label for button in view.button] == ["Learn from them", "Take back"]
