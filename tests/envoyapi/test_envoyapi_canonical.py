"""Envoy's JSON: what is shown, what is taken, and that a real Envoy takes what we show."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from envoyapi import canonical, http_router_v3, schema, type_v3
from envoyapi import config_cluster_v3 as clusters
from envoyapi import config_core_v3 as core
from envoyapi import config_listener_v3 as listeners
from envoyapi import config_route_v3 as routes
from envoyapi import type_matcher_v3 as matchers
from envoyapi.canonical import CanonicalError
from envoyapi.descriptors import Descriptors
from envoyapi.service_runtime_v3 import Runtime
from envoyapi.wire import Message, any_of, struct
from tests.envoyapi import envoyapi_sample
from tests.support.envoy import envoy_path


def test_what_is_shown() -> None:
    """Envoy's own field names, enums by name, Any as what it holds."""
    match = routes.RouteMatch(safe_regex=matchers.RegexMatcher(regex="/a.*"), case_sensitive=False)
    redirect = routes.RedirectAction(
        https_redirect=True,
        response_code=routes.RedirectActionRedirectResponseCode.PERMANENT_REDIRECT,
    )
    route = routes.Route(
        match=match,
        redirect=redirect,
        metadata=core.Metadata(filter_metadata={"dragoman": struct({"object": ["a", 1.5, None, True]})}),
        typed_per_filter_config={"router": any_of(http_router_v3.Router(start_child_span=True))},
    )
    assert canonical.to_json(routes.Route.FULL_NAME, route) == {
        "match": {"safe_regex": {"regex": "/a.*"}, "case_sensitive": False},
        "redirect": {"https_redirect": True, "response_code": "PERMANENT_REDIRECT"},
        "metadata": {"filter_metadata": {"dragoman": {"object": ["a", 1.5, None, True]}}},
        "typed_per_filter_config": {
            "router": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                "start_child_span": True,
            }
        },
    }
    assert canonical.from_json(routes.Route.FULL_NAME, canonical.to_json(routes.Route.FULL_NAME, route)) == route


def test_an_enum_whose_names_the_library_shortens() -> None:
    """The version of xDS: V3 in the library's class, and in Envoy's own words too."""
    source = core.ApiConfigSource(
        api_type=core.ApiConfigSourceApiType.AGGREGATED_DELTA_GRPC,
        transport_api_version=core.ApiVersion.V3,
    )
    shown = {"api_type": "AGGREGATED_DELTA_GRPC", "transport_api_version": "V3"}
    assert canonical.to_json(core.ApiConfigSource.FULL_NAME, source) == shown


def test_parse_gives_protobufs_own_object() -> None:
    message: Any = canonical.parse(type_v3.FractionalPercent.FULL_NAME, type_v3.FractionalPercent(numerator=3))
    assert (message.numerator, message.DESCRIPTOR.full_name) == (3, "envoy.type.v3.FractionalPercent")


@pytest.mark.parametrize("full_name", ["envoy.config.route.v3.Nothing", "envoy.nothing.v3.Route", "Route", "", "..."])
def test_there_is_no_such_message(full_name: str) -> None:
    with pytest.raises(CanonicalError, match="envoy-data-plane has no"):
        canonical.to_json(full_name, b"")


def test_objects_of_any_json_are_shown_in_one_order() -> None:
    """Protobuf's own order is another in each process."""
    names = [f"name-{number:02}" for number in range(50)]
    layer = Runtime(name="a", layer=struct(dict.fromkeys(names, 1)))
    assert list(canonical.to_json(Runtime.FULL_NAME, layer)["layer"]) == names


def test_bytes_that_are_no_message() -> None:
    with pytest.raises(CanonicalError, match=r"not a envoy\.config\.route\.v3\.Route: "):
        canonical.to_json(routes.Route.FULL_NAME, b"\x0a\xff")


def test_an_any_of_an_unknown_type() -> None:
    class Unknown(Message):
        __slots__ = ()
        FULL_NAME = "no.such.Thing"

    config = core.TypedExtensionConfig(name="a", typed_config=any_of(Unknown(b"")))
    with pytest.raises(CanonicalError, match=r"Can not find message descriptor by type_url: \S+no\.such\.Thing"):
        canonical.to_json(core.TypedExtensionConfig.FULL_NAME, config)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"match": {"prefx": "/"}}, 'has no field named "prefx" at "Route.match"'),
        ({"match": {"prefix": "/", "path": "/"}}, 'should not have multiple "path_specifier" oneof fields'),
        ({"route": {"timeout": "soon"}}, "Failed to parse timeout field"),
        ({"redirect": {"response_code": "GONE"}}, "Invalid enum value GONE"),
        ({"typed_per_filter_config": {"a": {"@type": "x/no.such.Thing"}}}, "no.such.Thing"),
    ],
)
def test_json_that_is_no_message(given: dict[str, Any], told: str) -> None:
    with pytest.raises(CanonicalError) as raised:
        canonical.from_json(routes.Route.FULL_NAME, given)
    assert told in str(raised.value)


@pytest.mark.parametrize(
    "full_name",
    [
        "envoy.config.accesslog.v3.AccessLogFilter",  # needs itself through AndFilter, a file of its own
        "envoy.type.matcher.v3.MetadataMatcher",
        "envoy.config.bootstrap.v3.Bootstrap",
        "envoy.config.core.v3.RoutingPriority",
        "google.protobuf.Value",
    ],
)
def test_descriptors_are_learnt_one_by_one(full_name: str) -> None:
    """Each by a pool that knows nothing yet; an enum's file is found too, though it is no message."""
    if schema.is_enum(full_name):
        with pytest.raises(KeyError, match="Couldn't find message"):
            Descriptors().FindMessageTypeByName(full_name)
    else:
        assert Descriptors().FindMessageTypeByName(full_name).full_name == full_name


@pytest.mark.envoy
def test_a_real_envoy_takes_what_we_show(tmp_path: Path) -> None:
    """All that it would be given through xDS, as the JSON of a static bootstrap."""
    shown = canonical.to_json(listeners.Listener.FULL_NAME, envoyapi_sample.listener())
    others = [canonical.to_json(clusters.Cluster.FULL_NAME, each) for each in envoyapi_sample.clusters_of_all_kinds()]
    bootstrap = {
        "node": {"id": "test", "cluster": "test"},
        "static_resources": {"listeners": [shown], "clusters": others},
    }
    file = tmp_path / "bootstrap.json"
    file.write_text(json.dumps(bootstrap))
    command = [envoy_path(), "--mode", "validate", "--config-path", str(file), "--log-level", "warn"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stdout.split("\n")[0]) == (0, f"configuration '{file}' OK"), result.stderr
