"""A whole training, on forty small pictures of circles and squares; each in a process of its own, as a user's is."""

from __future__ import annotations

import csv
import functools
import importlib.util
import json
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import s3
from PIL import Image, ImageDraw

from vectortag.assembly.onnx_export import export_onnx
from vectortag.core.git_commit import git_commit
from vectortag.data.records import read_data_set
from vectortag.data.shards.writing import write_shards
from vectortag.evaluation.evaluate import evaluate
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import ModelFolder, read_model_folder

ROOT = Path(__file__).parents[2]
PHOTOS, SIZE = 40, 64
TIMES = {"seconds", "photos_per_second"}

TRAIN = """
    import sys
    from vectortag.train.config_file import load_config
    from vectortag.train.recipe import train
    train(load_config(sys.argv[1]), sys.argv[2], resume=sys.argv[3] == "resume")
"""
RANDOM_WEIGHTS = """
    import sys
    import timm
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    save_file(timm.create_model(sys.argv[1]).state_dict(), sys.argv[2])
"""
IN_A_STEP = """
    import os, signal
    from vectortag.train.lightning_module import TagModule

    def step(self, batch, number, original=TagModule.training_step):
        if (self.current_epoch, number) == {when}:
            {what}
        return original(self, batch, number)

    TagModule.training_step = step
"""
KILLED_IN_A_FOLD = """
    import os, signal
    from vectortag.train.lightning_module import TagModule

    def step(self, batch, number, original=TagModule.training_step):
        if self.trainer.default_root_dir.endswith("without_shapes") and self.current_epoch == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(self, batch, number)

    TagModule.training_step = step
"""
KILLED_IN_EPOCH_3 = IN_A_STEP.format(when=(2, 1), what="os.kill(os.getpid(), signal.SIGKILL)")
CTRL_C_IN_EPOCH_2 = IN_A_STEP.format(when=(1, 0), what="raise KeyboardInterrupt")
WORKERS_ARE_NOT_KEPT = """
    import torch.utils.data as data

    def passing(self, *args, original=data.DataLoader.__init__, **options):
        original(self, *args, **options | {"persistent_workers": False})

    data.DataLoader.__init__ = passing
"""
FULL_DISK = """
    import lightning.pytorch as pl

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    pl.Trainer.save_checkpoint = full
"""
CTRL_C_HANDLER = """
    import signal
    try:
        train(load_config(sys.argv[1]), sys.argv[2])
    except KeyboardInterrupt:
        print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""
PRINTED_ERROR = """
    from vectortag.core.errors import TrainingError
    try:
        train(load_config(sys.argv[1]), sys.argv[2])
    except TrainingError as error:
        print(error)
"""


FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(["vectortag.train.recipe", "lightning.pytorch", "timm", "onnxscript"])


class Ended(Exception):
    """A training's process that ended with an error: its exit code, and the last line of what it said."""


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """metadata.csv of pictures with a red circle, a blue square, both or neither."""
    folder = tmp_path_factory.mktemp("shapes")
    random = np.random.default_rng(0)
    rows = ["image_path,tags"]
    for number in range(PHOTOS):
        image = Image.fromarray(random.integers(0, 60, (72, 72, 3), np.uint8))
        if number % 2:
            ImageDraw.Draw(image).ellipse([8, 8, 36, 36], fill=(250, 60, 60))
        if number % 4 > 1:
            ImageDraw.Draw(image).rectangle([40, 40, 68, 68], fill=(60, 60, 250))
        image.save(folder / f"{number}.png")
        words = ["circle"] * (number % 2) + ["square"] * (number % 4 > 1)
        rows.append(f'{number}.png,"{", ".join(words)}"')
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """weights("test_resnet"): random starting weights of one of timm's smallest networks."""
    for name in ("torch", "timm", "lightning"):
        if importlib.util.find_spec(name) is None and os.environ.get("CI") != "true":
            pytest.skip(f"{name} is not installed")

    @functools.cache
    def save(architecture: str) -> Path:
        file = tmp_path_factory.mktemp("weights") / f"{architecture}.safetensors"
        done = run_python(RANDOM_WEIGHTS, architecture, file)
        assert done.returncode == 0, done.stderr
        return file

    return save


@pytest.fixture(scope="session")
def write_config(shapes: Path, weights: Callable[[str], Path]) -> Callable[..., Path]:
    """write_config(folder, epochs=2): write a configuration for the shapes there."""

    def write(
        folder: Path,
        *,
        csv: Path = shapes,
        architecture: str = "test_resnet",
        init: Path | None = None,
        sizes: Sequence[int] = (),
        vocabulary: Sequence[str] = (),
        **changes: Any,
    ) -> Path:
        fields = {"epochs": 4, "batch_size": 8, "learning_rate": 3e-3, "workers": 0, "precision": "float32", **changes}
        lines = ['name = "shapes"', *(f"{name} = {json.dumps(value)}" for name, value in fields.items())]
        lines += ["[backbone]", f'architecture = "{architecture}"', f'init = "{init or weights(architecture)}"']
        lines += [
            f"image_size = {SIZE}",
            f"sizes = {list(sizes)}",
            "[augment]",
            "resize = 72",
            "[vocabulary]",
            *(vocabulary or ['taxonomy = "none"']),
        ]
        lines += ["[[data]]", 'name = "shapes"', f'csv = "{csv}"']
        file = folder / "shapes.toml"
        file.write_text("\n".join(lines) + "\n")
        return file

    return write


@pytest.fixture
def configured(write_config: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """configured(epochs=2): the path of a configuration for the shapes, in the test's folder."""
    return functools.partial(write_config, tmp_path)


@pytest.fixture(scope="session")
def trained(
    write_config: Callable[..., Path], train: Callable[..., ModelFolder], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., ModelFolder]:
    """trained(epochs=2): a model of that configuration, which tests share, with its run folder beside it: read only."""
    done: dict[str, ModelFolder] = {}

    def find(**changes: Any) -> ModelFolder:
        key = json.dumps(changes, sort_keys=True)
        if key not in done:
            folder = tmp_path_factory.mktemp("trained")
            done[key] = train(write_config(folder, **changes), folder)
        return done[key]

    return find


@pytest.fixture(scope="session")
def train() -> Callable[..., ModelFolder]:
    """train(config file, output, before="", resume=False); `before` is code that runs first."""

    def run(file: Path, output: Path, *, before: str = "", resume: bool = False) -> ModelFolder:
        done = run_python(before + TRAIN, file, output, "resume" if resume else "")
        if done.returncode:
            raise Ended(done.returncode, done.stderr.rstrip().rpartition("\n")[2])
        return read_model_folder(output / "shapes")

    return run


HELD: dict[str, Any] = {"freeze": "stages", "epochs": 1, "distil.hold": 1.0}
"""A network that still knows its classes."""


def run_python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """What a program of its own process does: forked from one that has imported torch, which takes seconds."""
    command = [textwrap.dedent(code), *map(str, arguments)]
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "stdout"), Path(folder, "stderr")
        process = FORKING.Process(target=_program, args=(command, out, err))
        process.start()
        process.join()
        assert process.exitcode is not None
        return subprocess.CompletedProcess(command, process.exitcode, out.read_text(), err.read_text())


def _program(command: list[str], out: Path, err: Path) -> None:
    """Run code as `python -c` does, with everything that it says in two files."""
    for number, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_CREAT | os.O_WRONLY), number)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False)
    sys.argv = ["-c", *command[1:]]
    exec(compile(command[0], "<training>", "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize(
    ("architecture", "freeze"),
    [("test_resnet", "none"), ("test_resnet", "stages"), ("test_resnet", "backbone"), ("test_vit", "stages")],
)
def test_a_trained_model_tags_a_photo(trained, shapes, architecture, freeze):
    folder = trained(architecture=architecture, freeze=freeze, epochs=2)

    analysis = Tagger.load(folder.path).analyse(shapes / "1.png")

    assert [scored.tag for scored in analysis.tagging.scores] == ["circle", "square"]
    assert {heatmap.values.shape for heatmap in analysis.heatmaps()} == {(SIZE // folder.manifest.backbone.stride,) * 2}
    assert folder.manifest.provenance["config"]["freeze"] == freeze
    assert len(folder.manifest.provenance["epochs"]) == 2


@pytest.mark.parametrize(
    ("architecture", "freeze"), [("test_resnet", "none"), ("test_resnet", "backbone"), ("test_vit", "stages")]
)
def test_a_trained_model_is_exported(trained, shapes, tmp_path, architecture, freeze, need_module):
    onnxruntime, folder = need_module("onnxruntime"), trained(architecture=architecture, freeze=freeze, epochs=2)

    export_onnx(folder, tmp_path / "model.onnx", maps=True)

    tagger = Tagger.load(folder.path, precision="exact")
    analysis, pixels = tagger.analyse(shapes / "3.png"), tagger.embedder.pixels(shapes / "3.png")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    scores, maps = session.run(None, {"images": pixels[None]})
    np.testing.assert_allclose(scores[0], [one.score for one in analysis.tagging.scores], atol=1e-5)
    np.testing.assert_allclose(maps[0], [heatmap.values for heatmap in analysis.heatmaps()], atol=1e-3)


def test_a_trained_model_remembers_what_made_it_and_of_what(trained):
    provenance = trained(architecture="test_resnet", freeze="backbone", epochs=2).manifest.provenance

    assert provenance["timm"] == version("timm")
    assert provenance["torch"].partition("+")[0] == version("torch").partition("+")[0]
    assert list(provenance["data"]) == ["shapes"]
    assert re.fullmatch(r"[0-9a-f]{64}", provenance["data"]["shapes"])
    assert provenance.get("git") == git_commit(Path.cwd())


def test_a_trained_model_offers_the_sizes_of_its_configuration(train, configured, shapes, tmp_path):
    folder = train(configured(freeze="backbone", epochs=1, sizes=(96,)), tmp_path)

    assert folder.manifest.sizes == (SIZE, 96)
    tagger = Tagger.load(folder, size=96, precision="exact")
    report = evaluate(tagger, shapes, split="val", dataset="shapes").summary()
    noted = folder.manifest.metrics["sizes"]["96"]["shapes"]
    assert (noted["size"], noted["photos"], noted["map_tags"]) == (96, report["photos"], 2)
    assert (noted["map"], noted["micro_f1"]) == pytest.approx((report["map"], report["micro_f1"]))
    assert "shapes, 96" in (folder.path / "MODEL_CARD.md").read_text()


@pytest.fixture
def across_sources(configured, shapes, tmp_path) -> Callable[..., Path]:
    """across_sources(epochs=2): the path of a configuration of joint heads on two sets, each left out once."""
    taxonomy, more = tmp_path / "taxonomy.toml", tmp_path / "more"
    taxonomy.write_text('version = 1\n[groups]\ncircle = ["zebra"]\nreef = ["coral reef"]\n')
    shutil.copytree(shapes, more)
    (more / "known_tags.txt").write_text("circle\n")
    vocabulary = [f'taxonomy = "{taxonomy}"', "groups = true", "unnamed = 0.2"]
    settings = {"freeze": "backbone", "across_sources": True, "head.joint": True, "keep_duplicates_together": False}

    def write(**changes: Any) -> Path:
        file: Path = configured(vocabulary=vocabulary, **settings, **changes)
        file.write_text(
            file.read_text().replace("[augment]", "[augment]\nviews = 1")
            + f'judges = true\n[[data]]\nname = "more"\ncsv = "{more}"\n'
        )
        return file

    return write


def test_a_head_joins_both_witnesses_and_its_thresholds_hold_on_sets_that_were_left_out(
    train, across_sources, shapes, tmp_path
):
    folder = train(across_sources(), tmp_path)

    manifest = folder.manifest
    assert [block.kind for block in manifest.head] == ["joint", "softmax_groups"]
    assert manifest.tags == ("circle", "square", "reef")
    assert [info.known for info in manifest.data_sets] == [("circle", "square"), ("circle",)]
    assert set(manifest.metrics["left_out"]) == {"shapes", "more"}
    assert len(set(manifest.operating_points[0].thresholds["balanced"][1:])) == 1
    assert (tmp_path / "shapes.run" / "without_more").is_dir()
    assert "| more | " in (folder.path / "MODEL_CARD.md").read_text()
    analysis = Tagger.load(folder.path).analyse(shapes / "1.png")
    assert len(analysis.heatmaps()) == 3


@pytest.mark.parametrize("early_stopping", [5, 1], ids=["all epochs", "stopped early"])
def test_a_training_across_sources_that_was_killed_goes_on_to_the_same_result(
    train, across_sources, tmp_path, early_stopping
):
    file = across_sources(early_stopping=early_stopping, monitor="val_map")  # which is the same after each epoch
    with pytest.raises(Ended, match=str(-signal.SIGKILL)):
        train(file, tmp_path / "broken", before=KILLED_IN_A_FOLD)

    one = train(file, tmp_path / "broken", resume=True)

    other = train(file, tmp_path / "whole")
    assert len(other.manifest.provenance["epochs"]) == (2 if early_stopping == 1 else 4)
    assert one.history == other.history
    assert one.manifest.files["head.safetensors"] == other.manifest.files["head.safetensors"]
    assert one.manifest.operating_points == other.manifest.operating_points
    assert one.manifest.metrics == other.manifest.metrics
    logs = [tmp_path / name / "shapes.run" / "without_more" for name in ("broken", "whole")]
    assert logs_of(logs[0]) == logs_of(logs[1])


def test_a_network_of_one_size_cannot_offer_another(train, configured, tmp_path):
    with pytest.raises(Ended, match=r"ConfigError: backbone\.sizes: test_vit takes one size only"):
        train(configured(architecture="test_vit", sizes=(96,)), tmp_path)


def test_a_backbone_that_is_held_to_its_classes_ships_them_and_their_groups_are_tags(
    train, configured, shapes, tmp_path
):
    taxonomy = tmp_path / "taxonomy.toml"
    taxonomy.write_text('version = 1\n[groups]\ncircle = ["zebra"]\nreef = ["coral reef", "no such class"]\n')
    vocabulary = [f'taxonomy = "{taxonomy}"', "groups = true"]

    folder = train(configured(vocabulary=vocabulary, freeze="stages", **{"distil.hold": 1.0}), tmp_path)

    assert folder.manifest.tags == ("circle", "square", "reef")
    assert [block.kind for block in folder.manifest.head] == ["mlp", "softmax_groups"]
    assert folder.manifest.label_sources == ("photos", "photos", "pretraining")
    assert "| reef † |" in (folder.path / "MODEL_CARD.md").read_text()
    assert folder.classifier is not None
    assert folder.classifier.names[340] == "zebra"
    assert np.flatnonzero(folder.head.blocks[1].groups[0]).tolist() == [973]
    analysis = Tagger.load(folder.path).analyse(shapes / "1.png")
    assert [heatmap.tag for heatmap in analysis.heatmaps()] == ["circle", "square", "reef"]


def test_another_training_can_start_from_a_trained_backbone_and_its_classifier(
    train, trained, configured, shapes, tmp_path
):
    first = trained(**HELD)

    start = first.path.with_name("shapes.run") / "backbone.safetensors"
    second = train(configured(init=start, freeze="backbone", epochs=1), tmp_path / "second")

    before, after = (Tagger.load(f.path).analyse(shapes / "1.png").feature_map for f in (first, second))
    np.testing.assert_allclose(before, after, rtol=1e-3, atol=1e-4)
    assert first.classifier is not None
    assert second.classifier is not None
    np.testing.assert_array_equal(first.classifier.w, second.classifier.w)


def test_another_training_can_start_from_a_finished_model(train, trained, configured, shapes, tmp_path):
    first = trained(epochs=1)

    start = first.path.absolute()
    frozen = train(configured(init=start, freeze="backbone", epochs=1), tmp_path / "frozen")
    whole = train(configured(init=start, epochs=1, learning_rate=1e-9), tmp_path / "whole")  # hardly trained

    before, *after = (Tagger.load(f.path).analyse(shapes / "1.png").feature_map for f in (first, frozen, whole))
    np.testing.assert_allclose(before, after[0], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(before, after[1], rtol=0.2, atol=0.2)  # its norms have met other batches


def test_a_joint_head_can_start_from_a_finished_model_that_has_its_classes(train, trained, across_sources, tmp_path):
    first = trained(**HELD)

    folder = train(across_sources(init=first.path.absolute(), epochs=1), tmp_path / "joint")

    assert [block.kind for block in folder.manifest.head] == ["joint", "softmax_groups"]
    assert first.classifier is not None
    assert folder.classifier is not None
    np.testing.assert_array_equal(folder.classifier.w, first.classifier.w)


def test_a_joint_head_cannot_start_from_a_finished_model_without_classes(train, trained, across_sources, tmp_path):
    first = trained(epochs=1)

    with pytest.raises(
        Ended, match=r"ConfigError: vocabulary\.groups: the starting weights have no ImageNet classifier"
    ):
        train(across_sources(init=first.path.absolute()), tmp_path / "joint")


def test_a_run_teaches_each_view_that_another_network_is_trained_on(trained):
    teacher = trained(epochs=1).path.with_name("shapes.run")

    taught, alone = (
        trained(architecture="test_efficientnet", epochs=1, **settings)
        for settings in ({"distil.teacher": str(teacher), "distil.share": 1.0}, {})
    )

    assert taught.manifest.tags == alone.manifest.tags
    assert not np.array_equal(taught.head.blocks[0].w1, alone.head.blocks[0].w1)


def test_groups_need_a_backbone_that_still_knows_its_classes(train, configured, tmp_path):
    with pytest.raises(Ended, match=r"vocabulary\.groups: a backbone that is trained forgets its own classes"):
        train(configured(vocabulary=["groups = true"]), tmp_path)


def test_training_learns_the_shapes(trained):
    folder = trained(epochs=12)

    assert folder.manifest.metrics["shapes"]["map"] > 0.9


def test_the_best_epoch_is_kept(trained):
    folder = trained(epochs=12)

    losses = [epoch["val_loss"] for epoch in folder.manifest.provenance["epochs"]]
    assert folder.manifest.provenance["best_epoch"] == 1 + losses.index(min(losses))


@pytest.fixture(scope="session")
def shards(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shapes in shards of nine photos a piece, without loss, at the size of the network."""
    folder = tmp_path_factory.mktemp("sharded") / "shards"
    write_shards(read_data_set(shapes, name="shapes"), folder, size=SIZE, lossless=True, together=9)
    return folder


def at_one_size(file: Path) -> Path:
    """The configuration with crops of random area out of photos of the network's size."""
    file.write_text(file.read_text().replace("resize = 72", f"resize = {SIZE}\nscale = 0.6"))
    return file


@pytest.mark.parametrize("freeze", ["none", "stages", "backbone"])
def test_shards_train_to_the_model_of_the_folder_bit_for_bit(train, configured, shapes, shards, tmp_path, freeze):
    of_folder, of_shards = (
        train(at_one_size(configured(csv=place, freeze=freeze, epochs=2)), tmp_path / place.name)
        for place in (shapes, shards)
    )

    one, other = of_shards.manifest, of_folder.manifest
    assert one.files["head.safetensors"] == other.files["head.safetensors"]
    assert one.files["model.onnx"] == other.files["model.onnx"]
    assert one.metrics == other.metrics
    assert one.operating_points == other.operating_points
    assert one.data_sets == other.data_sets
    assert one.provenance["data"] == other.provenance["data"]
    assert of_shards.history == of_folder.history


@pytest.mark.parametrize("workers", [0, 2])
def test_a_training_from_shards_that_was_killed_goes_on_to_the_same_result(
    train, configured, shards, tmp_path, workers
):
    file = at_one_size(configured(csv=shards, workers=workers))
    whole = train(file, tmp_path / "whole")
    with pytest.raises(Ended, match=str(-signal.SIGKILL)):
        train(file, tmp_path / "broken", before=KILLED_IN_EPOCH_3)

    folder = train(at_one_size(configured(csv=shards, workers=2 - workers)), tmp_path / "broken", resume=True)

    assert folder.manifest.files["head.safetensors"] == whole.manifest.files["head.safetensors"]
    assert folder.manifest.files["model.onnx"] == whole.manifest.files["model.onnx"]
    assert folder.history == whole.history


@pytest.mark.parametrize("workers", [0, 2])
def test_a_shard_that_is_damaged_stops_the_training_in_one_line(configured, shards, tmp_path, workers):
    shutil.copytree(shards, tmp_path / "damaged")
    (tmp_path / "damaged/photos-00001.tar").write_bytes(b"")
    imports = TRAIN[: TRAIN.index("    train(")]

    done = run_python(imports + PRINTED_ERROR, configured(csv=tmp_path / "damaged", workers=workers), tmp_path)

    (line,) = done.stdout.splitlines()
    assert re.fullmatch(
        r".*\.png: .*photos-00001\.tar is damaged\. Copy this shard again, or make the shards anew", line
    )
    assert not (tmp_path / "shapes").exists()


def test_a_training_from_a_bucket_that_fails_and_is_slow_gives_the_model_of_the_folder(
    configured, need, shapes, shards, tmp_path
):
    need(importlib.util.find_spec("moto"), "moto")
    need(importlib.util.find_spec("pyarrow"), "pyarrow")
    faults = s3.Faults()
    results = []
    with s3.moto_server() as port, s3.faulty_proxy(port, faults) as proxy:
        faults.failing.update({"index.json": 2, "photos-00000.jsonl": 1, "photos-00001.tar": 3})
        faults.cut.update({"photos-00003.tar": 2})
        faults.slow.add("photos-00002.tar")
        for place, workers in ((s3.upload(shards, port, "training"), 2), (str(shapes), 0)):
            file = at_one_size(configured(csv=place, workers=workers, epochs=2))
            done = subprocess.run(
                [sys.executable, "-c", textwrap.dedent(TRAIN), str(file), str(tmp_path / f"{workers}"), ""],
                capture_output=True,
                text=True,
                check=False,
                env=s3.clean() | {"AWS_ENDPOINT_URL": f"http://{s3.HOST}:{proxy}", "OMP_NUM_THREADS": "1"},
            )
            assert done.returncode == 0, done.stderr
            results.append(read_model_folder(tmp_path / f"{workers}" / "shapes"))

    assert faults.failing.total() == faults.cut.total() == 0
    assert results[0].manifest.files["head.safetensors"] == results[1].manifest.files["head.safetensors"]
    assert results[0].manifest.files["model.onnx"] == results[1].manifest.files["model.onnx"]
    assert results[0].manifest.metrics == results[1].manifest.metrics


@pytest.fixture(scope="session")
def unbroken() -> dict[str, Any]:
    """The result of one training by what it was trained with: filled by the first test that needs it."""
    return {}


@pytest.mark.parametrize(
    ("workers", "before"),
    [(0, ""), pytest.param(1, "", marks=pytest.mark.long), (2, ""), (2, WORKERS_ARE_NOT_KEPT)],
    ids=["0 workers", "1 worker", "2 workers", "2 new workers each epoch"],
)
def test_a_training_that_was_killed_goes_on_to_the_same_result(train, configured, tmp_path, unbroken, workers, before):
    settings = {"accumulate": 3, "ema": 0.9}
    file = configured(workers=workers, **settings)
    with pytest.raises(Ended, match=str(-signal.SIGKILL)):
        train(file, tmp_path / "broken", before=before + KILLED_IN_EPOCH_3)
    assert not (tmp_path / "broken" / "shapes").exists()  # nothing that looks like a model

    folder = train(file, tmp_path / "broken", before=before, resume=True)

    if not unbroken:
        unbroken["model"] = train(configured(**settings), tmp_path / "whole")
        unbroken["logs"] = logs_of(tmp_path / "whole" / "shapes.run")
    one, other = folder.manifest.files, unbroken["model"].manifest.files
    assert one["head.safetensors"] == other["head.safetensors"]
    assert one["model.onnx"] == other["model.onnx"]
    assert folder.history == unbroken["model"].history
    assert logs_of(tmp_path / "broken" / "shapes.run") == unbroken["logs"]


KILLED_AS_EPOCH_3_IS_SAVED = """
    import os, signal
    from lightning.pytorch.trainer.connectors.logger_connector.logger_connector import _LoggerConnector
    logs = _LoggerConnector.update_train_epoch_metrics
    def kill(self):
        if self.trainer.current_epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        logs(self)
    _LoggerConnector.update_train_epoch_metrics = kill
"""
"""Between the checkpoint of the third epoch and its figures in the logs."""


def test_the_logs_have_an_epoch_that_was_saved_and_not_yet_logged(train, configured, tmp_path):
    file = configured(freeze="backbone")
    with pytest.raises(Ended, match=str(-signal.SIGKILL)):
        train(file, tmp_path / "broken", before=KILLED_AS_EPOCH_3_IS_SAVED)

    train(file, tmp_path / "broken", resume=True)

    train(file, tmp_path / "whole")
    assert logs_of(tmp_path / "broken" / "shapes.run") == logs_of(tmp_path / "whole" / "shapes.run")


def test_the_last_epoch_can_be_resumed_though_it_was_no_better(train, trained, configured, tmp_path, torch):
    worse = {"monitor": "val_map", "freeze": "backbone", "schedule.patience": 0}
    with pytest.raises(Ended, match=str(-signal.SIGKILL)):
        train(configured(**worse), tmp_path, before=KILLED_IN_EPOCH_3)
    assert torch.load(tmp_path / "shapes.run" / "last.ckpt", weights_only=True)["epoch"] == 1

    folder = train(configured(**worse), tmp_path, resume=True)

    whole = trained(**worse)
    rates = [epoch.learning_rate for epoch in whole.history]
    assert rates[2] < rates[0]  # the plateau had lowered it when the training was killed
    assert folder.history == whole.history
    assert folder.manifest.files["head.safetensors"] == whole.manifest.files["head.safetensors"]


SCHEDULED: dict[str, Any] = {"optimiser": "sgd", "learning_rate": 0.05, "layer_decay": 0.5, "unfreeze_at": [1, 3]}


def test_a_training_that_unfreezes_stages_goes_on_to_the_same_result(train, trained, configured, tmp_path):
    file = configured(**SCHEDULED)
    with pytest.raises(Ended, match=str(-signal.SIGKILL)):
        train(file, tmp_path, before=KILLED_IN_EPOCH_3)

    folder = train(file, tmp_path, resume=True)

    whole = trained(**SCHEDULED)
    assert folder.history == whole.history
    assert folder.manifest.files["model.onnx"] == whole.manifest.files["model.onnx"]
    assert folder.manifest.files["head.safetensors"] == whole.manifest.files["head.safetensors"]


WATCHED = """
    import json
    import sys
    import vectortag as vt
    from lightning.pytorch.callbacks import Callback
    from vectortag.train.config_file import load_config

    def stage(name):
        return name.split(".")[2] if name.startswith("trunk.body.") else name.split(".")[0]

    class Watching(Callback):
        def on_train_epoch_start(self, trainer, module):
            self.before = {name: one.detach().clone() for name, one in module.named_parameters()}

        def on_train_epoch_end(self, trainer, module):
            moved = {stage(name) for name, one in module.named_parameters() if not one.equal(self.before[name])}
            places = {id(one): stage(name) for name, one in module.named_parameters()}
            groups = trainer.optimizers[0].param_groups
            rates = {places[id(group["params"][0])]: group["lr"] for group in groups}
            print(json.dumps([sorted(moved), rates, type(trainer.optimizers[0]).__name__]))

    vt.train(load_config(sys.argv[1]), sys.argv[2], callbacks=[Watching()])
"""


def test_stages_are_unfrozen_at_their_epochs_with_learning_rates_of_their_own(configured, tmp_path):
    done = run_python(WATCHED, configured(**SCHEDULED), tmp_path)

    epochs = [json.loads(line) for line in done.stdout.splitlines()]
    last, two = ["head", "layer4"], ["head", "layer3", "layer4"]
    assert [moved for moved, _, _ in epochs] == [["head"], last, last, two], done.stderr
    for _, rates, optimiser in epochs:
        assert optimiser == "SGD"
        assert rates["layer4"] == pytest.approx(rates["head"] / 2)
        assert rates["layer3"] == pytest.approx(rates["head"] / 4)


def logs_of(run: Path) -> tuple[list[dict[str, str]], dict[str, list[tuple[int, float]]]]:
    """The lines of metrics.csv, and each curve of TensorBoard as (step, value); without times, which always differ."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    names = set(events.Tags()["scalars"]) - TIMES
    curves = {name: [(one.step, one.value) for one in events.Scalars(name)] for name in names}
    with (run / "logs" / "metrics.csv").open(newline="") as file:
        rows = [{name: value for name, value in row.items() if name not in TIMES} for row in csv.DictReader(file)]
    return rows, curves


def train_in_two_processes(file: Path, output: Path, *, before: str = "") -> subprocess.CompletedProcess[str]:
    """What torchrun says of a training in two processes."""
    script = file.with_name("train.py")
    script.write_text(textwrap.dedent(before + TRAIN))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run(
        [*command, str(script), str(file), str(output), ""],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def assert_two_train_as_one(train, file: Path, folder: Path) -> None:
    """Two processes are killed, and one goes on: to the figures of a training that was alone all the time."""
    alone = train(file, folder / "alone").manifest.provenance

    done = train_in_two_processes(file, folder / "out", before=KILLED_IN_EPOCH_3)
    assert done.returncode != 0, "it was to be killed"
    both = train(file, folder / "out", resume=True).manifest.provenance

    assert len(both["epochs"]) == len(alone["epochs"]) == 4
    for one, other in zip(both["epochs"], alone["epochs"], strict=True):
        assert one["val_map"] == pytest.approx(other["val_map"], abs=0.005)
        assert one["val_loss"] == pytest.approx(other["val_loss"], abs=1e-4)
        assert one["train_loss"] == pytest.approx(other["train_loss"], abs=1e-4)


def test_two_processes_train_as_one_does_and_one_goes_on_where_they_ended(train, configured, tmp_path):
    file = configured(freeze="backbone", **{"head.dropout": 0.0})  # the one thing that each process draws for itself
    assert_two_train_as_one(train, file, tmp_path)


FROM_SHARDS = {"architecture": "test_vit", "freeze": "none", "head.dropout": 0.0, "precision": "float32"}
"""A network without batch norms and dropout: nothing in it is each process's own."""


def test_two_processes_train_from_shards_as_one_does_and_one_goes_on_where_they_ended(
    train, configured, shards, tmp_path
):
    file = configured(csv=shards, workers=1, **FROM_SHARDS)
    assert_two_train_as_one(train, file, tmp_path)


@pytest.mark.long
def test_two_processes_unfreeze_the_same_stages_as_one_does(train, configured, weights, tmp_path):
    file = configured(**{"unfreeze_at": [2, 3], "layer_decay": 0.5, "head.dropout": 0.0})
    alone = train(file, tmp_path / "alone").manifest.provenance

    done = train_in_two_processes(file, tmp_path / "out")

    assert done.returncode == 0, done.stderr
    both = read_model_folder(tmp_path / "out" / "shapes").manifest.provenance
    for one, other in zip(both["epochs"][:2], alone["epochs"][:2], strict=True):  # the head alone
        assert one["val_loss"] == pytest.approx(other["val_loss"], abs=1e-4)
        assert one["train_loss"] == pytest.approx(other["train_loss"], abs=1e-4)
    for output in ("alone", "out"):
        assert moved_stages(tmp_path / output / "shapes.run", weights("test_resnet")) == {"layer3", "layer4"}


def moved_stages(run: Path, start: Path) -> set[str]:
    """The stages of which a weight is another one after the last epoch than at the start."""
    import torch
    from safetensors.torch import load_file

    before = load_file(start)
    after = torch.load(run / "last.ckpt", map_location="cpu", weights_only=True)["state_dict"]
    names = [name for name in before if f"trunk.body.{name}" in after and before[name].is_floating_point()]
    return {name.split(".")[0] for name in names if not after[f"trunk.body.{name}"].equal(before[name])}


@pytest.mark.long
def test_two_processes_train_a_whole_network_as_one_does(train, configured, tmp_path):
    file = configured(freeze="none", epochs=8)
    alone = train(file, tmp_path / "alone").manifest.provenance

    done = train_in_two_processes(file, tmp_path / "out")

    assert done.returncode == 0, done.stderr
    both = read_model_folder(tmp_path / "out" / "shapes").manifest.provenance
    assert both["processes"] == 2
    best = [max(epoch["val_map"] for epoch in one["epochs"]) for one in (both, alone)]
    assert best[0] == pytest.approx(best[1], abs=0.005)


def test_a_loss_that_is_no_number_ends_the_training(train, configured, tmp_path):
    with pytest.raises(Ended, match=r"TrainingError: .*the loss is .*Lower learning_rate"):
        train(configured(learning_rate=1e30), tmp_path)

    assert not (tmp_path / "shapes").exists()


def test_ctrl_c_leaves_what_can_be_resumed(train, configured, tmp_path):
    file = configured(epochs=2)

    with pytest.raises(Ended, match="KeyboardInterrupt"):
        train(file, tmp_path, before=CTRL_C_IN_EPOCH_2)
    assert not (tmp_path / "shapes").exists()

    assert len(train(file, tmp_path, resume=True).manifest.provenance["epochs"]) == 2


def test_ctrl_c_still_works_after_a_training_was_stopped_by_it(configured, tmp_path):
    imports = TRAIN[: TRAIN.index("    train(")]

    done = run_python(CTRL_C_IN_EPOCH_2 + imports + CTRL_C_HANDLER, configured(), tmp_path)

    assert done.stdout == "True\n", done.stderr


def test_a_full_disk_ends_in_a_clear_error(train, configured, tmp_path):
    with pytest.raises(Ended, match=r"TrainingError: .*No space left on device"):
        train(configured(epochs=1), tmp_path, before=FULL_DISK)
    assert not (tmp_path / "shapes").exists()


FOUND = """
    import json
    import sys
    from vectortag.train.config_file import load_config
    from vectortag.train.learning_rate import find_learning_rate

    curve = find_learning_rate(load_config(sys.argv[1]), sys.argv[2])
    print(json.dumps([curve.suggestion, curve.rates, curve.losses]))
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_learning_rate_finder_leaves_a_run_as_it_is(train, configured, tmp_path, accumulate):
    file, output = configured(freeze="backbone", epochs=1, accumulate=accumulate), tmp_path / "out"
    train(file, output)
    before = contents(output)

    done = run_python(FOUND, file, output)

    suggestion, rates, losses = json.loads(done.stdout)
    assert rates[0] < suggestion < rates[-1]
    assert rates == sorted(rates)
    assert len(rates) == len(losses) > 50 // accumulate
    slopes = np.gradient(losses, np.log10(rates))[: int(np.argmin(losses)) + 1]
    assert suggestion == pytest.approx(rates[slopes.argmin()])
    after = contents(output)
    table, picture = after.pop("shapes.learning_rates.csv").decode(), after.pop("shapes.learning_rates.png")
    assert after == before
    written = list(csv.DictReader(table.splitlines()))
    assert [float(row["learning_rate"]) for row in written] == pytest.approx(rates)
    assert [float(row["loss"]) for row in written] == pytest.approx(losses)
    assert picture.startswith(b"\x89PNG")


def test_there_must_be_something_to_resume(train, configured, tmp_path):
    with pytest.raises(Ended, match=r"TrainingError: .*Start without --resume"):
        train(configured(), tmp_path, resume=True)


def test_one_photo_is_no_data_set(train, configured, tmp_path, shapes):
    (tmp_path / "metadata.csv").write_text(f"image_path,tags\n{shapes / '1.png'},circle\n")

    with pytest.raises(Ended, match=r"DataError: .*at least two photos, got 1"):
        train(configured(csv=tmp_path), tmp_path / "out")


def test_one_training_photo_is_too_few(train, configured, tmp_path, shapes):
    rows = [f"{shapes / f'{n}.png'},circle,{'val' if n else 'train'}\n" for n in range(3)]
    (tmp_path / "metadata.csv").write_text("".join(["image_path,tags,split\n", *rows]))

    with pytest.raises(Ended, match=r"DataError: only one photo is for training, expected at least two"):
        train(configured(csv=tmp_path), tmp_path / "out")


def test_batches_of_one_photo_cannot_be_normalised(train, configured, tmp_path):
    with pytest.raises(Ended, match=r"TrainingError: a batch of one photo cannot be normalised\. Set batch_size to 2"):
        train(configured(batch_size=1, epochs=1, freeze="backbone", **{"head.standardise": True}), tmp_path)


def test_the_run_keeps_its_resolved_configuration_and_a_log(trained):
    run = trained(architecture="test_resnet", freeze="none", epochs=2).path.with_name("shapes.run")

    assert json.loads((run / "config.json").read_text())["epochs"] == 2
    assert (run / "logs" / "metrics.csv").is_file()


FROM_PYTHON = """
    import json
    import sys
    import vectortag as vt
    from lightning.pytorch.callbacks import Callback
    from lightning.pytorch.loggers import CSVLogger
    from vectortag.train.config_file import load_config

    class Listener(Callback):
        def on_validation_end(self, trainer, module):
            heard.append(trainer.callback_metrics["val_map"].item())

    heard = []
    output = sys.argv[2]
    folder = vt.train(
        load_config(sys.argv[1]), output, callbacks=[Listener()], loggers=[CSVLogger(output, name="", version="mine")]
    )
    again = vt.train(sys.argv[1], output + "/second")
    print(json.dumps([heard, [epoch.val_map for epoch in folder.history], again.history == folder.history]))
"""


def test_python_trains_by_a_configuration_or_its_file_with_callbacks_and_loggers(configured, tmp_path):
    done = run_python(FROM_PYTHON, configured(epochs=2, freeze="backbone"), tmp_path)

    heard, history, the_same_by_file = json.loads(done.stdout)
    assert heard == pytest.approx(history)
    assert len(history) == 2
    assert the_same_by_file
    with (tmp_path / "mine" / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_map"]) for row in rows if row["val_map"]] == pytest.approx(history)
    for name in ("learning_rate", "seconds", "photos_per_second"):
        assert [float(row[name]) > 0 for row in rows if row[name]] == [True, True]


def test_tensorboard_has_settings_photos_and_how_average_precision_is_spread(train, configured, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = train(configured(epochs=2, freeze="backbone"), tmp_path)

    events = EventAccumulator(
        str(tmp_path / "shapes.run" / "tensorboard"), size_guidance={"images": 0, "histograms": 0}
    )
    events.Reload()
    tags = events.Tags()
    assert len(tags["images"]) == 16
    assert {name.partition(": ")[2] for name in tags["images"]} >= {"circle", "square", "no tag"}
    assert len(events.Histograms("average precision of each tag")) == 2
    (best,) = events.Scalars("hp/val_map")
    assert best.value == pytest.approx(max(epoch.val_map for epoch in folder.history))
    settings = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    assert b"loss.kind" in settings


PRUNED = """
    import sys
    import optuna
    import vectortag as vt
    from optuna_integration import PyTorchLightningPruningCallback
    from vectortag.train.config_file import load_config

    config = load_config(sys.argv[1])

    def objective(trial):
        changes = {"name": f"trial{trial.number}", "learning_rate": trial.suggest_float("rate", 1e-9, 1e-1, log=True)}
        watching = [PyTorchLightningPruningCallback(trial, monitor="val_map")]
        folder = vt.train(config.model_copy(update=changes), sys.argv[2], callbacks=watching)
        return max(epoch.val_map for epoch in folder.history)

    pruner = optuna.pruners.ThresholdPruner(lower=2.0, n_warmup_steps=1)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    study.enqueue_trial({"rate": 1e-2})
    study.optimize(objective, n_trials=1)
    print(study.trials[0].state.name, len(study.trials[0].intermediate_values))
"""


def test_optuna_stops_a_training_by_its_own_callback(configured, need_module, tmp_path):
    need_module("optuna_integration")

    done = run_python(PRUNED, configured(epochs=4, freeze="backbone"), tmp_path)

    assert done.stdout == "PRUNED 2\n", done.stderr
    assert not (tmp_path / "trial0").exists()


def notebook(**parameters: object) -> str:
    """The code of examples/from_coco.ipynb, with other values in its cell of parameters."""
    cells = json.loads((ROOT / "examples/from_coco.ipynb").read_text("utf-8"))["cells"]
    code = {cell["id"]: "".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"}
    (named,) = [cell["id"] for cell in cells if "parameters" in cell["metadata"].get("tags", ())]
    code[named] += "".join(f"\n{name} = {value!r}" for name, value in parameters.items())
    return "\n".join(code.values())


def check_notebook(code: str, folder: Path) -> None:
    folder.mkdir()
    done = run_python(f"import os\nos.chdir({str(folder)!r})\n{code}")

    assert done.returncode == 0, done.stderr
    test = re.search(r"^(\d+) photos: mAP ([\d.]+), micro F1", done.stdout, re.MULTILINE)
    assert test, done.stdout
    assert int(test[1]) == len(list((folder / "shapes/test").glob("*.png")))
    assert re.search(r"^exported: {'circle': [01]\.\d+, 'square': [01]\.\d+} \(1, 2, ", done.stdout, re.MULTILINE)
    assert "model.onnx" in done.stdout
    assert (folder / "runs/trial1/MODEL_CARD.md").is_file()


def test_the_notebook_runs_with_a_small_network(weights, need_module, tmp_path):
    need_module("optuna")
    small = {"ARCHITECTURE": "test_resnet", "INIT": str(weights("test_resnet")), "SIZE": 64, "EPOCHS": 2}

    check_notebook(notebook(**small), tmp_path / "notebook")


@pytest.mark.long
def test_the_notebook_runs_as_it_is(weights, need_module, tmp_path):
    need_module("optuna")

    check_notebook(notebook(), tmp_path / "notebook")


@pytest.mark.long
@pytest.mark.parametrize("package", ["", "wandb", "mlflow", "optuna_integration"])
def test_the_examples_of_the_document_run(weights, shapes, tmp_path, package):
    if package and importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/from_python.md").read_text("utf-8"), re.DOTALL | re.M)
    first, *others = blocks
    marks = {"wandb": "WandbLogger", "mlflow": "MLFlowLogger", "optuna_integration": "import optuna"}
    chosen = [block for block in others if package and marks[package] in block]
    shutil.copytree(shapes, tmp_path / "photos")

    done = run_python(f"import os\nos.chdir({str(tmp_path)!r})\n" + "\n".join([first, *chosen]))

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= 4
