"""Do two checkouts give the same scores, tags, heat maps and models, bit for bit?

    python benchmarks/same_results.py BEFORE AFTER PHOTOS...

BEFORE and AFTER are checkouts of VectorTag. Each command runs in a process of its own, with this Python and an empty
data folder. Compared are:
- the JSON Lines of `tag --all-scores` for every photo, with each shipped model, exact and as chosen for this machine;
- the heat maps of all tags of the first photos (`explain --all`), and the picture of one;
- the JSON Lines of `find`, and with `--fit` the head, network and background photos of a model that `fit` makes.
Prints a line a comparison; the exit status is 1 where any differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

MODELS = ("lite0", "lite2", "resnet18")
MAPS = 20
"""Photos whose heat maps are compared."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--fit", type=Path, help="A metadata.csv for `fit`.")
    arguments = parser.parse_args()
    photos = sorted(file.resolve() for path in arguments.photos for file in files_of(path))
    same = True
    with tempfile.TemporaryDirectory() as folder:
        for name, commands in comparisons(photos, arguments.fit):
            outcomes = [
                outcome(checkout.resolve(), commands, Path(folder)) for checkout in (arguments.before, arguments.after)
            ]
            equal = outcomes[0] == outcomes[1]
            same &= equal
            print(f"{'same' if equal else 'DIFFERENT'}  {name}, {len(outcomes[0])} files", flush=True)
            for file in sorted(
                file for file in outcomes[0] | outcomes[1] if outcomes[0].get(file) != outcomes[1].get(file)
            ):
                print(f"    {file}", flush=True)
    return 0 if same else 1


def files_of(path: Path) -> list[Path]:
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.suffix.lower() in {".jpg", ".png"}]


def comparisons(photos: list[Path], data: Path | None) -> Iterator[tuple[str, list[list[str]]]]:
    """A name, and the commands whose standard output and files are compared."""
    named = [str(photo) for photo in photos]
    for model in MODELS:
        for precision in ("exact", "auto"):
            chosen = ["--model", model, "--precision", precision]
            yield (
                f"tag {model} {precision}, {len(photos)} photos",
                [["tag", *named, *chosen, "--format", "jsonl", "--all-scores"]],
            )
        maps = ["explain", *named[:MAPS], "--model", model, "--precision", "exact"]
        yield (
            f"explain {model}, {len(named[:MAPS])} photos",
            [[*maps, "--all", "--output", "maps"], ["explain", named[0], "--model", model, "--tag", "animal"]],
        )
    yield "find", [["find", "a dog on the grass", *named, "--format", "jsonl"]]
    if data is not None:
        yield "fit", [["fit", str(data.resolve()), "--name", "mine", "--model", "lite0"]]


def outcome(checkout: Path, commands: list[list[str]], scratch: Path) -> dict[str, str]:
    """What each command printed and what files it made: name -> sha256."""
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory(dir=scratch) as work, tempfile.TemporaryDirectory(dir=scratch) as home:
        environment = {**os.environ, "PYTHONPATH": str(checkout / "src"), "VECTORTAG_HOME": home}
        for number, command in enumerate(commands):
            code = "from vectortag.apps.entry import main; main()"
            result = subprocess.run(
                [sys.executable, "-c", code, *command], cwd=work, env=environment, capture_output=True
            )
            if result.returncode:
                sys.exit(f"{checkout}: {command[0]} failed: {result.stderr.decode()}")
            found[f"stdout {number}"] = digest(result.stdout.replace(home.encode(), b"HOME"))
        for file in sorted(Path(work).rglob("*")):
            if file.is_file():
                found[str(file.relative_to(work))] = digest_of_file(file)
        for file in sorted(Path(home).glob("models/*/*")):
            if file.suffix in {".safetensors", ".onnx"}:
                found[str(file.relative_to(home))] = digest_of_file(file)
    return found


def digest_of_file(file: Path) -> str:
    """Pictures count by their pixels, the header of a safetensors file by its values: its keys have no fixed order."""
    if file.suffix == ".png":
        with Image.open(file) as image:
            return digest(image.tobytes())
    content = file.read_bytes()
    if file.suffix == ".safetensors":
        size = int.from_bytes(content[:8], "little")
        header = json.dumps(json.loads(content[8 : 8 + size]), sort_keys=True)
        content = header.encode() + content[8 + size :]
    return digest(content)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
