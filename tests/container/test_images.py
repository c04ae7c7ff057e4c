"""The images are really built and run: `VECTORTAG_TEST_IMAGES=1 pytest tests/container`, as root, 8 minutes.

Not in continuous integration, which has to end in time: the other tests cover what is inside.
"""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from vectortag.apps.cli.app import COMMANDS
from vectortag.apps.client import Client
from vectortag.core.errors import ServiceError

ROOT = Path(__file__).parents[2]
CAT = ROOT / "examples/photos/cat.jpg"

spec = importlib.util.spec_from_file_location("engine", Path(__file__).with_name("engine.py"))
engines = importlib.util.module_from_spec(spec)
spec.loader.exec_module(engines)

if os.environ.get("VECTORTAG_TEST_IMAGES") != "1":
    pytest.skip("images are built where VECTORTAG_TEST_IMAGES=1", allow_module_level=True)

ASK_INSIDE = """
import socket
from vectortag.apps.client import Client
with Client("http://127.0.0.1:8000") as client:
    print([tag.tag for tag in client.tag("/cat.jpg").tags])
print([name for _, name in socket.if_nameindex()])
"""


@pytest.fixture(scope="module")
def engine() -> Iterator:
    if os.geteuid() != 0:
        pytest.skip("only root can run a daemon of its own")
    for program in (engines.DOCKERD, engines.DOCKER, engines.MMDEBSTRAP):
        if not Path(program).exists():
            pytest.skip(f"{program} is not there: apt-get install docker.io mmdebstrap")
    folder = Path(tempfile.mkdtemp(prefix="vectortag-images."))
    started = engines.Engine(folder)
    try:
        python = re.search(r"^ARG PYTHON=(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[1]
        started.make_base(f"python:{python}-slim")
        yield started
    finally:
        started.stop()


def record(engine, image: str) -> None:
    """Say how large an image is, and how much of that is the base that stands in."""
    sys.stderr.write(
        f"{image}: {engine.megabytes(image):.0f} MB, of which base {engine.megabytes(engine.base):.0f} MB\n"
    )


@pytest.fixture(scope="module")
def api(engine) -> str:
    engine.build(ROOT, "vectortag-api", "--target=api")
    record(engine, "vectortag-api")
    return "vectortag-api"


@pytest.fixture(scope="module")
def page(engine) -> str:
    if "ui" not in COMMANDS:
        pytest.skip("there is no vectortag ui")
    engine.build(ROOT, "vectortag-ui")
    record(engine, "vectortag-ui")
    return "vectortag-ui"


@pytest.fixture
def run(engine) -> Iterator:
    """run(image, "--no-auth", options=(...)): a container, removed at the end."""
    started = []

    def start(*arguments: str, options: tuple[str, ...]):
        started.append(engine.run(*arguments, options=options))
        return started[-1]

    yield start
    for container in started:
        engine.docker("rm", "--force", container.name)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_the_service_answers_with_no_network_but_loopback(api, run):
    container = run(api, "--no-auth", options=("--network=none", f"--volume={CAT}:/cat.jpg:ro"))
    container.wait_until_healthy()

    tags, interfaces = container.python(ASK_INSIDE).splitlines()

    assert "'cat'" in tags
    assert interfaces == "['lo']"
    assert container.stop() == 0


def test_the_service_asks_for_keys_and_runs_as_nobody_in_particular(api, run, tmp_path, cli_key):
    port = free_port()
    container = run(
        api,
        "--api-key-file=/run/secrets/keys",
        f"--port={port}",
        options=("--network=host", f"--volume={tmp_path}/keys:/run/secrets/keys:ro"),
    )
    container.wait_for("listening on")

    with Client(f"http://127.0.0.1:{port}", key=cli_key) as client:
        assert "cat" in {tag.tag for tag in client.tag(CAT).tags}
    with Client(f"http://127.0.0.1:{port}") as client, pytest.raises(ServiceError, match="An API key is needed"):
        client.tag(CAT)
    assert container.python("import os; print(os.getuid())") == "10001\n"
    assert (
        container.python("import importlib.util as u; print(u.find_spec('torch'), u.find_spec('pip'))") == "None None\n"
    )


@pytest.fixture
def cli_key(tmp_path: Path) -> str:
    from vectortag.apps.server.auth import new_key

    return new_key(tmp_path / "keys", "test")


def test_the_service_does_not_start_without_keys_or_a_loud_no(api, run):
    container = run(api, options=("--network=none",))
    while container.state()["Running"]:
        pass

    assert container.state()["ExitCode"] == 2
    assert "--no-auth" in container.logs()


def test_a_tag_is_kept_on_a_volume(api, run, engine):
    engine.docker("volume", "create", "added")
    add = """
from vectortag.apps.client import Client
with Client("http://127.0.0.1:8000") as client:
    print(client.add_tag("pet", [f"/photos/{name}.jpg" for name in ("cat", "dogs", "bird")]).tag)
"""
    options = ("--network=none", "--volume=added:/data", f"--volume={CAT.parent}:/photos:ro")
    first = run(api, "--no-auth", options=options)
    first.wait_until_healthy()
    assert first.python(add) == "pet\n"
    assert first.stop() == 0

    second = run(api, "--no-auth", options=options)
    second.wait_until_healthy()
    assert "pet" in second.python(
        "from vectortag.apps.client import Client; from vectortag.model.folder import DEFAULT_MODEL; "
        "print(Client('http://127.0.0.1:8000').model(DEFAULT_MODEL)['vocabulary'][-1])"
    )


def test_the_page_answers_with_no_network_but_loopback(page, run):
    container = run(page, options=("--network=none",))
    container.wait_until_healthy()

    answer = container.python(
        "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8501/', timeout=20).read().decode())"
    )

    assert "<html" in answer
    assert container.python("import os; print(os.getuid())") == "10001\n"
