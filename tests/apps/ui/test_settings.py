"""What the page was started with."""

from __future__ import annotations

from vectortag.apps.ui.settings import Settings, read_settings


def test_the_settings_survive_the_command_line(tmp_path):
    settings = Settings(
        (tmp_path / "runs",), (tmp_path / "photos", tmp_path / "more.csv"), tmp_path / "a.sqlite", edit=True
    )

    assert read_settings(["page.py", *settings.to_arguments(), "--other"]) == settings
