"""From the start of a process to the tags of one photo, against torch; and peak memory of long jobs.

    python benchmarks/startup.py [--rounds 7] [--json FILE]
    python benchmarks/startup.py --memory [--json FILE]

Start-up: `vectortag tag one.jpg` with each shipped model, and a script that does the same with torch, torchvision and
timm's ResNet-18; CPU and wall time and peak memory of whole processes, in turns, medians. Memory: the peak of
`vectortag tag` on 1,000 and on 20,000 photos of 500 x 375 (links to the examples).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import EXAMPLES, SIZES, machine_line, make_photos, print_table

VECTORTAG = [sys.executable, "-c", "from vectortag.apps.entry import main; main()"]
TORCH = """
import sys, timm, torch
from PIL import Image
from torch import nn
from torchvision import transforms
head = nn.Sequential(nn.Linear(512, 256), nn.ReLU(), nn.Dropout(0.4), nn.Linear(256, 298))
network = nn.Sequential(timm.create_model("resnet18", pretrained=False, num_classes=0), head)
network.load_state_dict(torch.load(sys.argv[1], weights_only=True))
network.eval()
pixels = transforms.Compose([
    transforms.Resize((224, 224)), transforms.ToTensor(),
    transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
])
with torch.inference_mode():
    scores = torch.sigmoid(network(pixels(Image.open(sys.argv[2]).convert("RGB"))[None]))[0]
print(scores.topk(5))
"""
WEIGHTS = """
import sys, timm, torch
from torch import nn
head = nn.Sequential(nn.Linear(512, 256), nn.ReLU(), nn.Dropout(0.4), nn.Linear(256, 298))
network = nn.Sequential(timm.create_model("resnet18", pretrained=False, num_classes=0), head)
torch.save(network.state_dict(), sys.argv[1])
"""


def run(command: list[str]) -> tuple[float, float, float]:
    """CPU seconds, wall seconds and peak MiB of a process."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command}: failed with {status}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - began, usage.ru_maxrss / 1024


def start_up(rounds: int, folder: Path) -> list[dict[str, object]]:
    """A row for each way."""
    weights, photo = folder / "weights.pt", str(EXAMPLES / "cat.jpg")
    subprocess.run([sys.executable, "-c", WEIGHTS, weights], check=True)
    ways = {
        "torch": [sys.executable, "-c", TORCH, str(weights), photo],
        **{model: [*VECTORTAG, "tag", photo, "--model", model] for model in ("lite2", "lite0", "resnet18")},
    }
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, command in ways.items():
            measured = run(command)
            if turn:  # the first time, files are read and the network is compiled
                found[name].append(measured)
    medians = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in found.items()}
    return [
        {
            "way": name,
            "CPU s": cpu,
            "wall s": wall,
            "peak MiB": round(peak),
            "CPU: torch /": medians["torch"][0] / cpu,
            "wall: torch /": medians["torch"][1] / wall,
        }
        for name, (cpu, wall, peak) in medians.items()
    ]


def memory(folder: Path) -> list[dict[str, object]]:
    """A row for each length of the job."""
    photos = make_photos(folder / "photos", SIZES["500x375"])
    rows: list[dict[str, object]] = []
    for count in (1_000, 20_000):
        job = folder / str(count)
        job.mkdir()
        for number in range(count):
            (job / f"{number:05}.jpg").hardlink_to(photos[number % len(photos)])
        cpu, wall, peak = run(
            [*VECTORTAG, "tag", str(job), "--format", "jsonl", "--output", str(folder / "tags.jsonl")]
        )
        rows.append(
            {"photos": count, "peak MiB": round(peak, 1), "photos/s": count / wall, "CPU ms": 1000 * cpu / count}
        )
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--memory", action="store_true", help="Long jobs instead of short ones.")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = memory(Path(folder)) if arguments.memory else start_up(arguments.rounds, Path(folder))
    print(machine_line(), "\n")
    print_table(rows, arguments.json)


if __name__ == "__main__":
    main()
