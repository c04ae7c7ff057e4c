"""`vectortag serve` as a process: what it prints, that it ends well, and that it opens nothing but its port."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vectortag.apps.client import Client
from vectortag.model.registry import DEFAULT_MODEL

MAIN = "from vectortag.apps.entry import main; main()"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """start("--queue", 3): a process, and the address that it says it listens on; command=(...) is put before it."""
    processes = []

    def run(*arguments: object, command: tuple[str, ...] = ()) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [*command, sys.executable, "-c", MAIN, "serve", "--port", "0", *map(str, arguments)],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        )
        processes.append(process)
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if found := re.search(r"listening on (http://\S+)", line):
                return process, found[1]
        raise AssertionError(said)

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def test_it_finishes_what_it_took_and_ends_well(start, cat):
    process, address = start("--queue", "1000")

    def tag(_: int) -> int:
        with Client(address) as client:
            return len(client.tag_many([cat] * 8))

    with ThreadPoolExecutor(8) as pool:
        with Client(address) as client:
            answers = [pool.submit(tag, place) for place in range(8)]
            while "vectortag_queue_photos 64.0" not in metrics(client):
                assert not any(answer.done() for answer in answers)
        process.send_signal(signal.SIGTERM)
        assert [answer.result() for answer in answers] == [8] * 8

    assert process.wait(30) == 0
    with Client(address) as client:
        assert not client.ready()


def metrics(client: Client) -> str:
    return client._call("GET", "/metrics").decode()


def test_an_interrupt_ends_it_too_and_a_folder_of_models_may_be_empty(start, tmp_path, cat):
    (tmp_path / "models").mkdir()
    process, address = start("--models", tmp_path / "models")
    with Client(address) as client:
        assert client.tag(cat).model.startswith(f"{DEFAULT_MODEL}@")
    process.send_signal(signal.SIGINT)

    assert process.wait(30) == 0


def test_it_opens_no_connection_and_writes_nothing_but_its_cache(start, cat, need, tmp_path):
    strace = shutil.which("strace")
    need(strace and subprocess.run([strace, "-f", "true"], capture_output=True, check=False).returncode == 0, "strace")
    trace = tmp_path / "trace"
    watched = "trace=connect,sendto,sendmsg,execve,openat,creat,mkdir,rename,link,unlink"
    process, address = start(command=(str(strace), "-f", "-qq", "-e", watched, "-o", str(trace)))
    with Client(address) as client:
        assert client.tag(cat).tags
        assert client.explain(cat, "cat")
        big = cat + bytes(4 * 2**20)
        assert len(client.tag_many([big, big])) == 2
    os.kill(child_of(process.pid), signal.SIGTERM)
    assert process.wait(60) == 0

    calls = trace.read_text(errors="replace").splitlines()
    assert sum("execve(" in call for call in calls) == 1
    assert [call for call in calls if re.search(r" (connect|sendto|sendmsg)\(.*AF_INET", call)] == []
    writing = [
        call for call in calls if re.search(r"O_WRONLY|O_RDWR|O_CREAT| (creat|mkdir|rename|link|unlink)\(", call)
    ]
    assert [call for call in writing if f'"{tmp_path}/.cache' not in call and "/dev/" not in call] == []
    assert writing  # the watch sees something


def child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def test_a_folder_of_models_is_served_beside_what_is_named(start, tmp_path, tiny_model):
    for name in ("tiny", "copy-of-it"):
        shutil.copytree(tiny_model, tmp_path / "models" / name)
    _, address = start("--models", tmp_path / "models", "--model", "tiny", "--model", DEFAULT_MODEL)

    with Client(address) as client:
        assert [(model["name"], model["default"]) for model in client.models()] == [
            ("tiny", True),
            (DEFAULT_MODEL, False),
        ]


def test_a_broken_form_is_answered_and_leaves_no_line_in_the_log(start, tiny_model: Path):
    process, address = start("--model", tiny_model)
    host, port = address.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    form = b'--x\r\nContent-Disp\xca: form-data; name="photos"\r\n\r\nbytes\r\n--x--\r\n'

    connection.request("POST", "/v1/tag", form, {"Content-Type": "multipart/form-data; boundary=x"})
    status = connection.getresponse().status
    connection.close()
    process.send_signal(signal.SIGTERM)

    assert status == 400
    assert process.stderr is not None
    assert process.stderr.read() == ""
