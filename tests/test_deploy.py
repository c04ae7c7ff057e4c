"""The examples of deploy/ name what exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from vectortag.apps.cli.app import app_with

yaml = pytest.importorskip("yaml")

DEPLOY = Path(__file__).parents[1] / "deploy"


def documents(name: str) -> list[Any]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text("utf-8")))


def options_of(command: str) -> set[str]:
    """The options that a command takes."""
    found = typer.main.get_command(app_with([command]))
    parameters = found.commands[command].params if hasattr(found, "commands") else found.params
    return {name for one in parameters for name in (*one.opts, *one.secondary_opts)}


@pytest.fixture
def container() -> dict[str, Any]:
    """The service's container in the manifest."""
    (deployment,) = (one for one in documents("service.yaml") if one["kind"] == "Deployment")
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    return only


def test_the_service_is_started_with_options_that_exist(container: dict[str, Any]):
    given = {word for word in container["args"] if word.startswith("--")}

    assert given
    assert given <= options_of("serve")


def test_its_probes_ask_routes_that_exist(container: dict[str, Any], need_module):
    need_module("fastapi")
    from vectortag.apps.server.health import router

    routes = {route.path for route in router.routes}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["path"] in routes


def test_it_has_requests_and_limits_and_no_rights(container: dict[str, Any]):
    assert set(container["resources"]) == {"requests", "limits"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("name", ["kuberay.yaml", "ray-up.yaml"])
def test_the_jobs_of_ray_are_started_with_options_that_exist(name: str):
    documents(name)
    text = (DEPLOY / name).read_text("utf-8")

    (job,) = re.findall(r"vectortag tag (?:[^\n]|\n    (?=--))+", text)

    assert set(re.findall(r"--[a-z-]+", job)) <= options_of("tag")
    assert "RAY_USAGE_STATS_ENABLED" in text
