"""A whole training, on forty small pictures of circles and squares; each in a process of its own, as a user's is."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import s3
from trainings import (
    KILLED_IN_A_FOLD,
    KILLED_IN_EPOCH_3,
    PRINTED_ERROR,
    SIZE,
    TRAIN,
    Ended,
    logs_of,
    run_python,
)

from vectortag.assembly.onnx_export import export_onnx
from vectortag.data.records import read_data_set
from vectortag.data.shards.writing import write_shards
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import read_model_folder

ROOT = Path(__file__).parents[2]
HELD: dict[str, Any] = {"freeze": "stages", "epochs": 1, "distil.hold": 1.0}
"""A network that still knows its classes."""


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


@pytest.fixture
def across_sources(configured, shapes, tmp_path) -> Callable[..., Path]:
    """across_sources(epochs=2): the path of a configuration of joint heads on two sets, each left out once."""
    taxonomy, more = tmp_path / "taxonomy.toml", tmp_path / "more"
    taxonomy.write_text('version = 1\n[groups]\ncircle = ["zebra"]\nreef = ["coral reef"]\n')
    shutil.copytree(shapes, more)
    (more / "known_tags.txt").write_text("circle\n")
    vocabulary = [f'taxonomy = "{taxonomy}"', "groups = true", "unnamed = 0.2"]
    settings = {
        "freeze": "backbone",
        "across_sources": True,
        "head.joint": True,
        "head.members": 2,
        "keep_duplicates_together": False,
    }

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


@pytest.mark.parametrize("freeze", ["none", "backbone"])
def test_shards_with_copies_for_the_validation_train_to_the_model_of_the_folder(
    train, configured, shapes, tmp_path, freeze
):
    data = read_data_set(shapes, name="shapes")
    write_shards(data, tmp_path / "shards", size=68, copies=[SIZE], lossless=True, together=11)
    results = []
    for place in (shapes, tmp_path / "shards"):
        file = configured(csv=place, freeze=freeze, epochs=2)
        file.write_text(file.read_text().replace("resize = 72", "resize = 68"))
        results.append(train(file, tmp_path / f"of {place.name}"))

    of_folder, of_shards = results
    assert of_shards.manifest.files["head.safetensors"] == of_folder.manifest.files["head.safetensors"]
    assert of_shards.manifest.files["model.onnx"] == of_folder.manifest.files["model.onnx"]
    assert of_shards.manifest.metrics == of_folder.manifest.metrics
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
        r".*\.png: .*photos-00001\.tar is damaged\. Copy this shard again, or make the shards again", line
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
