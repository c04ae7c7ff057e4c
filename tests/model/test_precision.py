"""Which runtime and which arithmetic run a model, and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from vectortag.core.errors import VectorTagError
from vectortag.model.folder import INT8_NETWORK, ModelFolder, read_model_folder
from vectortag.model.precision import Remembered, allowed, choose, open_model, remember
from vectortag.runtime.cpu import Machine

OLD = Machine("old", 2, ())
AVX2 = Machine("usual", 2, ("avx2",))
BF16 = Machine("server", 2, ("avx2", "avx512f", "amx_bf16"))


@pytest.fixture
def plain(tiny_model: Path) -> ModelFolder:
    return read_model_folder(tiny_model)


def with_lower(folder: ModelFolder, lost: Mapping[str, float], *, int8: bool = True) -> ModelFolder:
    """The model with other precisions measured, and as if it had an int8 network."""
    files = {**folder.manifest.files, **({INT8_NETWORK: folder.manifest.files["model.onnx"]} if int8 else {})}
    return dataclasses.replace(folder, manifest=replace(folder.manifest, lost=lost, files=files))


class TestAllowed:
    def test_float32_always_is(self, plain: ModelFolder):
        assert allowed(plain) == ("f32",)

    def test_what_loses_next_to_nothing_is(self, plain: ModelFolder):
        assert allowed(with_lower(plain, {"bf16": 0.5, "int8": 0.6})) == ("f32", "bf16")
        assert allowed(with_lower(plain, {"bf16": 0.6, "int8": -0.1})) == ("f32", "int8")

    def test_int8_needs_its_network(self, plain: ModelFolder):
        assert allowed(with_lower(plain, {"int8": 0.0}, int8=False)) == ("f32",)


class TestAutomatic:
    @pytest.mark.parametrize(
        ("machine", "lost", "expected"),
        [
            (BF16, {}, "f32"),
            (BF16, {"bf16": 0.1}, "bf16"),
            (BF16, {"bf16": 0.1, "int8": 0.1}, "int8"),
            (BF16, {"bf16": 0.1, "int8": 1.0}, "bf16"),
            (AVX2, {"bf16": 0.1, "int8": 0.1}, "int8"),
            (AVX2, {"bf16": 0.1}, "f32"),
            (OLD, {"bf16": 0.1, "int8": 0.1}, "f32"),
        ],
    )
    def test_the_rule_takes_what_pays_on_the_processor_and_loses_next_to_nothing(
        self, plain: ModelFolder, machine: Machine, lost: dict[str, float], expected: str
    ):
        assert choose(with_lower(plain, lost), machine=machine).precision == expected

    def test_onnx_runtime_has_no_bf16(self, plain: ModelFolder):
        assert choose(with_lower(plain, {"bf16": 0.0}), runtime="onnxruntime", machine=BF16).precision == "f32"

    def test_a_gpu_computes_in_float32(self, plain: ModelFolder):
        everything = with_lower(plain, {"bf16": 0.0, "int8": 0.0})

        assert choose(everything, runtime="cuda", machine=BF16).precision == "f32"
        assert choose(everything, machine=BF16).runtime == "auto"  # no GPU is started unasked

    def test_what_was_found_the_fastest_here_goes_before_the_rule(self, plain: ModelFolder):
        folder = with_lower(plain, {"int8": 0.0})
        remember(folder, Remembered(cpu="usual", runtime="onnxruntime", precision="f32"))

        here, elsewhere = choose(folder, machine=AVX2), choose(folder, machine=BF16)

        assert (here.runtime, here.precision) == ("onnxruntime", "f32")
        assert "bench" in here.why
        assert (elsewhere.runtime, elsewhere.precision) == ("auto", "int8")
        assert choose(folder, runtime="openvino", machine=AVX2).precision == "int8"

    def test_it_is_remembered_for_each_model_by_itself(self, plain: ModelFolder):
        other = dataclasses.replace(plain, digest="f" * 64)
        remember(plain, Remembered(cpu="usual", runtime="onnxruntime", precision="f32"))
        remember(other, Remembered(cpu="usual", runtime="openvino", precision="f32"))

        assert choose(plain, machine=AVX2).runtime == "onnxruntime"
        assert choose(other, machine=AVX2).runtime == "openvino"

    @pytest.mark.parametrize("content", ["{", "[]", '{"DIGEST": {"cpu": "usual"}}'])
    def test_a_file_that_was_changed_by_hand_is_left_out_and_kept(
        self, plain: ModelFolder, home: Path, content: str, caplog
    ):
        home.mkdir(exist_ok=True)
        (home / "bench.json").write_text(content := content.replace("DIGEST", plain.digest))

        choose(plain)
        assert "bench.json: cannot be read, so what bench remembered is left out" in caplog.text
        with pytest.raises(VectorTagError, match=r"bench\.json: not as vectortag bench wrote it. Remove it"):
            remember(plain, Remembered(cpu="usual", runtime="openvino", precision="f32"))
        assert (home / "bench.json").read_text() == content


class TestAskedFor:
    def test_exact_is_float32_whatever_was_remembered(self, plain: ModelFolder):
        folder = with_lower(plain, {"int8": 0.0})
        remember(folder, Remembered(cpu="usual", runtime="openvino", precision="int8"))

        assert choose(folder, precision="exact", machine=AVX2).precision == "f32"

    def test_a_precision_is_taken_whatever_it_loses(self, plain: ModelFolder):
        assert choose(with_lower(plain, {"int8": 9.0}), precision="int8", machine=OLD).precision == "int8"

    def test_int8_is_refused_where_there_is_no_such_network(self, plain: ModelFolder):
        with pytest.raises(VectorTagError, match=r'model "tiny" has no int8 network\. Ask for auto, exact or bf16'):
            choose(plain, precision="int8")

    @pytest.mark.parametrize("wrong", [{"runtime": "tensorrt"}, {"precision": "f8"}])
    def test_an_unknown_runtime_or_precision_is_an_error_with_the_known_ones(
        self, plain: ModelFolder, wrong: dict[str, str]
    ):
        with pytest.raises(
            VectorTagError, match="expected one of auto, openvino, onnxruntime, cuda, and one of auto, exact"
        ):
            choose(plain, **wrong)

    def test_a_session_says_what_it_really_computes_in(self, plain: ModelFolder):
        session = open_model(plain, precision="bf16", runtime="onnxruntime")

        assert (session.runtime, session.precision) == ("onnxruntime", "f32")
