"""Trainings of small networks on small pictures, each in a process of its own, as a user's is."""

from __future__ import annotations

import csv
import multiprocessing
import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

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
