"""The steps of a training: losses, figures, learning rates, and which parts learn when."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from trainings import (
    KILLED_IN_EPOCH_3,
    Ended,
    run_python,
)

from vectortag.train.config import DataConfig, TrainConfig

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


STEPS, RATE = 3, 0.1
"""Batches an epoch, and the configured learning rate."""


def settings(**changes: Any) -> TrainConfig:
    fields = {"epochs": 4, "learning_rate": RATE, "loss": {"kind": "bce"}, "schedule": {"kind": "constant"}, **changes}
    data = (DataConfig(name="photos", csv="photos/metadata.csv"),)
    return TrainConfig.model_validate({"name": "mine", "data": data, **fields})


@pytest.fixture
def part(torch: Any) -> Any:
    """(9, 4) inputs and (9, 2) targets, of which one is unknown."""
    random = torch.Generator().manual_seed(0)
    targets = (torch.rand(9, 2, generator=random) > 0.5).float()
    targets[4, 1] = math.nan
    return torch.rand(9, 4, generator=random), targets


@pytest.fixture
def run(torch: Any, part: Any, need_module: Callable[[str], ModuleType]) -> Callable[..., Any]:
    """run(config, part, callbacks=..., dropout=0.5): the module after a training of small linear layers on `part`."""
    pl, losses = need_module("lightning.pytorch"), need_module("vectortag.train.losses")
    engine, modules = need_module("vectortag.train.engine"), need_module("vectortag.train.lightning_module")

    def train(config: TrainConfig, *, callbacks: Any = (), dropout: float = 0.0) -> Any:
        with torch.random.fork_rng():
            torch.manual_seed(7)
            trunk = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4))
            head = torch.nn.Sequential(torch.nn.Dropout(dropout), torch.nn.Linear(4, 2))
        loss = losses.create_loss(config.loss, np.zeros((9, 2), np.uint8))
        module = modules.TagModule(config, trunk, head, loss)
        batches = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*part), batch_size=3)
        options = {"enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
        with engine.quiet():
            pl.Trainer(
                max_epochs=config.epochs, accelerator="cpu", logger=False, num_sanity_val_steps=0,
                callbacks=list(callbacks), **options,
            ).fit(module, batches, batches)  # fmt: skip
        return module

    return train


@pytest.fixture
def rates(torch: Any, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The learning rate of the head at each step that Adam takes."""
    noted: list[float] = []
    step = torch.optim.Adam.step

    def noting(self: Any, *args: Any, **options: Any) -> Any:
        outcome = step(self, *args, **options)
        noted.append(self.param_groups[-1]["lr"])
        return outcome

    monkeypatch.setattr(torch.optim.Adam, "step", noting)
    return noted


@pytest.mark.parametrize(
    ("schedule", "shares"),
    [
        ({"kind": "constant"}, [1.0] * 12),
        ({"kind": "constant", "warmup_epochs": 1}, [1 / 3, 2 / 3, *[1.0] * 10]),
        ({"kind": "cosine"}, [0.5 * (1 + math.cos(math.pi * step / 12)) for step in range(12)]),
        (
            {"kind": "cosine", "warmup_epochs": 1},
            [1 / 3, 2 / 3, 1.0, *(0.5 * (1 + math.cos(math.pi * step / 9)) for step in range(9))],
        ),
        ({"kind": "plateau", "warmup_epochs": 0.67}, [1 / 2, 1.0, *[1.0] * 10]),
    ],
)
def test_the_learning_rate_goes_as_the_schedule_says(run, rates, schedule: dict[str, Any], shares: list[float]):
    module = run(settings(schedule=schedule))

    assert rates == pytest.approx([RATE * share for share in shares])
    assert [epoch.learning_rate for epoch in module.epochs] == pytest.approx([RATE * share for share in shares[2::3]])


def test_a_plateau_lowers_the_rate_after_its_patience(run, rates):
    schedule = {"kind": "plateau", "patience": 1, "factor": 0.5}

    run(settings(schedule=schedule, epochs=5, learning_rate=1e-30))  # so the loss stays as it is

    assert rates[::STEPS] == pytest.approx([1e-30, 1e-30, 1e-30, 0.5e-30, 0.5e-30])


def test_the_trunk_rests_in_the_frozen_epochs(run, need_module):
    pl = need_module("lightning.pytorch")
    seen: list[tuple[bool, float, float]] = []

    class Watching(pl.Callback):
        def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
            linear, norm = module.trunk
            seen.append((module.trunk.training, linear.weight.sum().item(), norm.running_mean.sum().item()))

    module = run(settings(frozen_epochs=2, epochs=3), callbacks=[Watching()])

    assert [training for training, _, _ in seen] == [False, False, True]
    assert seen[0][1:] == seen[1][1:]
    assert seen[1][1] != seen[2][1]
    assert seen[0][2] == 0 != seen[2][2]
    assert len(module.epochs) == 3


def test_figures_of_an_epoch_are_those_of_scikit_learn_on_what_is_known(run, part, torch):
    module = run(settings(epochs=1))

    inputs, targets = part
    with torch.no_grad():
        scores = module.eval()(inputs).numpy()
    known = ~targets.isnan().numpy()
    expected = [average_precision_score(targets[known[:, tag], tag], scores[known[:, tag], tag]) for tag in range(2)]
    assert module.precisions == pytest.approx(expected)
    (epoch,) = module.epochs
    assert epoch.val_map == pytest.approx(np.mean(expected))
    losses = torch.nn.functional.binary_cross_entropy_with_logits(
        torch.from_numpy(scores), targets.nan_to_num(), reduction="none"
    ).numpy()
    assert epoch.val_loss == pytest.approx(losses[known].mean(), rel=1e-5)


def test_dropout_is_a_function_of_seed_epoch_and_step_alone(run, torch):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        one = run(settings(), dropout=0.5)
        torch.manual_seed(2)
        other = run(settings(), dropout=0.5)
        third = run(settings(seed=2), dropout=0.5)

    assert one.epochs[-1].val_loss == other.epochs[-1].val_loss != third.epochs[-1].val_loss


def test_a_loss_that_is_no_number_is_told_with_its_step(run, part):
    part[0][4] = math.inf

    with pytest.raises(FloatingPointError, match="epoch 1, by step 2: the loss is nan"):
        run(settings())


def test_the_figures_of_past_epochs_go_into_a_checkpoint_and_come_back(run):
    module, fresh = run(settings(epochs=2)), run(settings(epochs=1))
    checkpoint: dict[str, Any] = {}

    module.on_save_checkpoint(checkpoint)
    fresh.on_load_checkpoint(checkpoint)

    assert len(fresh.epochs) == 2
    assert fresh.epochs == module.epochs
