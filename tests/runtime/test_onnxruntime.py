"""ONNX Runtime: its only batch is one image, and what it says if there is no GPU that it can use."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vectortag.core.errors import VectorTagError
from vectortag.core.types import ByteArray
from vectortag.runtime.session import open_session

NeedModule = Callable[[str], ModuleType]
GPU, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


def images(count: int) -> ByteArray:
    return np.random.default_rng(count).integers(0, 256, (count, 32, 32, 3), np.uint8)


@pytest.mark.parametrize(("asked", "used"), [("f32", "f32"), ("bf16", "f32"), ("int8", "int8")])
def test_it_computes_in_float32_or_runs_a_quantised_network(
    network: Path, need_module: NeedModule, asked: str, used: str
):
    need_module("onnxruntime")

    session = open_session(network, runtime="onnxruntime", precision=asked)

    assert (session.precision, session.batch) == (used, 1)


class TestCuda:
    """Without a GPU: what is asked of ONNX Runtime, and what is said where it has none."""

    @pytest.fixture
    def onnxruntime(self, need_module: NeedModule, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
        """ONNX Runtime as the package with CUDA has it; where it finds no GPU, it goes on without, as that does."""
        module = need_module("onnxruntime")
        opened = module.InferenceSession

        def without_gpu(*arguments: Any, providers: list[Any], **options: Any) -> Any:
            return opened(*arguments, providers=[one for one in providers if isinstance(one, str)], **options)

        monkeypatch.setattr(module, "get_available_providers", lambda: [GPU, CPU])
        monkeypatch.setattr(module, "preload_dlls", lambda: sys.stdout.write("Failed to load"), raising=False)
        monkeypatch.setattr(module, "InferenceSession", without_gpu)
        return module

    def test_an_onnx_runtime_without_cuda_says_what_to_install(self, network: Path, need_module: NeedModule):
        if GPU in need_module("onnxruntime").get_available_providers():
            pytest.skip("this ONNX Runtime has CUDA")

        with pytest.raises(VectorTagError, match=r"on the CPU alone\. Run: .* 'onnxruntime-gpu\[cuda,cudnn\]'"):
            open_session(network, runtime="cuda")

    def test_where_no_gpu_can_be_used_the_cpu_does_not_take_its_place_in_silence(
        self, network: Path, onnxruntime: ModuleType, capsys: pytest.CaptureFixture[str]
    ):
        with pytest.raises(VectorTagError, match="cannot use a GPU here"):
            open_session(network, runtime="cuda")

        assert capsys.readouterr().out == ""  # stdout is for taggings

    def test_a_gpu_is_asked_for_real_float32_and_its_taggings_say_that_it_made_them(
        self, network: Path, onnxruntime: ModuleType, monkeypatch: pytest.MonkeyPatch
    ):
        opened, asked = onnxruntime.InferenceSession, []

        def with_gpu(*arguments: Any, providers: list[Any], **options: Any) -> Any:
            asked.append(providers)
            real = opened(*arguments, providers=providers, **options)
            return SimpleNamespace(run=real.run, get_inputs=real.get_inputs, get_providers=lambda: [GPU, CPU])

        monkeypatch.setattr(onnxruntime, "InferenceSession", with_gpu)

        session = open_session(network, runtime="cuda", precision="bf16", threads=3)

        assert (session.runtime, session.precision, session.threads) == ("cuda", "f32", 3)
        expected = open_session(network, runtime="openvino").run(images(5))
        np.testing.assert_allclose(session.run(images(5)), expected, atol=1e-4)
        np.testing.assert_allclose(session.run(images(5)[:1]), expected[:1], atol=1e-4)
        assert len(asked) == 1  # one photo and many are computed by the same session: the GPU's memory holds it once
        assert asked[0][0] == (GPU, {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"})
