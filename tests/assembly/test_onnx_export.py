"""An exported model gives the Tagger's scores and heat maps for the same pixels, and says how to use it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vectortag.assembly import onnx_export
from vectortag.assembly.onnx_export import PARITY, export_onnx
from vectortag.assembly.quantise import int8_network
from vectortag.core.errors import (
    ModelFolderError,
    OutputError,
    OverwriteError,
    ShapeError,
    UnknownModelError,
    UnknownTagError,
)
from vectortag.inference.refresh import refresh
from vectortag.inference.tagger import Tagger
from vectortag.model.blocks import LinearBlock
from vectortag.model.folder import ModelFolder
from vectortag.model.head import Head
from vectortag.model.precision import open_model
from vectortag.model.taxonomy import Taxonomy
from vectortag.runtime.embedder import Embedder
from vectortag.runtime.pixels import PixelRecipe, load_pixels

EXAMPLES = sorted((Path(__file__).parents[2] / "examples/photos").glob("*.jpg"))
MAPS_PARITY = 1e-3
"""A map is scaled to [0, 1], and the rounding of its smallest changes with it."""


@pytest.fixture(autouse=True)
def _needed(need_module: Callable[[str], Any]) -> None:
    need_module("onnx")
    need_module("onnxruntime")


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out.onnx"


def opened(file: Path) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])


def metadata(file: Path) -> dict[str, Any]:
    plain = opened(file).get_modelmeta().custom_metadata_map
    return {key: value if key in {"model", "vectortag"} else json.loads(value) for key, value in plain.items()}


def assert_same(file: Path, tagger: Tagger, photos: list[Path], *, maps: bool = True) -> None:
    session, images = opened(file), np.stack([tagger.embedder.pixels(photo) for photo in photos])
    for number, photo in enumerate(photos):
        analysis = tagger.analyse(photo)
        expected = np.float32([scored.score for scored in analysis.tagging.scores])
        scores, *drawn = session.run(None, {"images": images[number : number + 1]})
        np.testing.assert_allclose(scores[0], expected, rtol=0, atol=PARITY)
        if maps:
            heatmaps = np.stack([heatmap.values for heatmap in analysis.heatmaps()])
            np.testing.assert_allclose(drawn[0][0], heatmaps, rtol=0, atol=MAPS_PARITY)
    together = session.run(None, {"images": images})[0]
    np.testing.assert_allclose(together[-1], scores[0], rtol=0, atol=PARITY)


class TestScoresAndMaps:
    @pytest.mark.parametrize("name", ["lite0", "lite2", "resnet18"])
    def test_those_of_a_shipped_model_are_the_taggers(self, name: str, output: Path):
        tagger = Tagger.load(name, precision="exact", additions=False)

        done = export_onnx(tagger, output, maps=True)

        assert (done.size, done.opset) == (tagger.embedder.size, 18)
        assert len(EXAMPLES) == 13
        assert_same(output, tagger, EXAMPLES)

    def test_some_maps_of_a_large_vocabulary_are_the_taggers(self, output: Path):
        tagger = Tagger.load("lite0", precision="exact", additions=False)
        chosen = tagger.tags[-8:]  # eight large numbers, which are no shape

        export_onnx(tagger, output, maps=chosen)

        scores, maps = opened(output).run(None, {"images": tagger.embedder.pixels(EXAMPLES[0])[None]})
        assert scores.shape == (1, len(tagger.tags))
        expected = [heatmap.values for heatmap in tagger.analyse(EXAMPLES[0]).heatmaps(chosen)]
        np.testing.assert_allclose(maps[0], expected, rtol=0, atol=MAPS_PARITY)

    def test_eight_parents_are_raised(
        self, write_tiny_model, tiny_fields, photos_12: list[Path], output: Path, tmp_path: Path
    ):
        tags = tuple(f"tag{number:02}" for number in range(40))
        (point,) = tiny_fields["operating_points"]
        curves = {"slope": [1.0] * 40, "bias": [0.0] * 40, "thresholds": dict.fromkeys(point["thresholds"], [0.5] * 40)}
        folder = write_tiny_model(
            tmp_path / "families",
            tags=tags,
            head=Head(
                (
                    LinearBlock(
                        np.random.default_rng(3).normal(0, 0.3, (40, 8)).astype(np.float32), np.zeros(40, np.float32)
                    ),
                )
            ),
            taxonomy=Taxonomy(
                implications={tag: (tags[number % 8],) for number, tag in enumerate(tags) if number >= 8}
            ),
            operating_points=[{**point, **curves}],
        )

        export_onnx(folder, output, maps=True)

        assert_same(output, Tagger.load(folder), photos_12)

    def test_those_of_a_small_model_are_the_taggers(self, tiny_model: Path, photos_12: list[Path], output: Path):
        done = export_onnx(tiny_model, output, maps=True)

        assert (done.tags, done.maps, done.size, done.opset) == (6, 6, 32, 17)
        assert_same(output, Tagger.load(tiny_model), photos_12)

    def test_groups_of_classes_and_a_tag_without_a_score_of_its_own_are_there(
        self, write_tiny_model, with_untaught, photos_12: list[Path], output: Path, tmp_path: Path
    ):
        folder = write_tiny_model(tmp_path / "untaught", **with_untaught)

        export_onnx(folder, output, maps=True)

        assert_same(output, Tagger.load(folder), photos_12)

    def test_a_model_without_a_taxonomy_keeps_its_scores(
        self, write_tiny_model, photos_12: list[Path], output: Path, tmp_path: Path
    ):
        folder = write_tiny_model(tmp_path / "flat", taxonomy={})

        export_onnx(folder, output, maps=True)

        assert_same(output, Tagger.load(folder), photos_12)

    def test_added_tags_words_and_corrections_are_there(
        self, worded_tagger: Tagger, photos_12: list[Path], output: Path
    ):
        tagger = worded_tagger
        tagger.add_tag("red door", photos_12[:4], parents=["vehicle"])
        tagger.add_tag("zebra", words=True)
        tagger.add_tag("tractor", photos_12[4:8], words=True)
        for number, photo in enumerate(photos_12[:8]):
            tagger.correct(photo, **{"yes" if number % 2 else "no": ["dog"]})
        refresh(tagger)
        tagger.reload()
        assert tagger.id.endswith("+corrections")

        export_onnx(tagger.folder, output, maps=True)

        assert_same(output, tagger, photos_12)
        said = metadata(output)
        assert said["model"] == tagger.id
        assert said["tags"][-3:] == ["red door", "tractor", "zebra"]
        assert said["implies"]["red door"] == ["vehicle"]

    def test_added_tags_can_be_left_out(self, tagger: Tagger, photos_12: list[Path], output: Path):
        tagger.add_tag("red door", photos_12[:4])

        export_onnx(tagger.folder, output, additions=False, maps=True)

        assert metadata(output)["tags"] == list(tagger.folder.manifest.tags)
        assert_same(output, tagger.without_additions(), photos_12)

    def test_each_size_has_its_own_calibration(self, two_sizes: ModelFolder, photos_12: list[Path], output: Path):
        done = export_onnx(two_sizes, output, size=64, maps=True)

        assert done.size == 64
        assert metadata(output)["thresholds"]["balanced"] == pytest.approx([0.1] * 6)
        assert_same(output, Tagger.load(two_sizes, size=64), photos_12)

    def test_a_tagger_of_a_lower_precision_exports_the_float32_network(
        self, write_tiny_model, tiny_network: bytes, photos_12: list[Path], output: Path, tmp_path: Path
    ):
        pixels = [np.asarray(load_pixels(photo, 32, PixelRecipe())) for photo in photos_12]
        folder = write_tiny_model(tmp_path / "faster", int8_network=int8_network(tiny_network, pixels))
        lower = Tagger(folder, Embedder(open_model(folder, precision="int8"), folder.manifest.pixels, 32))
        assert lower.embedder.session.precision == "int8"

        export_onnx(lower, output, maps=True)

        assert_same(output, Tagger.load(folder, precision="exact"), photos_12)

    def test_maps_of_some_tags_come_in_the_order_asked_for(self, tiny_model: Path, photos_12, output: Path):
        export_onnx(tiny_model, output, maps=["sea", "puppy", "animal"])

        assert metadata(output)["maps"] == ["sea", "dog", "animal"]
        tagger = Tagger.load(tiny_model)
        _, maps = opened(output).run(None, {"images": tagger.embedder.pixels(photos_12[0])[None]})
        expected = [one.values for one in tagger.analyse(photos_12[0]).heatmaps(["sea", "puppy", "animal"])]
        np.testing.assert_allclose(maps[0], expected, atol=MAPS_PARITY)

    def test_without_maps_there_is_one_output(self, tiny_model: Path, output: Path):
        export_onnx(tiny_model, output)

        assert [one.name for one in opened(output).get_outputs()] == ["scores"]


class TestMetadata:
    def test_it_has_all_that_the_graph_does_not_say(self, tagger: Tagger, output: Path):
        export_onnx(tagger, output)

        said = metadata(output)
        assert said["model"] == tagger.folder.id
        assert said["tags"] == list(tagger.tags)
        assert said["thresholds"] == {
            "precise": pytest.approx([0.7, 0.7, 0.7, None, 0.7, 0.7]),
            "balanced": pytest.approx([0.5, 0.5, 0.5, None, 0.5, 0.5]),
            "thorough": pytest.approx([0.3, 0.3, 0.3, None, 0.3, 0.3]),
        }
        assert said["implies"] == {"dog": ["animal"], "boat": ["vehicle"]}
        assert {key: said["pixels"][key] for key in ("size", "resize", "filter", "draft")} == {
            "size": 32, "resize": "squash", "filter": "bilinear", "draft": 48,
        }  # fmt: skip
        assert "Stretch it to 32 x 32 pixels" in said["pixels"]["how"]

    def test_the_pixels_are_those_of_the_tagger(self, tagger: Tagger, output: Path):
        export_onnx(tagger, output)

        said = metadata(output)["pixels"]
        expected = load_pixels(EXAMPLES[0], said["size"], tagger.embedder.recipe)
        np.testing.assert_array_equal(tagger.embedder.pixels(EXAMPLES[0]), expected)

    def test_the_same_model_gives_the_same_file(self, tiny_model: Path, output: Path):
        export_onnx(tiny_model, output, maps=True)
        first = output.read_bytes()
        export_onnx(tiny_model, output, maps=True)

        assert output.read_bytes() == first


class TestRefusals:
    def test_what_is_not_there(self, tiny_model: Path, output: Path):
        with pytest.raises(UnknownTagError, match='no tag "zebra"'):
            export_onnx(tiny_model, output, maps=["zebra"])
        with pytest.raises(ShapeError, match="no input size of 99"):
            export_onnx(tiny_model, output, size=99)
        with pytest.raises(UnknownModelError):
            export_onnx("nothing", output)
        assert not output.exists()

    def test_a_file_of_somebody_elses_is_kept(self, tiny_model: Path, output: Path):
        output.write_bytes(b"mine")

        with pytest.raises(OverwriteError, match="is not an ONNX file of VectorTag"):
            export_onnx(tiny_model, output)
        assert output.read_bytes() == b"mine"

        export_onnx(tiny_model, output, overwrite=True)
        export_onnx(tiny_model, output)  # its own may be replaced

    def test_the_models_own_network_is_never_replaced(self, write_tiny_model, tmp_path: Path):
        folder = write_tiny_model(tmp_path / "mine")

        with pytest.raises(OverwriteError, match="is a part of a model folder"):
            export_onnx(folder, folder.network, overwrite=True)

    def test_a_folder_that_is_not_there(self, tiny_model: Path, tmp_path: Path):
        with pytest.raises(OutputError):
            export_onnx(tiny_model, tmp_path / "nowhere/out.onnx")

    def test_a_network_of_an_old_opset(self, write_tiny_model, tiny_network: bytes, output: Path, tmp_path: Path):
        import onnx

        old = onnx.load_from_string(tiny_network)
        old.opset_import[0].version = 11
        tagger = Tagger.load(write_tiny_model(tmp_path / "old"))
        tagger.folder.network.write_bytes(old.SerializeToString())

        with pytest.raises(ModelFolderError, match="ONNX opset 11, expected 15 or later"):
            onnx_export._content(tagger, [])

    def test_a_file_whose_scores_differ_is_not_written(self, tiny_model: Path, output: Path, monkeypatch):
        monkeypatch.setattr(onnx_export, "PARITY", -1.0)

        with pytest.raises(ModelFolderError, match=r"a score differs from the Tagger's by .* Nothing was written"):
            export_onnx(tiny_model, output)
        assert not output.exists()

    def test_a_network_with_an_operator_that_is_not_allowed_is_not_read(
        self, write_tiny_model, tiny_network: bytes, output: Path, tmp_path: Path
    ):
        import onnx

        tagger = Tagger.load(write_tiny_model(tmp_path / "hostile"))
        model = onnx.load_from_string(tiny_network)
        model.graph.node[-1].op_type = "Loop"
        tagger.folder.network.write_bytes(model.SerializeToString())

        with pytest.raises(ModelFolderError, match="Loop"):
            export_onnx(tagger, output)
        assert not output.exists()
