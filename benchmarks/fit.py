"""What `vectortag fit` costs and how good its head is, against tagging the same photos once and against torch.

    VECTORTAG_DATA=... python benchmarks/fit.py

On COCO's photos, from an empty cache: CPU time and peak memory of `vectortag fit`, of a second fit, and of `vectortag
tag` on the same photos; and the validation mAP of its head beside that of the same head (Linear K-256, ReLU, Dropout
0.4, Linear) trained by torch on the same embeddings, each at its best epoch, with five seeds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

EPOCHS, BATCH, LEARNING_RATE = 60, 64, 5e-4
"""Of the torch head: those of experiments/lite0.toml."""

SEEDS = range(1, 6)
COMMAND = [sys.executable, "-c", "from vectortag.apps.entry import main; main()"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="lite0")
    parser.add_argument("--heads-only", action="store_true", help="Not the costs.")
    arguments = parser.parse_args()
    data = Path(os.environ["VECTORTAG_DATA"]) / "coco"
    with tempfile.TemporaryDirectory() as home:
        os.environ["VECTORTAG_HOME"] = home
        if not arguments.heads_only:
            fit = ["fit", str(data), "--name", "mine", "--model", arguments.model]
            tag = ["tag", str(data), "--model", arguments.model, "--format", "jsonl", "-o", f"{home}/tags.jsonl"]
            once = run("fit, nothing cached", fit)
            run("fit again", [*fit, "--overwrite"])
            tagged = run("tag", tag)
            print(f"fit costs {once / tagged:.2f} times the CPU of tagging the photos of that folder once")
        compare_heads(data, arguments.model)


def run(what: str, arguments: list[str]) -> float:
    """Run a command of vectortag and return its CPU seconds."""
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{what}: failed with {status}")
    seconds = usage.ru_utime + usage.ru_stime
    print(f"{what:22} {seconds:6.1f} s of CPU, peak {usage.ru_maxrss / 1024:.0f} MiB")
    return seconds


def compare_heads(data: Path, model: str) -> None:
    """Print the mAP of both heads for each seed, and the means."""
    from vectortag.assembly.fit import fit_head
    from vectortag.data.keywords import read_tagged_photos
    from vectortag.data.training import DataOptions, prepare_training_data
    from vectortag.data.usable import embed_data_set
    from vectortag.inference.tagger import Tagger
    from vectortag.model.taxonomy import load_taxonomy

    tagger = Tagger.load(model, additions=False)
    photos, embeddings = embed_data_set(tagger.embedder, tagger.folder, read_tagged_photos(data))
    prepared = prepare_training_data([photos], load_taxonomy("default"), DataOptions(top_k=None, min_photos=5))
    training, validation = (
        np.stack([embeddings[record.path] for record in part.records])
        for part in (prepared.training, prepared.validation)
    )
    ours, theirs = [], []
    for seed in SEEDS:
        _, learning = fit_head(training, validation, prepared, max_positive_weight=1.0, seed=seed)
        ours.append(learning.epochs[learning.best].val_map)
        theirs.append(
            max(torch_head(training, prepared.training.targets, validation, prepared.validation.targets, seed))
        )
        print(f"seed {seed}: numpy {100 * ours[-1]:.2f}, torch {100 * theirs[-1]:.2f}", flush=True)
    print(f"mAP of {len(prepared.tags)} tags: numpy {100 * np.mean(ours):.2f}, torch {100 * np.mean(theirs):.2f}")


def torch_head(
    training: np.ndarray, targets: np.ndarray, validation: np.ndarray, judged: np.ndarray, seed: int
) -> Iterator[float]:
    """Yield the validation mAP after each epoch of plain torch."""
    import torch
    from torch import nn

    from vectortag.evaluation.metrics import average_precision, mean_over_tags
    from vectortag.train.losses import masked_bce, to_float

    torch.manual_seed(seed)
    tags, width = targets.shape[1], training.shape[1]
    head = nn.Sequential(nn.Linear(width, 256), nn.ReLU(), nn.Dropout(0.4), nn.Linear(256, tags))
    optimiser = torch.optim.Adam(head.parameters(), LEARNING_RATE, weight_decay=1e-5)
    inputs, truth = torch.from_numpy(training), to_float(torch.from_numpy(targets))
    for _ in range(EPOCHS):
        head.train()
        for rows in torch.randperm(len(inputs)).split(BATCH):
            optimiser.zero_grad()
            masked_bce(head(inputs[rows]), truth[rows]).backward()
            optimiser.step()
        head.eval()
        with torch.inference_mode():
            yield mean_over_tags(average_precision(head(torch.from_numpy(validation)).numpy(), judged))


if __name__ == "__main__":
    main()
