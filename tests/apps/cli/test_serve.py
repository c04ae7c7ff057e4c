"""vectortag serve: what is refused before anything starts, and what is handed on to the service."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
MIB = 2**20


@dataclass
class Started:
    """What the command has handed on."""

    loading: Any = None
    limits: Any = None
    access: Any = None
    models: list[str] = field(default_factory=list)
    port: int = 0


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, need_module: Callable[[str], Any]) -> Started:
    """`vectortag serve` loads its models and listens, and returns in the place of answering."""
    seen = Started()
    service, app, run = (need_module(f"vectortag.apps.server.{name}") for name in ("service", "app", "run"))

    class Service(service.Service):
        def __init__(self, folders: Any, loading: Any, limits: Any) -> None:
            super().__init__(folders, loading, limits)
            seen.loading, seen.limits, seen.models = loading, limits, list(self.models)

    def create(made: Any, access: Any, **_: Any) -> Any:
        seen.access = access
        return made

    def answer(made: Any, listener: socket.socket, _: Any) -> None:
        seen.port = listener.getsockname()[1]
        made.close()

    monkeypatch.setattr(service, "Service", Service)
    monkeypatch.setattr(app, "create_app", create)
    monkeypatch.setattr(run, "run", answer)
    return seen


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "keys"


class TestStart:
    def test_it_says_what_it_serves_and_where(self, cli: Cli, started: Started, tiny_model: Path):
        outcome = cli("serve", "--port", 0, "--model", tiny_model, "--precision", "exact")

        assert (outcome.status, outcome.stdout) == (0, "")
        assert re.fullmatch(
            rf"serving tiny@\w+ on openvino in f32\nlistening on http://127\.0\.0\.1:{started.port}\n", outcome.stderr
        )

    def test_limits_and_options_are_handed_on_in_their_units(self, cli: Cli, started: Started, tiny_model: Path):
        sizes = ("--max-file", 1, "--max-request", 2, "--max-files", 3, "--max-megapixels", 0.5)
        others = ("--queue", 4, "--memory", 5, "--timeout", 6, "--no-additions", "--threads", 1)

        assert cli("serve", "--port", 0, "--model", tiny_model, *sizes, *others).status == 0

        limits = started.limits
        assert (limits.file_bytes, limits.request_bytes, limits.files) == (MIB, 2 * MIB, 3)
        assert (limits.pixels, limits.queue, limits.memory, limits.seconds) == (500_000, 4, 5 * MIB, 6)
        assert (started.loading.additions, started.loading.threads, started.loading.runtime) == (False, 1, "auto")

    def test_without_keys_it_answers_only_under_the_names_of_this_machine(self, cli, started, tiny_model):
        cli("serve", "--port", 0, "--model", tiny_model, "--allow-origin", "https://photos.example")

        assert started.access.hosts == {"127.0.0.1", "::1", "localhost"}
        assert (started.access.keys, started.access.origins) == (None, ["https://photos.example"])

    def test_with_keys_or_no_auth_it_answers_under_any_name(self, cli, started, tiny_model, key_file):
        key = cli("serve", "--api-key-file", key_file, "--new-key", "web").stdout.strip()

        cli("serve", "--port", 0, "--model", tiny_model, "--api-key-file", key_file)
        assert started.access.hosts is None
        assert started.access.keys.accepts(key)
        cli("serve", "--port", 0, "--model", tiny_model, "--no-auth")
        assert (started.access.hosts, started.access.keys) == (None, None)

    def test_a_folder_of_models_is_served_after_the_named_ones(self, cli, started, write_tiny_model, tmp_path):
        for name in ("one", "two"):
            write_tiny_model(tmp_path / "models" / name, name=name)

        cli("serve", "--port", 0, "--models", tmp_path / "models", "--model", "two")

        assert started.models == ["two", "one"]


class TestKeys:
    def test_a_new_key_goes_to_stdout_and_its_hash_to_the_file(self, cli: Cli, key_file: Path):
        outcome = cli("serve", "--api-key-file", key_file, "--new-key", "web")

        assert outcome.status == 0
        assert re.fullmatch(r"vt_[\w-]{43}\n", outcome.stdout)
        assert "it is not shown again" in outcome.stderr
        assert re.fullmatch(r"web sha256:[0-9a-f]{64}\n", key_file.read_text())

    def test_a_name_that_is_in_use_is_wrong_usage(self, cli: Cli, key_file: Path):
        cli("serve", "--api-key-file", key_file, "--new-key", "web")

        outcome = cli("serve", "--api-key-file", key_file, "--new-key", "web")

        assert (outcome.status, outcome.stdout) == (2, "")
        assert 'has a key "web" already' in outcome.stderr

    def test_a_new_key_needs_a_file(self, cli: Cli):
        outcome = cli("serve", "--new-key", "web")

        assert outcome.status == 2
        assert "--new-key needs --api-key-file" in outcome.stderr

    def test_a_file_that_is_no_key_file_is_wrong_usage(self, cli: Cli, key_file: Path):
        key_file.write_text("web secret\n")

        outcome = cli("serve", "--port", 0, "--api-key-file", key_file)

        assert outcome.status == 2
        assert ":1: expected NAME sha256:HASH" in outcome.stderr


class TestRefusals:
    def test_another_address_needs_keys_or_no_auth(self, cli: Cli):
        outcome = cli("serve", "--host", "0.0.0.0", "--port", 0)

        assert outcome.status == 2
        assert "other machines can reach 0.0.0.0, so API keys are needed" in outcome.stderr
        assert "--no-auth" in outcome.stderr

    def test_keys_and_no_auth_cannot_be_combined(self, cli: Cli, key_file: Path):
        cli("serve", "--api-key-file", key_file, "--new-key", "web")

        assert cli("serve", "--no-auth", "--api-key-file", key_file).status == 2

    def test_a_port_in_use(self, cli: Cli):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            outcome = cli("serve", "--port", port)

        assert outcome.status == 2
        assert f"port {port}: cannot listen there: Address already in use" in outcome.stderr

    def test_a_model_that_is_not_there(self, cli: Cli):
        assert cli("serve", "--port", 0, "--model", "lite00").status == 2

    def test_without_the_extra_it_says_how_to_install_it(self, cli: Cli, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(sys.modules, "prometheus_client", None)

        outcome = cli("serve")

        assert outcome.status == 2
        assert outcome.stderr.endswith("Install it with: pip install 'vectortag[serve]'\n")
