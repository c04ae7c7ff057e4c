"""The limits of the service."""

from __future__ import annotations

import inspect

from vectortag.apps.cli.serve import serve
from vectortag.apps.server.limits import MIB, Limits


def test_serve_starts_with_the_documented_limits():
    options = {name: value.default for name, value in inspect.signature(serve).parameters.items()}

    assert Limits() == Limits(
        file_bytes=options["max_file"] * MIB,
        request_bytes=options["max_request"] * MIB,
        files=options["max_files"],
        pixels=options["max_megapixels"] * 1_000_000,
        queue=options["queue"],
        memory=options["memory"] * MIB,
        seconds=options["timeout"],
    )
    assert (options["max_file"], options["max_request"], options["max_files"]) == (32, 128, 64)
    assert (options["max_megapixels"], options["queue"], options["memory"], options["timeout"]) == (100, 256, 512, 30)
