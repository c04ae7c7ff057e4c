"""Build the documentation site, strictly: python docs/build_site.py [FOLDER]

The pages are the Markdown files named in PAGES, most of them in docs/. Where a page has a line such as
`<!-- generated: commands -->`, this script writes the reference there: from the command line's own help, and from the
docstrings of the public names. The site lies in FOLDER/site; FOLDER is build/docs by default. Nothing is downloaded.

A broken link, a missing picture, a page outside the navigation, or anything that a browser would load from another
host is an error.
"""

from __future__ import annotations

import inspect
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal, get_origin
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))  # the reference is that of this checkout, whatever is installed

PAGES = {
    **{f"docs/{file.name}": file.name for file in sorted((ROOT / "docs").glob("*.md"))},
    "experiments/experiments.md": "experiments.md",
    "examples/photos/LICENSES.md": "example_photos.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}
"""Each file of the repository that is a page, and its name in the site."""

PICTURES = {"docs/assets": "assets", "experiments/assets": "assets/experiments"}
"""Each folder of pictures, and where it lies in the site."""


class SiteError(Exception):
    """The site cannot be built as it should be."""


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0]) if arguments else ROOT / "build/docs"
    try:
        site = build(folder.resolve())
    except SiteError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{site / 'index.html'}\n")
    return 0


def build(folder: Path) -> Path:
    """Write the site below a folder and return the site's folder."""
    pages = folder / "pages"
    shutil.rmtree(folder, ignore_errors=True)
    for source, name in PAGES.items():
        (pages / name).parent.mkdir(parents=True, exist_ok=True)
        (pages / name).write_text(page(source, name), encoding="utf-8")
    for source, name in PICTURES.items():
        shutil.copytree(ROOT / source, pages / name, dirs_exist_ok=True)
    settings = (ROOT / "docs/zensical.toml").read_text("utf-8")
    for name in PAGES.values():
        if f'"{name}"' not in settings:
            raise SiteError(f"docs/zensical.toml: {name} is not in the navigation")
    (folder / "zensical.toml").write_text(settings.replace("$SOURCE", str(ROOT / "src")), encoding="utf-8")
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", str(folder / "zensical.toml")]
    outcome = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"}
    )
    if outcome.returncode != 0:
        raise SiteError(outcome.stdout + outcome.stderr)
    site = folder / "site"
    if problems := list(broken_links(site)):
        raise SiteError("\n".join(problems))
    return site


# --- Pages


def page(source: str, name: str) -> str:
    """A page's text: links lead to other pages of the site, and generated parts are filled in."""
    text = (ROOT / source).read_text("utf-8")
    text = re.sub(r"(\]\()([^)#\s]+)", lambda match: match[1] + link(match[2], source, name), text)
    return re.sub(r"<!-- generated: (\w+) -->", lambda match: GENERATED[match[1]](), text)


def link(target: str, source: str, name: str) -> str:
    """Where a link of a repository file leads in the site."""
    if re.match(r"[a-z]+:", target):
        return target
    file = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    folder, _, picture = file.rpartition("/")
    found = PAGES.get(file) or (f"{PICTURES[folder]}/{picture}" if folder in PICTURES else None)
    if found is None:
        raise SiteError(f"{source}: links to {target}, which is no page of the site. Write its path as code instead")
    return posixpath.relpath(found, posixpath.dirname(name) or ".")


# --- The reference


def commands() -> str:
    """Every command with its arguments and options, from the help that the command line prints."""
    import typer

    from vectortag.apps.cli.app import COMMANDS, app_with

    program: Any = typer.main.get_command(app_with(COMMANDS))
    parts = []
    for name, command in [pair for word in COMMANDS for pair in with_inner(word, program.commands[word])]:
        usage = " ".join([f"vectortag {name}", *command.collect_usage_pieces(typer.Context(command))])
        rows = [row(parameter) for parameter in command.params]
        table = ["| argument or option | what it does | default |", "| --- | --- | --- |", *rows]
        parts += [f"### vectortag {name}", f"```text\n{usage}\n```", command.help or "", "\n".join(table)]
    return "\n\n".join(parts)


def with_inner(name: str, command: Any) -> list[tuple[str, Any]]:
    """A command by its name; of one that has commands of its own, those."""
    inner = getattr(command, "commands", None)
    return [(name, command)] if inner is None else [(f"{name} {word}", one) for word, one in inner.items()]


def row(parameter: Any) -> str:
    """One argument or option as a line of a table."""
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    if parameter.param_type_name == "argument":
        names = f"`{parameter.human_readable_name}`"
    text = parameter.help
    if choices := getattr(parameter.type, "choices", None):
        text += " One of " + ", ".join(f"`{getattr(choice, 'value', choice)}`" for choice in choices) + "."
    default = getattr(parameter.default, "value", parameter.default)
    shown = f"`{default}`" if isinstance(default, str | int | float) and not isinstance(default, bool) else ""
    return f"| {names} | {text.replace('|', '&#124;')} | {'required' if parameter.required else shown} |"


def names() -> str:
    """Every public name of the package: values and functions first, then the errors."""
    import vectortag

    found = {name: getattr(vectortag, name) for name in vectortag.__all__}
    errors = {
        name for name, value in found.items() if isinstance(value, type) and issubclass(value, vectortag.VectorTagError)
    }
    parts = [*directives(name for name in found if name not in errors), "## Errors", *directives(sorted(errors))]
    return "\n\n".join(parts)


def directives(names: Iterable[str]) -> Iterator[str]:
    """What mkdocstrings turns into documentation."""
    for name in names:
        if name == "train":  # the package of that name can be called: the reference is that of its function
            yield '<a id="vectortag.train"></a>'
            yield "::: vectortag.train.recipe.train"
        else:
            yield f"::: vectortag.{name}"


def settings() -> str:
    """Every key of a training's configuration: its default, and what its docstring says of it."""
    from vectortag.train.config import TrainConfig

    parts = ["## Keys outside all sections", *keys(TrainConfig)]
    for name, field in TrainConfig.model_fields.items():
        candidates = (field.annotation, *getattr(field.annotation, "__args__", ()))
        for section in candidates:
            if isinstance(section, type) and hasattr(section, "model_fields"):
                parts += [f"## [[{name}]]" if section is not field.annotation else f"## [{name}]", *keys(section)]
    return "\n\n".join(parts)


def keys(section: Any) -> Iterator[str]:
    """The docstring of a section, and a table of its keys."""
    text, _, attributes = (inspect.getdoc(section) or "").partition("\n\nAttributes:\n")
    said: dict[str, str] = {}
    for found in re.finditer(r"^    (\w[\w, ]*): (.*(?:\n {8}.*)*)", attributes, re.MULTILINE):
        said |= dict.fromkeys(found[1].split(", "), " ".join(found[2].split()))
    yield text
    rows = ["| key | default | meaning |", "| --- | --- | --- |"]
    for name, field in section.model_fields.items():
        if name == "data" or hasattr(type(field.default), "model_fields"):
            continue  # a section of its own
        choices = field.annotation.__args__ if get_origin(field.annotation) is Literal else ()
        meaning = said.get(name, "") + (
            " One of " + ", ".join(f'`"{one}"`' for one in choices) + "." if choices else ""
        )
        default = "required" if field.is_required() else f"`{toml(field.default)}`"
        rows.append(f"| `{name}` | {default} | {meaning.strip().replace('|', '&#124;')} |")
    yield "\n".join(rows)


def toml(value: object) -> str:
    """A default as one would write it in the file; a key without one is left out there."""
    return "none" if value is None else json.dumps(list(value) if isinstance(value, tuple) else value)


GENERATED = {"commands": commands, "names": names, "settings": settings}


# --- The check of what was built


class Links(HTMLParser):
    """What a built page links to, what a browser loads for it, and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.anchors.update(found[name] for name in ("id", "name") if name in found)
        if tag == "a" and "href" in found:
            self.targets.append(found["href"])
        elif tag == "link" and found.get("rel") not in {"canonical", "prev", "next"}:
            self.loaded.append(found.get("href", ""))
        elif "src" in found:
            self.loaded.append(found["src"])


def broken_links(site: Path) -> Iterator[str]:
    """Each link that leads nowhere, and each thing that would be loaded from another host."""
    parsed = {file: Links(file.read_text("utf-8")) for file in site.rglob("*.html") if file.name != "404.html"}
    for file, links in parsed.items():
        where = file.relative_to(site)
        for target in (*links.targets, *links.loaded):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                if target in links.loaded and parts.scheme != "data":
                    yield f"{where}: loads {target} from another host"
                continue
            path = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            path = path / "index.html" if path.is_dir() else path
            if not path.is_file():
                yield f"{where}: links to {target}, which is not there"
            elif parts.fragment and path in parsed and unquote(parts.fragment) not in parsed[path].anchors:
                yield f"{where}: links to {target}, which has no such anchor"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
