"""What many tests share: a tiny real model, photos, data sets, and a home folder of each test's own.

The tiny model is a two-layer network with random weights behind a real manifest and a head of two blocks. Two things
about its scores are fixed by its calibration, so that tests can rely on them for every photo:

- "animal" is always below its child "dog", so it is raised to it, and its heat map is the dog's;
- "vehicle" is always above its child "boat", so it keeps its own score and map.

"sea" has no threshold: it is never predicted.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image
from tried import (  # noqa: F401
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_runtest_makereport,
    pytest_sessionfinish,
    tried,
)

from vectortag.apps.cli.app import run
from vectortag.inference.tagger import Tagger
from vectortag.model.blocks import LinearBlock, MlpBlock, SoftmaxGroupsBlock
from vectortag.model.calibration import Calibration
from vectortag.model.classifier import Classifier
from vectortag.model.folder import ModelFolder
from vectortag.model.head import Head
from vectortag.model.manifest import Manifest
from vectortag.model.taxonomy import Taxonomy
from vectortag.model.words.similarity import Evidence, Words
from vectortag.model.words.word_vectors import word_vector
from vectortag.model.write_folder import write_model_folder

TINY_TAGS = ("animal", "beach", "dog", "sea", "boat", "vehicle")
TINY_TAXONOMY = Taxonomy(
    synonyms={"dog": ["puppy"], "boat": ["ship"]}, implications={"dog": ["animal"], "boat": ["vehicle"]}
)
WIDTH, STRIDE, SIZE = 8, 4, 32

# Python's vfork blocks every signal while a child starts: a crash then ends the tests without a word. fork says where.
subprocess._USE_VFORK = False  # type: ignore[attr-defined]


@pytest.fixture(scope="session", autouse=True)
def _home_of_session_fixtures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VECTORTAG_HOME", str(tmp_path_factory.mktemp("session-home")))
        yield


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's data folder, empty and this test's own."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("VECTORTAG_HOME", str(folder))
    return folder


@pytest.fixture
def need() -> Callable[[object, str], None]:
    """need(thing, name): skip the test where something optional is missing; in CI nothing may be, so fail there."""
    return _need


@pytest.fixture
def need_module() -> Callable[[str], ModuleType]:
    """need_module("torch"): the module; where it is not installed, as `need`."""

    def load(name: str) -> ModuleType:
        try:
            return importlib.import_module(name)
        except ImportError:
            _need(None, name)
            raise

    return load


def _need(thing: object, name: str) -> None:
    if not thing:
        stop = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        stop(f"{name} is not installed")


@pytest.fixture
def write_own_encoder(tmp_path: Path, need_module: Callable[[str], ModuleType]) -> Callable[..., Path]:
    """write_own_encoder(**fields): the folder of an encoder as a person might have one; see tiny_encoder.py."""
    need_module("onnx")
    need_module("tokenizers")
    from tiny_encoder import write_encoder

    return lambda **fields: write_encoder(tmp_path / "encoder", **fields)


@pytest.fixture(scope="session")
def tiny_network() -> bytes:
    """An ONNX file as `vectortag train` exports one: uint8 (N, H, W, 3) -> float32 (N, 8, H/4, W/4)."""
    _need(importlib.util.find_spec("onnx"), "onnx")
    from onnx import TensorProto, helper, numpy_helper

    generator = np.random.default_rng(7)
    weights = {
        "mean": np.float32([127.5]),
        "deviation": np.float32([127.5]),
        "w1": generator.normal(0, 0.3, (WIDTH, 3, 3, 3)).astype(np.float32),
        "w2": generator.normal(0, 0.3, (WIDTH, WIDTH, 3, 3)).astype(np.float32),
    }
    conv = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 0, 1, 1]}
    nodes = [
        helper.make_node("Cast", ["images"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["channels_first"], perm=[0, 3, 1, 2]),
        helper.make_node("Sub", ["channels_first", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "deviation"], ["normalised"]),
        helper.make_node("Conv", ["normalised", "w1"], ["conv1"], **conv),
        helper.make_node("Relu", ["conv1"], ["relu1"]),
        helper.make_node("Conv", ["relu1", "w2"], ["conv2"], **conv),
        helper.make_node("Relu", ["conv2"], ["feature_map"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", "H", "W", 3])],
        [helper.make_tensor_value_info("feature_map", TensorProto.FLOAT, ["N", WIDTH, "h", "w"])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=9).SerializeToString()


@pytest.fixture(scope="session")
def tiny_head() -> Head:
    """An MLP block for the first four tags and a linear one for the other two."""
    generator = np.random.default_rng(11)

    def matrix(*shape: int) -> np.ndarray:
        return generator.normal(0, 1, shape).astype(np.float32)

    return Head(
        (MlpBlock(matrix(16, WIDTH), matrix(16), matrix(4, 16), matrix(4)), LinearBlock(matrix(2, WIDTH), matrix(2)))
    )


@pytest.fixture(scope="session")
def tiny_fields() -> Mapping[str, Any]:
    """The fields of the tiny model's manifest, as `write_model_folder` takes them."""
    thresholds = {
        "precise": [0.7, 0.7, 0.7, None, 0.7, 0.7],
        "balanced": [0.5, 0.5, 0.5, None, 0.5, 0.5],
        "thorough": [0.3, 0.3, 0.3, None, 0.3, 0.3],
    }
    # The other four curves spread the scores of random photos over [0, 1]; see the top of the file for the two ends.
    slope, bias = [0.1, 2.4, 1.6, 4.4, 10.8, 0.1], [-9.0, 2.2, 6.5, 12.6, 15.5, 9.0]
    point = {"size": SIZE, "slope": slope, "bias": bias}
    return {
        "name": "tiny",
        "tags": TINY_TAGS,
        "taxonomy": TINY_TAXONOMY,
        "backbone": {"architecture": "two convolutions", "width": WIDTH, "stride": STRIDE},
        "pixels": {},
        "operating_points": [{**point, "thresholds": thresholds}],
    }


@pytest.fixture(scope="session")
def tiny_background() -> np.ndarray:
    """(200, 8): embeddings of photos that never were."""
    return np.abs(np.random.default_rng(13).normal(0, 0.4, (200, WIDTH))).astype(np.float32)


@pytest.fixture
def write_tiny_model(
    tiny_network: bytes, tiny_head: Head, tiny_background: np.ndarray, tiny_fields: Mapping[str, Any]
) -> Callable[..., ModelFolder]:
    """write_tiny_model(path, **fields): write the tiny model there, with some fields of its manifest changed."""

    def write(path: Path, *, card: Callable[[Manifest], str] = _card, **fields: Any) -> ModelFolder:
        fields = {"background": tiny_background, "head": tiny_head, **tiny_fields, **fields}
        return write_model_folder(path, network=tiny_network, card=card, **fields)

    return write


@pytest.fixture
def two_sizes(
    write_tiny_model: Callable[..., ModelFolder], tiny_fields: Mapping[str, Any], tmp_path: Path
) -> ModelFolder:
    """The tiny model at 32 pixels, and at 64 with other curves, where every threshold is 0.1."""
    (point,) = tiny_fields["operating_points"]
    thresholds = {profile: [0.1] * 6 for profile in point["thresholds"]}
    larger = {**point, "size": 64, "bias": [bias / 2 for bias in point["bias"]], "thresholds": thresholds}
    return write_tiny_model(tmp_path / "two-sizes", operating_points=[point, larger])


@pytest.fixture
def with_thresholds(tiny_fields: Mapping[str, Any]) -> Callable[[Sequence[float | None]], dict[str, Any]]:
    """with_thresholds([...]): the fields of the tiny model's manifest with these thresholds in every profile."""
    (point,) = tiny_fields["operating_points"]

    def fields(thresholds: Sequence[float | None]) -> dict[str, Any]:
        return {"operating_points": [{**point, "thresholds": dict.fromkeys(point["thresholds"], thresholds)}]}

    return fields


@pytest.fixture
def with_untaught(tiny_head: Head, tiny_fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the tiny model where "boat" and "vehicle" are what a classifier knew, and "animal" has no score."""
    generator = np.random.default_rng(5)
    classifier = Classifier(
        generator.normal(0, 1, (3, 8)).astype(np.float16).astype(np.float32),
        np.zeros(3, np.float32),
        ("canoe", "bus", "tench"),
    )
    (point,) = tiny_fields["operating_points"]
    return {
        "classifier": classifier,
        "head": Head((tiny_head.blocks[0], SoftmaxGroupsBlock(classifier, np.uint8([[1, 0, 0], [1, 1, 0]])))),
        "operating_points": [{**point, "slope": [0.0, *point["slope"][1:]]}],
    }


def _card(manifest: Manifest) -> str:
    return f"# {manifest.name}\n"


@pytest.fixture(scope="session")
def tiny_model(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_network: bytes,
    tiny_head: Head,
    tiny_background: np.ndarray,
    tiny_fields: Mapping[str, Any],
) -> Path:
    """The tiny model's folder, shared by all tests: read it, never write to it."""
    path = tmp_path_factory.mktemp("models") / "tiny"
    fields = {"background": tiny_background, **tiny_fields}
    return write_model_folder(path, network=tiny_network, head=tiny_head, card=_card, **fields).path


@pytest.fixture
def tagger(tiny_model: Path) -> Tagger:
    """The tiny model, loaded by the default runtime."""
    return Tagger.load(tiny_model)


WORD_CLASSES, KNOWN_WORDS = ("zebra", "tractor", "violin", "sofa"), ("dog", "boat", "sea", "horse")


@pytest.fixture
def make_words() -> Callable[..., Words]:
    """make_words(classes=...): what the tiny model knows of some classes and of four words, with random matrices."""

    def make(*, classes: tuple[str, ...] = WORD_CLASSES) -> Words:
        random = np.random.default_rng(3)
        weights = random.normal(0, 1, (len(classes), WIDTH)).astype(np.float32)
        texts = np.stack([word_vector(name) for name in classes]) if classes else np.empty((0, 384), np.float32)
        thresholds = {"precise": [0.5, 0.6], "balanced": [0.3, 0.4], "thorough": [0.1, 0.2]}
        calibration = Calibration(np.float32([0.8, 1.2]), np.float32([-3, -2]), dict_of_arrays(thresholds))
        numbers = [np.float32(pair) for pair in ([0.8, 0.95], [0.2, 0.5], [30, 31])]
        return Words(
            Classifier(weights, np.zeros(len(classes), np.float32), classes),
            texts,
            random.normal(0, 1, (WIDTH + len(classes), 384)).astype(np.float32),
            np.zeros(384, np.float32),
            np.zeros(384, np.float32),
            np.eye(384, dtype=np.float32),
            KNOWN_WORDS,
            np.stack([word_vector(name) for name in KNOWN_WORDS]),
            Evidence(np.float32([0.55, 0.9]), calibration, *numbers),
        )

    return make


def dict_of_arrays(lists: Mapping[str, Sequence[float]]) -> dict[Any, np.ndarray]:
    return {name: np.float32(values) for name, values in lists.items()}


@pytest.fixture
def worded(
    write_tiny_model: Callable[..., ModelFolder], make_words: Callable[..., Words], tmp_path: Path
) -> ModelFolder:
    """The tiny model, taught words."""
    words = make_words()
    return write_tiny_model(tmp_path / "worded", words=words, classifier=words.classifier)


@pytest.fixture
def worded_tagger(worded: ModelFolder) -> Tagger:
    """The tiny model that knows words, loaded by the default runtime."""
    return Tagger.load(worded)


@pytest.fixture
def photos_12(make_photo: Callable[..., Path]) -> list[Path]:
    """Twelve different photos."""
    return [make_photo(f"{seed}.png", seed=seed) for seed in range(12)]


@pytest.fixture
def make_photo(tmp_path: Path) -> Callable[..., Path]:
    """make_photo("a.jpg", size=(64, 48), seed=0): write a photo of smooth random colours, in the test's folder."""

    def make(name: str = "photo.jpg", *, size: tuple[int, int] = (64, 48), seed: int = 0) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        colours = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
        Image.fromarray(colours).resize(size, Image.Resampling.BICUBIC).save(path)
        return path

    return make


@pytest.fixture
def make_data_set(make_photo: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """make_data_set({"1.jpg": "dog, sea"}, splits={"1.jpg": "train"}): write photos and their metadata.csv.

    Returns the folder, which is called as the set is: `name`.
    """

    def make(tags: Mapping[str, str], *, splits: Mapping[str, str] | None = None, name: str = "photos") -> Path:
        rows = ["image_path,tags,split" if splits else "image_path,tags"]
        for seed, (photo, words) in enumerate(tags.items()):
            make_photo(f"{name}/{photo}", seed=seed)
            rows.append(f'{photo},"{words}"' + (f",{splits[photo]}" if splits else ""))
        (tmp_path / name / "metadata.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        return tmp_path / name

    return make


class Outcome(NamedTuple):
    """What a command leaves: its exit status, data and notes."""

    status: int
    stdout: str
    stderr: str


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """cli("tag", path, "--top-k", 3): run a command as the console script calls it, without the cost of a process."""

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        return Outcome(status, *capsys.readouterr())

    return call
