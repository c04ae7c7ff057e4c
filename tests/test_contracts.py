"""What holds for the whole: layers, imports, names, commands, the shipped models."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import re
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
from vectortag.core.schema import to_plain
from vectortag.core.types import Tagging
from vectortag.data.find import find_images
from vectortag.evaluation.model_card import write_card
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import read_model_folder
from vectortag.model.registry import DEFAULT_MODEL, model_folders

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "vectortag"
APP = app_with(COMMAND_NAMES)
COMMANDS = {command.name: command for command in APP.registered_commands}
for group in APP.registered_groups:
    assert group.typer_instance is not None
    COMMANDS |= {f"{group.name} {command.name}": command for command in group.typer_instance.registered_commands}


def test_a_module_imports_only_from_lower_layers(need_module: Callable[[str], ModuleType]):
    need_module("importlinter")
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"

    outcome = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert outcome.returncode == 0, outcome.stdout
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", outcome.stdout)


class TestTheMap:
    """CONTRIBUTING.md shows the packages, top to bottom, with their modules; so does the contract of the layers."""

    def rows(self) -> dict[str, set[str]]:
        """Each package of the table and its modules, in the table's order."""
        text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
        found = re.findall(r"^\| `(\w+)` \|.*\| `([\w ]+)` \|$", text, re.MULTILINE)
        return {package: set(modules.split()) for package, modules in found}

    def test_it_names_every_package_and_no_other(self):
        packages = {file.parent.name for file in PACKAGE.glob("*/__init__.py")}

        assert set(self.rows()) == packages

    def test_it_names_every_module_and_no_other(self):
        for package, modules in self.rows().items():
            there = {module.name for module in pkgutil.iter_modules([str(PACKAGE / package)])}

            assert modules == there, package

    def test_its_order_is_that_of_the_layers(self):
        settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
        layers = next(c for c in settings["tool"]["importlinter"]["contracts"] if c["type"] == "layers")

        assert layers["exhaustive"]
        assert list(self.rows()) == layers["layers"]

    def test_the_top_of_the_package_is_small(self):
        entries = [entry.name for entry in PACKAGE.iterdir() if entry.name != "__pycache__"]

        assert len(entries) <= 15


class TestWhereToChangeThings:
    """CONTRIBUTING.md names a file for each thing that somebody may want to change, and what to look for in it."""

    def rows(self) -> list[tuple[str, list[str]]]:
        text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
        table = text.partition("| to change | open | there |")[2].partition("\n\n")[0]
        return [
            (file, re.findall(r"`(\w+)`", names))
            for file, names in re.findall(r"^\| .+ \| `([\w/]+\.\w+)` \| (.+) \|$", table, re.MULTILINE)
        ]

    def test_each_file_exists_and_contains_what_is_named(self):
        rows = self.rows()
        assert len(rows) >= 16

        for file, names in rows:
            text = (PACKAGE / file).read_text("utf-8")
            assert names, file
            for name in names:
                assert re.search(rf"(^|\s|\[){name}\b", text, re.MULTILINE), f"{file}: {name}"


MOST_LINES, MOST_LINES_OF_A_FUNCTION, MOST_PARAMETERS = 300, 60, 10


class TestSizes:
    """A module, a function and a list of parameters are short enough to be read in one go."""

    def functions(self) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
        """Each function and method outside the command line, whose commands have an option per parameter."""
        for file in PACKAGE.rglob("*.py"):
            if not file.is_relative_to(PACKAGE / "apps" / "cli"):
                for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                        yield f"{file.relative_to(PACKAGE).as_posix()}: {node.name}", node

    def test_no_module_is_too_long(self):
        lines = {
            file.relative_to(PACKAGE).as_posix(): len(file.read_text("utf-8").splitlines())
            for file in PACKAGE.rglob("*.py")
        }

        assert {name for name, count in lines.items() if count > MOST_LINES} == set()

    def test_no_function_is_too_long(self):
        lines = [(name, (node.end_lineno or 0) - node.lineno + 1) for name, node in self.functions()]

        assert len(lines) > 1000
        assert {name for name, count in lines if count > MOST_LINES_OF_A_FUNCTION} == set()

    def test_no_function_has_too_many_parameters(self):
        too_many = set()
        for name, node in self.functions():
            parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            if sum(one.arg not in {"self", "cls"} for one in parameters) > MOST_PARAMETERS:
                too_many.add(name)

        assert too_many == set()


PACKAGES = sorted(file.parent.name for file in PACKAGE.glob("*/__init__.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_each_module_has_a_test_file_that_mirrors_it(package: str):
    modules = [file.relative_to(PACKAGE) for file in (PACKAGE / package).rglob("*.py") if file.name != "__init__.py"]
    named = {module.with_name(f"test_{module.stem.lstrip('_')}.py") for module in modules}

    for module, name in ((module, module.stem.lstrip("_")) for module in modules):
        tests = ROOT / "tests" / module.parent
        more = set(tests.glob(f"test_{name}_*.py")) - {ROOT / "tests" / one for one in named}
        assert (tests / f"test_{name}.py").exists() or more, f"tests/{module.parent}/test_{name}.py is missing"


OUTSIDE = sorted(
    file
    for folder in ("benchmarks", "deploy", "docs", "examples", "experiments")
    for file in (ROOT / folder).rglob("*.py")
)


@pytest.mark.parametrize("file", OUTSIDE, ids=lambda file: str(file.relative_to(ROOT)))
def test_what_a_script_imports_of_the_package_is_there(file: Path, need_module: Callable[[str], ModuleType]):
    """Also inside functions, which nothing else runs or checks."""
    imports = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
    for node in (node for node in imports if (node.module or "").partition(".")[0] == "vectortag"):
        if ".train." in str(node.module):
            need_module("lightning")
        module = importlib.import_module(str(node.module))

        absent = [one.name for one in node.names if not hasattr(module, one.name)]

        inner = {one.name for one in pkgutil.iter_modules(getattr(module, "__path__", ()))}
        assert set(absent) <= inner, node.module


class TestImporting:
    def test_importing_vectortag_imports_nothing_heavy_and_opens_nothing_but_modules(self):
        code = """
import sys
opened = []
sys.addaudithook(lambda event, arguments: event == "open" and opened.append(str(arguments[0])))
import vectortag
print([name for name in opened if not name.endswith((".py", ".pyc"))])
print(sorted({"numpy", "openvino", "onnxruntime", "PIL", "msgspec", "pydantic", "torch"} & sys.modules.keys()))
print(any("vectortag" in name for name in opened))
"""
        assert run(code).splitlines() == ["[]", "[]", "True"]

    def test_tagging_never_imports_torch(self, tiny_model: Path, make_photo: Callable[..., Path]):
        code = """
import sys
import vectortag as vt
tagger = vt.Tagger.load(sys.argv[1])
tagger.tag(sys.argv[2])
tagger.explain(sys.argv[2], "dog")
print(sorted({"torch", "timm", "onnx", "sklearn", "scipy", "matplotlib"} & sys.modules.keys()))
"""
        assert run(code, tiny_model, make_photo()) == "[]\n"

    @pytest.mark.parametrize(("command", "slow"), [("tag", ["rich"]), ("explain", [])])
    def test_a_quick_start_imports_nothing_that_it_does_not_need(
        self, command: str, slow: list[str], tiny_model: Path, make_photo: Callable[..., Path], tmp_path: Path
    ):
        code = f"""
import sys
from vectortag.apps.cli.app import run
status = run(sys.argv[1:])
print(status, sorted({{"fastapi", "pydantic", "torch", *{slow}}} & sys.modules.keys()))
"""
        output = tmp_path / "out"

        assert run(code, command, make_photo(), "--model", tiny_model, "--output", output).endswith("0 []\n")
        assert output.exists()

    def test_a_library_imports_no_http_client(self, tmp_path: Path):
        code = """
import sys
from vectortag.apps.cli.app import run
status = run(sys.argv[1:])
print(status, sorted({"http.client", "ssl", "email", "asyncio", "pydantic", "torch"} & sys.modules.keys()))
"""
        assert run(code, "library", "add", tmp_path, "--library", tmp_path / "l.sqlite").endswith("0 []\n")

    @pytest.mark.parametrize("file", sorted((ROOT / "src/vectortag").rglob("*.py")), ids=lambda file: file.name)
    def test_every_module_says_what_it_is(self, file: Path):
        assert re.match(r'"""\S', file.read_text("utf-8"))


def run(code: str, *arguments: object) -> str:
    """What the code prints in a process of its own."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class TestPublicNames:
    @pytest.mark.parametrize("name", vectortag.__all__)
    def test_every_public_name_is_there_and_has_a_docstring(self, name):
        value = getattr(vectortag, name)

        assert value.__name__ in {name, f"vectortag.{name}"}  # `train` is a package that can be called
        assert value.__doc__
        assert not value.__doc__.startswith(f"{name}(")  # what dataclass writes where nobody else did

    def test_the_names_are_sorted_and_told_by_dir(self):
        assert vectortag.__all__ == sorted(vectortag.__all__, key=lambda name: (name.islower(), name))
        assert set(dir(vectortag)) == {*vectortag.__all__, "__version__"}

    def test_every_error_is_public(self):
        errors = importlib.import_module("vectortag.core.errors")
        found = {name for name, value in vars(errors).items() if getattr(value, "__module__", "") == errors.__name__}

        assert found - {"did_you_mean"} <= set(vectortag.__all__)

    def test_training_without_its_packages_says_what_to_install(self):
        code = """
import sys
sys.modules["torch"] = sys.modules["pydantic"] = None  # as if they were not installed
import vectortag as vt
for use in (lambda: vt.train("mine.toml"), lambda: vt.TrainConfig):
    try:
        use()
    except vt.MissingExtraError as error:
        print(error)
"""
        assert run(code).splitlines() == [
            f"Training needs {package}. Install it with: pip install 'vectortag[train]'"
            for package in ("torch", "pydantic")
        ]

    def test_another_name_is_an_error(self):
        with pytest.raises(AttributeError, match="module 'vectortag' has no attribute 'Taggr'"):
            vectortag.Taggr  # noqa: B018


class TestCommands:
    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_command_has_help_and_an_example(self, name):
        text = COMMANDS[name].callback.__doc__ or ""

        assert len(text.splitlines()[0]) > 20
        assert re.search(rf"\*\*Examples?\*\*\n\n.*`[^`]*vectortag {name}\b", text, re.DOTALL)

    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_option_has_help(self, name):
        command = typer.main.get_command(APP)
        for word in name.split():
            command = command.commands[word]

        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{name}: {parameter.name}"


class TestShippedModels:
    @pytest.fixture
    def shipped(self, need: Callable[[object, str], None]) -> list[Path]:
        folders = list(model_folders())
        need(folders, "a shipped model")
        return folders

    def test_every_shipped_model_is_whole_and_says_what_it_was_made_from(self, shipped: list[Path]):
        for folder in map(read_model_folder, shipped):
            card = (folder.path / "MODEL_CARD.md").read_text("utf-8")

            assert card == write_card(folder.manifest)
            manifest = json.dumps(to_plain(folder.manifest), ensure_ascii=False) + "\n"
            assert manifest.encode() == (folder.path / "manifest.json").read_bytes()
            assert folder.path.name == folder.manifest.name
            assert folder.manifest.data_sets
            for info in folder.manifest.data_sets:
                assert f"| {info.name} |" in card

    def test_the_default_model_is_shipped(self, shipped: list[Path]):
        assert DEFAULT_MODEL in [folder.name for folder in shipped]

    def test_every_shipped_model_tags_the_example_photos(self, shipped: list[Path]):
        photos = list(find_images(ROOT / "examples/photos"))
        assert photos

        for folder in shipped:
            taggings = list(Tagger.load(folder).tag_many(photos))

            assert [type(tagging) for tagging in taggings] == [Tagging] * len(photos)
            assert any(tagging.tags for tagging in taggings)
