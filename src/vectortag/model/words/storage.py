"""What a model knows of words, as the arrays of words.safetensors and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from vectortag.core.numerics import unit
from vectortag.core.text import has_control_characters
from vectortag.core.types import FloatArray
from vectortag.model.calibration import PROFILES, Calibration
from vectortag.model.classifier import Classifier
from vectortag.model.trust import pack_trust, unpack_trust
from vectortag.model.words.line import pack_line, unpack_line
from vectortag.model.words.similarity import Evidence, Words

Arrays = dict[str, npt.NDArray[Any]]

NUMBERS = ("from_nearness", "separation", "precision", "words")
"""The fields of `Evidence` that are stored as they are; its calibration is stored beside them."""


def pack_words(words: Words) -> Arrays:
    """The arrays as int8, and the turn as fp16: a word needs no more to be told from others."""
    codes, steps = in_steps(words.projection)
    arrays: Arrays = {
        "projection": codes,
        "projection_steps": steps,
        "offset": words.offset.astype(np.float32),
        "text_middle": words.text_middle.astype(np.float32),
        "text_turn": words.text_turn.astype(np.float16),
        "class_texts": to_bytes(words.class_texts),
        "known": np.frombuffer("\n".join(words.known).encode(), np.uint8),
        "known_texts": to_bytes(words.known_texts),
    }
    evidence = words.evidence
    if evidence is not None:
        arrays |= {f"evidence.{name}": getattr(evidence, name) for name in NUMBERS}
        calibration = evidence.calibration
        arrays |= {"evidence.slope": calibration.slope, "evidence.bias": calibration.bias}
        arrays |= {f"evidence.thresholds.{profile}": calibration.thresholds[profile] for profile in PROFILES}
    if words.trust is not None:
        arrays |= pack_trust(words.trust)
    return arrays if words.line is None else arrays | pack_line(words.line)


def unpack_words(arrays: Mapping[str, npt.NDArray[Any]], classifier: Classifier) -> Words:
    """What was packed.

    Raises:
        KeyError: an array is missing.
        ValueError: the arrays do not fit together, or the classifier.
    """
    _check_shapes(arrays)
    known = tuple(arrays["known"].tobytes().decode().split("\n")) if len(arrays["known"]) else ()
    if has_control_characters("".join(known)):
        raise ValueError("the known words have control characters")
    whole = {name: arrays[name].astype(np.float32) for name in ("projection", "offset", "text_middle", "text_turn")}
    if "projection_steps" in arrays:  # else it is in fp16, as in models made before
        whole["projection"] *= arrays["projection_steps"]
    class_texts, known_texts = arrays["class_texts"].astype(np.float32), unit(arrays["known_texts"].astype(np.float32))
    classes, width = classifier.w.shape
    if len(class_texts) != classes or len(whole["projection"]) != width + classes or len(known) != len(known_texts):
        raise ValueError(
            f"texts of {len(class_texts)} classes, a projection of {len(whole['projection'])} features and "
            f"{len(known_texts)} known words, for {classes} classes, a width of {width} and {len(known)} words"
        )
    evidence = None
    if "evidence.slope" in arrays:
        numbers = {name: arrays[f"evidence.{name}"] for name in NUMBERS}
        thresholds = {profile: arrays[f"evidence.thresholds.{profile}"] for profile in PROFILES}
        calibration = Calibration(arrays["evidence.slope"], arrays["evidence.bias"], thresholds)
        evidence = Evidence(calibration=calibration, **numbers)
    return Words(
        classifier,
        unit(class_texts),
        known=known,
        known_texts=known_texts,
        evidence=evidence,
        trust=unpack_trust(arrays),
        line=unpack_line(arrays, len(whole["offset"])),
        **whole,
    )


def _check_shapes(arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    features, dimensions = arrays["projection"].shape
    classes, known = len(arrays["class_texts"]), len(arrays["known_texts"])
    expected = {
        "projection_steps": (features, 1),
        "offset": (dimensions,),
        "text_middle": (dimensions,),
        "text_turn": (dimensions, dimensions),
        "class_texts": (classes, dimensions),
        "known_texts": (known, dimensions),
        "known": arrays["known"].shape[:1],
    }
    if "evidence.slope" in arrays:
        groups = arrays["evidence.slope"].shape[:1]
        expected |= {name: groups for name in arrays if name.startswith("evidence.")}
    for name, shape in expected.items():
        if name in arrays and arrays[name].shape != shape:
            raise ValueError(f'"{name}" has the shape {arrays[name].shape}, expected {shape}')


def to_bytes(units: npt.NDArray[np.floating]) -> npt.NDArray[np.int8]:
    """Rows of length 1 as int8, each on a scale of its own, which their length gives back."""
    return in_steps(units)[0]


def in_steps(rows: npt.NDArray[np.floating]) -> tuple[npt.NDArray[np.int8], FloatArray]:
    """(N, K) as whole numbers of steps, and the step of each row, (N, 1)."""
    steps = (np.maximum(np.abs(rows).max(axis=1, keepdims=True, initial=0), 1e-12) / 127).astype(np.float32)
    return np.round(rows / steps).astype(np.int8), steps
