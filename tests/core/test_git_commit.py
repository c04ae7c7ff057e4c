"""The commit of the working folder."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from vectortag.core.git_commit import git_commit


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit, and a tag."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    (tmp_path / "config.toml").write_text("epochs = 1\n")
    for command in (["init"], ["add", "."], ["commit", "-m", "x"], ["tag", "v1"]):
        git(tmp_path, *command)
    return tmp_path


def git(folder: Path, *command: str) -> str:
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    return subprocess.run(["git", "-C", folder, *who, *command], capture_output=True, text=True, check=True).stdout


def test_it_is_that_of_the_repository_also_where_a_tag_names_it(repository: Path):
    assert git_commit(repository) == git(repository, "rev-parse", "HEAD").strip()


def test_changed_files_are_said(repository: Path):
    (repository / "config.toml").write_text("epochs = 2\n")

    assert git_commit(repository) == git(repository, "rev-parse", "HEAD").strip() + "-dirty"


def test_a_repository_without_a_commit_has_none(repository: Path, tmp_path: Path):
    git(tmp_path, "init", "empty")

    assert git_commit(tmp_path / "empty") is None


def test_nor_has_a_folder_that_is_in_none(tmp_path: Path):
    assert git_commit(tmp_path) is None


def test_nor_a_machine_without_git(repository: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")

    assert git_commit(repository) is None
