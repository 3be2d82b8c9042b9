"""The translator's CPU, held against the floor's: in a process of its own, with nothing else in its memory."""

import subprocess
import sys

import pytest

from envoyapi import canonical
from tests.bench import floor
from tests.bench.guard import Inputs, Standing
from tests.bench.inputs import PER_HOST
from tests.support.part import ROOT

ROUTES = "envoy.config.route.v3.RouteConfiguration"


@pytest.mark.guard
def test_the_translator_takes_less_than_one_and_a_half_times_its_reference() -> None:
    command = [sys.executable, "-m", "tests.bench.guard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_floor_makes_what_the_translator_makes_of_the_same_objects() -> None:
    inputs = Inputs(1, 2)
    _, translation = inputs.translated()
    ours = translation.resources()
    least = floor.translate(inputs.objects.values())
    for name in inputs.hosts:
        asked, made = (
            routes_by_prefix(body) for body in (ours[f"route/default/https/{name}"].body, least[f"route/{name}"].body)
        )
        assert len(made) == PER_HOST
        assert made == {prefix: asked[prefix] for prefix in made}
    clusters = {key for key in ours if key.startswith("cluster/ip/")}
    assert {f"cluster/ip/{key.removeprefix('cluster/')}" for key in least if key.startswith("cluster/")} == clusters


def routes_by_prefix(body: bytes) -> dict[str, object]:
    """Where requests of each prefix go."""
    (host, *_) = canonical.to_json(ROUTES, body)["virtual_hosts"]
    return {route["match"]["prefix"]: leads_to(route) for route in host["routes"] if "prefix" in route["match"]}


def leads_to(route: dict[str, dict[str, str]]) -> object:
    action, headers = route.get("route") or route["redirect"], route.get("request_headers_to_add")
    return action.get("host_redirect") or (action["cluster"].removeprefix("ip/"), action["prefix_rewrite"], headers)


def test_a_change_of_the_standing_objects_is_one_of_their_hosts() -> None:
    standing = Standing()
    costs = [standing.change() for _ in range(3)]
    assert all(cost.ours > 0 and cost.floor > 0 for cost in costs)
