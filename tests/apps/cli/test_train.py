"""vectortag train: what is handed on to the recipe, which has tests of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

Cli = Callable[..., Any]
MINIMAL = 'name = "mine"\n[[data]]\nname = "photos"\ncsv = "photos/metadata.csv"\n'


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, need_module: Callable[[str], Any], tmp_path: Path) -> list[Any]:
    """The calls of the recipe, which answers at once: the folder runs/mine, or None for the seed 7."""
    need_module("pydantic")
    made: list[Any] = []

    def train(config: Any, output: Path, **options: bool) -> Any:
        made.append(SimpleNamespace(config=config, output=output, **options))
        figures = {"photos": 1200, "map": 0.5, "micro_f1": None}
        manifest = SimpleNamespace(
            name=config.name, tags=("dog", "sea"), data_sets=[SimpleNamespace(name="zoo")], metrics={"zoo": figures}
        )
        return None if config.seed == 7 else SimpleNamespace(path=output / config.name, manifest=manifest)

    monkeypatch.setitem(sys.modules, "vectortag.train.recipe", SimpleNamespace(train=train))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(MINIMAL)
    return made


def test_it_ends_with_the_summary_that_fit_has(cli: Cli, calls: list[Any]):
    assert cli("train", "mine.toml").stderr.splitlines() == [
        "2 tags; on 1,200 validation photos of zoo: mAP 50.0, micro F1 -",
        "report: runs/mine.run/report",
        "use it: vectortag tag PHOTO --model runs/mine",
    ]


@pytest.mark.parametrize("option", ["resume", "overwrite", "skip_bad_rows"])
def test_options_are_off_unless_asked_for(cli: Cli, calls: list[Any], option: str):
    cli("train", "mine.toml")
    cli("train", "mine.toml", f"--{option.replace('_', '-')}")

    assert [getattr(call, option) for call in calls] == [False, True]


def test_the_path_of_the_model_goes_to_stdout(cli: Cli, calls: list[Any]):
    outcome = cli("train", "mine.toml")

    assert (outcome.status, outcome.stdout) == (0, "runs/mine\n")
    (call,) = calls
    assert (call.config.name, call.output, call.resume) == ("mine", Path("runs"), False)


def test_options_and_settings_are_handed_on(cli: Cli, calls: list[Any]):
    settings = ("--set", "learning_rate=1e-3", "--set", "loss.kind=focal")

    assert cli("train", "mine.toml", "--output", "elsewhere", "--resume", *settings).status == 0

    (call,) = calls
    assert (call.output, call.resume) == (Path("elsewhere"), True)
    assert (call.config.learning_rate, call.config.loss.kind) == (1e-3, "focal")


def test_a_process_that_writes_no_model_prints_nothing(cli: Cli, calls: list[Any]):
    assert cli("train", "mine.toml", "--set", "seed=7") == (0, "", "")  # as all but the first of several processes


def test_a_wrong_setting_is_wrong_usage_and_nothing_is_trained(cli: Cli, calls: list[Any]):
    outcome = cli("train", "mine.toml", "--set", "epoch=3")

    assert (outcome.status, outcome.stdout, calls) == (2, "", [])
    assert 'unknown key "epoch". Did you mean "epochs"?' in outcome.stderr


class TestFindLr:
    @pytest.fixture
    def found(self, calls: list[Any], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        """The configurations for which a learning rate was looked for."""
        made: list[Any] = []

        def find(config: Any, output: Path, *, skip_bad_rows: bool) -> Any:
            made.append((config.name, output, skip_bad_rows))
            return SimpleNamespace(suggestion=0.00123)

        module = SimpleNamespace(
            find_learning_rate=find, curve_files=lambda output, name: (output / f"{name}.csv", output / f"{name}.png")
        )
        monkeypatch.setitem(sys.modules, "vectortag.train.learning_rate", module)
        return made

    def test_the_suggestion_goes_to_stdout_and_nothing_is_trained(self, cli: Cli, calls: list[Any], found: list[Any]):
        outcome = cli("train", "mine.toml", "--find-lr", "--skip-bad-rows")

        assert (outcome.status, outcome.stdout) == (0, "0.0012\n")
        assert outcome.stderr.splitlines() == ["curve: runs/mine.csv", "curve: runs/mine.png"]
        assert found == [("mine", Path("runs"), True)]
        assert calls == []

    @pytest.mark.parametrize("option", ["--resume", "--overwrite"])
    def test_what_only_a_training_can_do_is_refused(self, cli: Cli, calls: list[Any], found: list[Any], option: str):
        outcome = cli("train", "mine.toml", "--find-lr", option)

        assert outcome.status != 0
        assert "--find-lr does not train. Leave out --resume and --overwrite" in outcome.stderr
        assert calls == found == []
