"""Tags of photos from an exported model, without VectorTag: pip install numpy onnxruntime pillow

    vectortag export lite2 --output lite2.onnx
    python tag.py lite2.onnx photo.jpg another.jpg

It prints a line of JSON for each photo, as `vectortag tag --format jsonl` does.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


class ExportedModel:
    """An ONNX file of `vectortag export`, and what its metadata says."""

    def __init__(self, file: str, profile: str = "balanced") -> None:
        self.session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        said = self.session.get_modelmeta().custom_metadata_map
        self.model = said["model"]
        self.tags: list[str] = json.loads(said["tags"])
        self.thresholds: list[float | None] = json.loads(said["thresholds"])[profile]
        self.implies: dict[str, list[str]] = json.loads(said["implies"])
        self.pixels: dict[str, Any] = json.loads(said["pixels"])

    def load(self, path: str) -> np.ndarray:
        """(size, size, 3) uint8 of a photo, as the metadata describes it under "how"."""
        size, draft = self.pixels["size"], self.pixels["draft"]
        with Image.open(path) as photo:
            photo.draft("RGB", (draft, draft))  # changes JPEGs alone
            upright = ImageOps.exif_transpose(photo)
        if upright.has_transparency_data:
            upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright.convert("RGBA"))
        filtering = Image.Resampling[self.pixels["filter"].upper()]
        return np.asarray(upright.convert("RGB").resize((size, size), filtering))

    def tag(self, path: str) -> list[dict[str, Any]]:
        """The tags whose score reaches their threshold, and the tags that these imply; the highest score first."""
        (scores,) = self.session.run(["scores"], {"images": self.load(path)[None]})[0]
        shown = set()
        for tag, score, threshold in zip(self.tags, scores, self.thresholds, strict=True):
            if threshold is not None and score >= np.float32(threshold):
                shown |= {tag, *self.implies.get(tag, [])}
        rows = [
            {"tag": tag, "score": round(float(score), 6), "threshold": threshold and round(threshold, 6)}
            for tag, score, threshold in zip(self.tags, scores, self.thresholds, strict=True)
            if tag in shown
        ]
        return sorted(rows, key=lambda row: -row["score"])


def main(file: str, *photos: str) -> None:
    model = ExportedModel(file)
    for path in photos:
        print(json.dumps({"path": path, "model": model.model, "tags": model.tag(path)}, ensure_ascii=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
