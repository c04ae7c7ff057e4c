"""What all commands have in common: how they start, what wrong usage gets, and how they stop."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.inference.tagger import Tagger

Cli = Callable[..., Any]
MakePhoto = Callable[..., Path]
MAIN = "from vectortag.apps.entry import main; main()"


def python(code: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


class TestStart:
    def test_every_command_but_train_runs_with_the_core_alone(self, tiny_model: Path, make_data_set):
        data = make_data_set({"1.jpg": "dog", "2.jpg": "sea"})
        others = ["torch", "timm", "onnx", "onnxscript", "onnxruntime", "sklearn", "scipy", "matplotlib", "pytest"]
        others += ["fastapi", "pydantic", "pydantic_core"]
        commands = [
            ["tag", str(data), "--model", str(tiny_model)],
            ["explain", str(data / "1.jpg"), "--tag", "dog", "--model", str(tiny_model)],
            ["evaluate", str(tiny_model), str(data)],
            ["check", str(data)],
            ["models"],
            ["inspect", str(tiny_model)],
            ["--help"],
        ]
        code = f"""
import sys
sys.modules.update(dict.fromkeys({others}))  # None: importing it fails
from vectortag.apps.cli.app import run
sys.exit(str([run(arguments) for arguments in {commands}]))
"""
        outcome = python(code, cwd=data)

        assert outcome.stderr.splitlines()[-1] == str([0] * len(commands))

    @pytest.mark.parametrize("missing", ["torch", "pydantic"])
    def test_train_without_its_extra_gives_the_command_that_installs_it(self, missing: str):
        outcome = python(f"import sys; sys.modules['{missing}'] = None; {MAIN}", "train", "my_tags.toml")

        assert (outcome.returncode, outcome.stdout) == (2, "")
        assert outcome.stderr == f"error: Training needs {missing}. Install it with: pip install 'vectortag[train]'\n"


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "advice"),
        [
            (["tga", "photo.jpg"], "Did you mean 'tag'?"),
            (["tag", "photo.jpg", "--treshold", "0.5"], "--threshold"),
            (["tag", "photo.jpg", "--format", "json"], "'jsonl'"),
            (["evaluate", "lite0", "data", "--split", "tset"], "'val'"),
            (["tag"], "Missing argument"),
            (["tag", "photo.jpg", "--top-k", "0"], "Invalid value for '--top-k'"),
            (["tag", "photo.jpg", "--threshold", "50"], "Invalid value for '--threshold'"),
        ],
    )
    def test_wrong_usage_exits_with_2_and_says_where(self, cli: Cli, arguments, advice):
        outcome = cli(*arguments)

        assert (outcome.status, outcome.stdout) == (2, "")
        assert advice in outcome.stderr
        assert "Traceback" not in outcome.stderr

    @pytest.mark.parametrize("command", [["tag", "photo.jpg", "--model"], ["evaluate"], ["inspect"]])
    def test_an_unknown_model_is_wrong_usage(self, cli: Cli, home: Path, write_tiny_model, command):
        write_tiny_model(home / "models/holiday")

        outcome = cli(*command, "hollyday", *(["data"] if command == ["evaluate"] else []))

        assert (outcome.status, outcome.stdout) == (2, "")
        assert 'error: no model "hollyday", neither by name nor as a folder. Did you mean "holiday"?' in outcome.stderr

    def test_a_wrong_configuration_is_wrong_usage(self, cli: Cli, tmp_path: Path, need_module):
        need_module("timm")
        (tmp_path / "my_tags.toml").write_text('name = "my_tags"\nepoch = 3\n[[data]]\nname = "a"\ncsv = "a.csv"\n')

        outcome = cli("train", tmp_path / "my_tags.toml")

        assert (outcome.status, outcome.stdout) == (2, "")
        assert 'unknown key "epoch". Did you mean "epochs"?' in outcome.stderr

    def test_without_a_command_there_is_help(self, cli: Cli):
        outcome = cli()

        assert outcome.status == 2
        assert "Usage: vectortag" in outcome.stdout + outcome.stderr

    def test_help_is_no_failure(self, cli: Cli):
        outcome = cli("tag", "-h")

        assert (outcome.status, outcome.stderr) == (0, "")
        assert "Usage: vectortag tag" in outcome.stdout

    def test_an_error_keeps_brackets_and_long_lines(self, cli: Cli, tiny_model: Path, make_photo: MakePhoto):
        tag = "[bold]" + "very " * 30 + "long[/bold] :dog:"

        outcome = cli("explain", make_photo(), "--tag", tag, "--model", tiny_model)

        assert f'no tag "{tag}". All tags' in outcome.stderr
        assert outcome.stderr.count("\n") == 1


class TestQuiet:
    def test_progress_is_silenced(self, cli: Cli, tiny_model: Path, make_photo: MakePhoto, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        command = ["explain", make_photo(), "--tag", "animal", "--model", tiny_model]

        assert cli(*command).stderr == "animal: the heat map is that of dog\n"
        assert cli("--quiet", *command).stderr == ""

    def test_warnings_and_errors_are_not(self, cli: Cli, tiny_model: Path, make_photo: MakePhoto, tmp_path: Path):
        warning = cli("--quiet", "tag", make_photo(), tmp_path / "gone.jpg", "--model", tiny_model).stderr
        error = cli("--quiet", "inspect", "nothing-like-this").stderr

        assert warning == "1 of 2 photos could not be tagged\n"
        assert error.startswith('error: no model "nothing-like-this"')


class TestStop:
    @pytest.mark.parametrize("moment", ["load", "tag_many"])
    def test_ctrl_c_exits_with_130(self, cli: Cli, tiny_model: Path, make_photo: MakePhoto, monkeypatch, moment):
        def stop(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Tagger, moment, stop)

        outcome = cli("tag", make_photo(), "--model", tiny_model, "--format", "jsonl")

        assert outcome == (130, "", "error: stopped; no output file is incomplete\n")

    def test_a_bug_is_no_message_but_a_traceback(self, cli: Cli, tiny_model: Path, make_photo: MakePhoto, monkeypatch):
        monkeypatch.setattr(Tagger, "load", lambda *_, **__: 1 / 0)

        with pytest.raises(ZeroDivisionError):
            cli("tag", make_photo(), "--model", tiny_model)

    @pytest.mark.parametrize("form", ["table", "jsonl"])
    def test_a_reader_that_has_seen_enough_is_no_failure(self, tiny_model: Path, make_photo: MakePhoto, form):
        reading, writing = os.pipe()
        os.close(reading)
        command = [sys.executable, "-c", MAIN, "tag", make_photo(), "--model", tiny_model, "--format", form]
        try:
            outcome = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
        finally:
            os.close(writing)

        assert (outcome.returncode, outcome.stderr) == (0, "")
