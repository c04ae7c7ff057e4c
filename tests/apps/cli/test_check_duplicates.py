"""vectortag check, on photos that show one picture"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_groups_of_duplicates_are_counted_and_named_and_the_set_is_still_good(
    cli: Callable[..., Any], make_data_set: Callable[..., Path]
):
    data = make_data_set({f"{n}.jpg": "dog" for n in range(6)})
    for copy, photo in ((2, 0), (4, 0), (5, 3)):
        shutil.copy(data / f"{photo}.jpg", data / f"{copy}.jpg")

    outcome = cli("check", data)

    assert outcome.status == 0
    lines = outcome.stdout.splitlines()
    start = lines.index("groups of photos that show one picture: 2")
    assert lines[start + 1] == f"  {data}/0.jpg = {data}/2.jpg = {data}/4.jpg"
    assert lines[start + 2] == f"  {data}/3.jpg = {data}/5.jpg"
    assert not lines[start + 3].startswith(" ")
