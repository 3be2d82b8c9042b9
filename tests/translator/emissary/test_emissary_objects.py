"""Objects: whose they are, which versions are read, and what is said of fields that are not served."""

import pytest

from tests.translator.emissary.world import World, world
from translator.emissary.objects import subject_of
from translator.subjects import Edition, Subject


@pytest.mark.parametrize(
    ("ids", "mine", "theirs"),
    [
        (None, True, False),
        (["default"], True, False),
        (["other"], False, True),
        (["default", "other"], True, True),
        (["_automatic_"], True, True),
        (["_automatic_", "x"], False, False),
        ([], False, False),
        ("other", False, True),
    ],
)
def test_an_object_belongs_to_the_gateways_that_it_names(ids: object, mine: bool, theirs: bool) -> None:
    for ambassador_id, expected in (("default", mine), ("other", theirs)):
        made = World(ambassador_id=ambassador_id)
        made.listener(ambassador_id=["_automatic_"])
        made.mapping("a", ambassador_id=ids)
        assert bool(made.names()) is expected
    assert world(ambassador_id="x").listeners == {}


def test_the_other_spelling_of_the_id() -> None:
    made = world()
    made.mapping("a", ambassadorId=["other"])
    assert made.names() == []


@pytest.mark.parametrize(
    ("spec", "mine", "names_secret"),
    [
        (rb'{"prefix":"/a/"}', True, False),
        (rb'{"ambassador_id":["other"]}', False, False),
        (rb'{"ambassador\u005fid":["other"]}', False, False),
        (rb'{"ambassadorI\u0064":["other"]}', False, False),
        (rb'{"tlsSecret":{"name":"a"}}', True, True),
        (rb'{"tlsS\u0065cret":{"name":"a"}}', True, True),
    ],
)
def test_what_a_status_is_about_is_found_however_json_spells_it(spec: bytes, mine: bool, names_secret: bool) -> None:
    edition = Edition("uid", 1)
    assert subject_of(b'{"spec":%b}' % spec, edition, "default") == Subject(edition, mine, names_secret)


def test_nothing_is_said_of_the_mistakes_of_another_gateway() -> None:
    made = world()
    key = made.put("Mapping", "a", {"ambassador_id": ["other"], "prefix": 7})
    assert made.problems(key) == {}


@pytest.mark.parametrize("version", ["getambassador.io/v2", "getambassador.io/v1"])
def test_older_versions_are_read_as_they_were_meant(version: str) -> None:
    made = world()
    made.put(
        "Mapping", "a", {"prefix": "/a/", "service": "a", "tls": True, "ambassador_id": "default"}, version=version
    )
    made.put("Mapping", "b", {"prefix": "/b/", "service": "b", "ambassador_id": "other"}, version=version)
    assert made.names() == ["a"]
    key = made.put("Mapping", "a", {"prefix": "/a/", "service": "a", "host": "*.*"}, version=version)
    assert list(made.problems(key)) == ["spec.host"]


def test_versions_that_never_were_are_told() -> None:
    made = world()
    key = made.mapping("a", version="example.com/v3alpha1")
    listener = made.put("Listener", "old", {}, version="getambassador.io/v2")
    assert made.names() == []
    said = "must be getambassador.io/v3alpha1: its apiVersion is 'example.com/v3alpha1', not getambassador.io/..."
    assert made.problems(key) == {"apiVersion": said}
    assert made.problems(listener) == {
        "apiVersion": "must be getambassador.io/v3alpha1: Listener has no version 'v2', only v3alpha1"
    }


def test_fields_without_effect_are_told_and_do_not_stop() -> None:
    made = world()
    key = made.mapping("a", modules={"x": 1}, docs={}, bypass_auth=None, v2ExplicitTLS={"tls": "x"})
    assert made.names() == ["a"]
    assert made.problems(key) == {
        "spec.docs": "warning: has no effect: it is for a developer portal, and there is none",
        "spec.modules": "warning: has no effect: a Module is an object of its own",
    }


def test_an_unknown_field_is_told_with_a_guess() -> None:
    made = world()
    key = made.mapping("a", timeout=5)
    assert made.problems(key)["spec.timeout"].startswith("warning: unknown field; did you mean 'timeout_ms'")


def test_all_mistakes_of_an_object_are_told_at_once_and_stop_it_alone() -> None:
    made = world()
    key = made.put("Mapping", "a", {"prefix": 7, "hostname": "a*b", "weight": -1, "retry_policy": {"retry_on": "x"}})
    made.mapping("b")
    assert made.names() == ["b"]
    assert set(made.problems(key)) == {
        "spec.prefix",
        "spec.hostname",
        "spec.weight",
        "spec.retry_policy.retry_on",
        "spec.service",
    }


def test_a_spec_that_is_no_mapping_is_told() -> None:
    made = world()
    key = made.put("Mapping", "a", "text")
    assert made.problems(key) == {"spec": "must be a mapping, not a string: 'text'"}


# The Module


def test_a_wrong_setting_is_left_out_and_the_others_hold() -> None:
    made = world()
    made.mapping("a")
    key = made.module(cluster_request_timeout_ms=-1, server_name="us", retry_policy={"retry_on": "x"}, service_port=80)
    assert made.forward().timeout_ms == 3000
    assert made.chains["default/http/cleartext"].body.options.server_name == "us"  # type: ignore[union-attr]
    problems = made.problems(key)
    assert problems["spec.config.cluster_request_timeout_ms"] == (
        "warning: must be between 0 and 9223372035999, not -1; it is left out"
    )
    assert problems["spec.config.retry_policy.retry_on"].endswith("; it is left out")
    assert problems["spec.config.service_port"] == "warning: has no effect: a port is opened by a Listener"


def test_only_one_module_is_read_the_one_of_our_own_namespace_first() -> None:
    made = world(namespace="own")
    made.mapping("a")
    other = made.put("Module", "ambassador", {"config": {"cluster_request_timeout_ms": 1}}, namespace="a")
    assert made.forward().timeout_ms == 1
    made.put("Module", "ambassador", {"config": {"cluster_request_timeout_ms": 2}}, namespace="own")
    assert made.forward().timeout_ms == 2
    assert made.problems(other) == {
        "metadata.name": "has no effect beside getambassador.io/Module/own/ambassador, which is used"
    }


def test_a_module_of_another_name_is_told() -> None:
    made = world()
    key = made.put("Module", "tls", {"config": {"server": {"secret": "x"}}})
    assert made.problems(key) == {"metadata.name": "must be ambassador: no other Module is read by this version"}


def test_http_settings_of_the_module() -> None:
    made = world()
    made.module(
        use_remote_address=False,
        server_name="us",
        listener_idle_timeout_ms=5,
        merge_slashes=False,
        reject_requests_with_escaped_slashes=True,
        headers_with_underscores_action="ALLOW",
        strip_matching_host_port=True,
        preserve_external_request_id=True,
    )
    options = made.chains["default/http/cleartext"].body.options  # type: ignore[union-attr]
    assert (options.use_remote_address, options.server_name, options.idle_timeout_ms) == (False, "us", 5)
    assert (options.merge_slashes, options.escaped_slashes, options.underscores) == (False, "reject", "allow")
    assert (options.strip_matching_host_port, options.preserve_external_request_id) == (True, True)
    made.module(reject_requests_with_escaped_slashes=False)
    assert made.chains["default/http/cleartext"].body.options.escaped_slashes == "keep"  # type: ignore[union-attr]


def test_a_change_of_the_module_touches_only_who_asked() -> None:
    made = world()
    made.mapping("a")
    made.module(server_name="one")
    made.sweep()
    made.module(server_name="two")
    swept = made.sweep()
    assert swept.changed(made.emissary.routes) == {}
    assert set(swept.changed(made.emissary.chains)) == {"default/http/cleartext"}
