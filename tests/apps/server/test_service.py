"""A service's models: which are loaded, which one answers, and what is refused at the start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vectortag.core.errors import ConfigError
from vectortag.model.folder import read_model_folder

service = pytest.importorskip("vectortag.apps.server.service")


@pytest.fixture
def make() -> Iterator[Callable[..., Any]]:
    """make(folder, ..., seconds=5): a service, closed at the end."""
    from vectortag.apps.server.limits import Limits
    from vectortag.apps.server.model_worker import Loading

    made = []

    def start(*folders: Any, **limits: Any) -> Any:
        made.append(service.Service(folders, Loading(precision="exact"), Limits(**limits)))
        return made[-1]

    yield start
    for one in made:
        one.close()


def test_the_first_model_is_the_default_and_each_is_found_by_its_name(make, tiny_model, write_tiny_model, tmp_path):
    other = write_tiny_model(tmp_path / "other", name="other")

    started = make(read_model_folder(tiny_model), other)

    assert started.model(None) is started.model("tiny") is started.default
    assert started.model("other").folder == other
    assert started.ready


def test_a_model_that_is_named_twice_is_loaded_once(make, tiny_model):
    folder = read_model_folder(tiny_model)

    assert list(make(folder, folder).models) == ["tiny"]


def test_an_unknown_model_is_a_problem_with_a_suggestion(make, tiny_model):
    from vectortag.apps.server.problems import Problem

    with pytest.raises(Problem, match=r'No model "tinny".* Did you mean "tiny"\?.*Served models: tiny') as caught:
        make(read_model_folder(tiny_model)).model("tinny")

    assert (caught.value.status, caught.value.kind) == (404, "unknown-model")


def test_two_different_models_of_one_name_are_refused(make, tiny_model, write_tiny_model, tmp_path: Path):
    other = write_tiny_model(tmp_path / "other", provenance={"about": "another"})

    with pytest.raises(ConfigError, match='another model "tiny" is served from'):
        make(read_model_folder(tiny_model), other)


def test_no_model_is_refused(make):
    with pytest.raises(ConfigError, match="no model to serve"):
        make()


def test_what_takes_too_long_is_cancelled_and_a_problem(make, tiny_model):
    from vectortag.apps.server.problems import Problem

    started = make(read_model_folder(tiny_model), seconds=0.01)

    async def wait() -> None:
        async with started.in_time(request_of(asyncio.Event())):
            await asyncio.sleep(10)

    with pytest.raises(Problem, match=r"No answer within 0\.01 s") as caught:
        asyncio.run(wait())
    assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "5"})


def request_of(left: asyncio.Event) -> Any:
    """A request without a body, of a client that leaves at an event."""
    from starlette.requests import Request

    messages = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Any:
        if message := next(messages, None):
            return message
        await left.wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http"}, receive)


def test_what_nobody_waits_for_is_cancelled(make, tiny_model):
    from starlette.requests import ClientDisconnect

    started = make(read_model_folder(tiny_model))

    async def wait() -> None:
        left = asyncio.Event()
        asyncio.get_running_loop().call_later(0.01, left.set)
        async with started.in_time(request_of(left)):
            await asyncio.sleep(10)

    with pytest.raises(ClientDisconnect):
        asyncio.run(wait())


def test_a_closed_service_is_not_ready(make, tiny_model):
    started = make(read_model_folder(tiny_model))

    started.close()

    assert not started.ready
