"""Model folders from strangers: every hash is right, the content is hostile, and there is a reason, not a crash."""

from __future__ import annotations

import contextlib
import hashlib
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save

from vectortag.core.errors import VectorTagError
from vectortag.inference.tagger import Tagger
from vectortag.model import limits
from vectortag.model.folder import read_model_folder

Cli = Callable[..., Any]
Fields = dict[str, Any]


@pytest.fixture
def model(write_tiny_model: Callable[..., Any], tmp_path: Path) -> Path:
    """A model folder of the test's own, to be spoilt."""
    path: Path = write_tiny_model(tmp_path / "stranger").path
    return path


def set_text(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text, "utf-8")


def set_file(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    fields = json.loads((folder / "manifest.json").read_text("utf-8"))
    fields["files"][name] = hashlib.sha256(content).hexdigest()
    set_text(folder, json.dumps(fields))


def set_arrays(folder: Path, **changes: Any) -> None:
    arrays = {**load_file(folder / "head.safetensors"), **changes}
    set_file(folder, "head.safetensors", save({name: one for name, one in arrays.items() if one is not None}))


def refused(folder: Path) -> str:
    """The reason why tagging with a model is refused."""
    with pytest.raises(VectorTagError) as caught:
        Tagger.load(folder).tag(np_photo())
    return str(caught.value)


def np_photo() -> Any:
    from PIL import Image

    return Image.new("RGB", (40, 30), "teal")


def chain(length: int) -> dict[str, list[str]]:
    return {f"t{n}": [f"t{n + 1}"] for n in range(length)}


def put(*steps: str | int, value: Any) -> Callable[[Fields], None]:
    def change(fields: Fields) -> None:
        inner: Any = fields
        for step in steps[:-1]:
            inner = inner[step]
        inner[steps[-1]] = value

    return change


POINT = ("operating_points", 0)
ODD = b'\0"\\[]{}:,0919e-nx\xff\x80'
LAYERS = {f"{level}-{n}": [f"{level + 1}-{m}" for m in range(100)] for level in range(40) for n in range(100)}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("tags", 0, value="a\x1b[31mnimal"), "no control characters"),
        (put("tags", 0, value="a\nb"), "no control characters"),
        (put("tags", 0, value="a\u202eb"), "no control characters"),
        (put("tags", 0, value=" "), "expected 1 to 200 characters"),
        (put("tags", 0, value="x" * 5_000_000), "expected 1 to 200 characters"),
        (put("tags", value=[str(n) for n in range(100_000)]), "have 6 tags, the manifest 100000"),
        (put(*POINT, "thresholds", "balanced", 0, value=1.5), "expected numbers from 0 to 1"),
        (put(*POINT, "thresholds", "precise", 0, value=-0.1), "expected numbers from 0 to 1"),
        (put(*POINT, "slope", 0, value=1e300), "expected numbers up to 1,000,000"),
        (put(*POINT, "bias", 0, value=-1e30), "expected numbers up to 1,000,000"),
        (put(*POINT, "size", value=1_000_000), "an input size: expected 1 to 1,536"),
        (put(*POINT, "size", value=1 << 80), "an input size"),
        (put("backbone", "width", value=1 << 40), "backbone.width: expected 1 to 16,384"),
        (put("backbone", "stride", value=1 << 40), "backbone.stride: expected 1 to 256"),
        (put("pixels", "max_pixels", value=1 << 50), "pixels.max_pixels: expected 1 to"),
        (put("taxonomy", "implications", value=chain(5000)), "more than 64 levels deep"),
        (put("taxonomy", "implications", value=LAYERS), "ancestors in all"),
        (put("files", "../../secret", value="0" * 64), "no folders inside"),
        (put("files", "a\0b", value="0" * 64), "control characters"),
        (lambda fields: fields["files"].update({str(n): "0" * 64 for n in range(100)}), "it lists 10"),
    ],
)
def test_a_manifest_out_of_range(model: Path, change: Callable[[Fields], None], reason: str):
    fields = json.loads((model / "manifest.json").read_text("utf-8"))
    change(fields)
    set_text(model, json.dumps(fields))

    assert reason in refused(model)


@pytest.mark.parametrize("depth", [40, 900, 100_000])
@pytest.mark.parametrize("key", ["metrics", "tags", "nobody"])
def test_a_manifest_that_is_nested_deeply(model: Path, key: str, depth: int):
    fields = json.loads((model / "manifest.json").read_text("utf-8"))
    text = json.dumps(fields | {key: "HERE"})
    set_text(model, text.replace('"HERE"', '{"a":' + "[" * depth + "]" * depth + "}"))

    assert "manifest.json: " in refused(model)


NO_MANIFESTS = ["", "{", "[]", "null", "nan", '{"tags": ["\\ud800"]}', '{"tags": ' + "9" * 5000 + "}", "\0" * 100]


@pytest.mark.parametrize("text", NO_MANIFESTS)
def test_a_manifest_that_is_none(model: Path, text: str):
    set_text(model, text)

    assert "manifest.json: " in refused(model)


def test_a_manifest_as_long_as_a_film(model: Path):
    with (model / "manifest.json").open("r+b") as file:
        file.truncate(1 << 40)

    assert "manifest.json: too large" in refused(model)


def test_a_manifest_of_many_lists(model: Path):
    fields = json.loads((model / "manifest.json").read_text("utf-8"))
    set_text(model, json.dumps(fields | {"metrics": {"a": [[]] * 200_000}}))

    assert "the number of lists and tables in metrics" in refused(model)


def test_files_as_long_as_a_film_are_not_hashed(model: Path):
    with (model / "model.onnx").open("r+b") as file:
        file.truncate(1 << 40)

    assert "model.onnx: too large: 1048576 MiB" in refused(model)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"0.w1": np.full((16, 8), np.nan, np.float32)}, "not finite"),
        ({"0.w1": np.full((16, 8), np.inf, np.float16)}, "not finite"),
        ({"0.w1": np.full((16, 8), 3e38, np.float32)}, "too large"),
        ({"0.b1": np.zeros(17, np.float32)}, '"b1" has the shape (17,), expected (16,)'),
        ({"0.b2": np.zeros((4, 1), np.float32)}, '"b2" has the shape (4, 1), expected (4,)'),
        ({"0.w1": np.zeros(16, np.float32)}, '"w1" has the shape (16,), expected (16, 8)'),
        ({"0.w1": np.zeros((), np.float32)}, '"w1" has the shape ()'),
        ({"0.w2": np.zeros((4, 16), np.int64)}, "in float32"),
        ({"0.w2": None}, "has the arrays"),
        ({"0.more": np.zeros(1, np.float32)}, "has the arrays"),
        ({str(n): np.zeros(0, np.float32) for n in range(2000)}, "the number of arrays"),
        ({"0.w1": np.zeros((0, 8), np.float32), "0.b1": np.zeros(0, np.float32)}, '"w2" has the shape (4, 16)'),
    ],
)
def test_a_head_that_does_not_fit(model: Path, arrays: dict[str, Any], reason: str):
    set_arrays(model, **arrays)

    assert reason in refused(model)


def header(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x01",
        struct.pack("<Q", 1 << 60) + b"{}",
        struct.pack("<Q", 90 << 20) + b"{}",
        struct.pack("<Q", 400_000) + b"[" * 200_000 + b"]" * 200_000,
        header('{"0.w1":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}'),
        header('{"0.w1":{"dtype":"F32","shape":[99999999],"data_offsets":[0,399999996]}}'),
    ],
    ids=["empty", "one byte", "2^60", "long", "deep", "overflow", "beyond the end"],
)
def test_arrays_that_are_none(model: Path, content: bytes):
    set_file(model, "head.safetensors", content)

    assert "head.safetensors: " in refused(model)


def test_arrays_that_would_fill_the_memory(model: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "MOST_VALUES", 100)

    assert "values in its arrays: expected 0 to 100" in refused(model)


def test_a_command_says_why_in_one_line(cli: Cli, model: Path, make_photo: Callable[..., Path]):
    set_arrays(model, **{"0.w1": np.full((16, 8), np.nan, np.float32)})

    outcome = cli("tag", make_photo(), "--model", model)

    assert outcome.status == 1
    assert outcome.stderr.count("\n") == 1
    assert "has values that are not finite" in outcome.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads memory as Linux counts it")
def test_a_refusal_takes_little_memory(
    model: Path, make_photo: Callable[..., Path], tiny_network: bytes, tmp_path: Path
):
    with (model / "model.onnx").open("wb") as file:
        file.write(tiny_network)
        file.truncate(600 << 20)
    set_file(model, "model.onnx", (model / "model.onnx").read_bytes())
    program = (
        "import sys; from vectortag.apps.cli.app import run; status = run(sys.argv[1:]);"
        "print(status, open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
    )

    outcome = subprocess.run(
        [sys.executable, "-c", program, "tag", str(make_photo()), "--model", str(model)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    status, peak = map(int, outcome.stdout.split())
    assert status == 1
    assert "model.onnx: not a network that is run: " in outcome.stderr
    assert peak < 1_000_000  # kB


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damage_to_a_manifest_is_a_reason_or_a_model(model: Path, data: st.DataObject):
    file = model / "manifest.json"
    whole = file.read_bytes()
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.sampled_from(ODD))
    file.write_bytes(content)
    with contextlib.suppress(VectorTagError):
        read_model_folder(model).head  # noqa: B018
    file.write_bytes(whole)


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
@pytest.mark.parametrize(
    ("operator", "values"), [("Mul", [3e38]), ("Div", [0.0]), ("Slice", [0])], ids=["endless", "no number", "nothing"]
)
def test_a_network_that_gives_no_numbers(model: Path, runtime: Any, operator: str, values: list[float]):
    """Its weights are finite: only a run shows it."""
    import onnx
    from onnx import helper, numpy_helper

    network = onnx.load_from_string((model / "model.onnx").read_bytes())
    for node in network.graph.node:
        node.output[:] = ["before" if name == "feature_map" else name for name in node.output]
    kind = np.int64 if operator == "Slice" else np.float32
    names = ["start", "end", "axis"] if operator == "Slice" else ["value"]
    numbers = [[0], [0], [2]] if operator == "Slice" else [values]
    network.graph.initializer.extend(
        numpy_helper.from_array(np.array(one, kind), name) for name, one in zip(names, numbers, strict=True)
    )
    network.graph.node.append(helper.make_node(operator, ["before", *names], ["feature_map"]))
    set_file(model, "model.onnx", network.SerializeToString())

    with pytest.raises(VectorTagError, match="network"):
        Tagger.load(model, runtime=runtime).tag(np_photo())
