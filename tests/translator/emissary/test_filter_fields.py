"""What people write of limits, of pages of other sites, of addresses and of errors, and what it means."""

from typing import Any

import pytest

from tests.translator.emissary.world import world
from translator.fields.cors import origin_of
from translator.filters.address_rules import AddressRange, AddressRules
from translator.filters.cors import CrossOrigin, Origin
from translator.filters.error_bodies import ErrorBodies, ErrorBody
from translator.filters.rate_limit import Known, RateLimits, Text

LIMITS = {"service": "192.0.2.1:80", "protocol_version": "v3"}
MAPPING = {"hostname": "*", "prefix": "/", "service": "quote"}


def said(kind: type, fields: dict[str, Any], config: dict[str, Any] | None = None) -> Any:
    """What a Mapping with these fields, beside a Module, says to the filter of this class; None: nothing."""
    made = world()
    made.put("RateLimitService", "limits", LIMITS)
    made.module(**(config or {}))
    made.put("Mapping", "a", {**MAPPING, **fields})
    (route,) = made.routes()
    return next((value for value in route.filters if isinstance(value, kind)), None)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("*", Origin("*")),
        ("null", Origin("null")),
        ("https://a.test", Origin("https://a.test")),
        ("HTTPS://A.Test/", Origin("https://a.test")),
        ("https://a.test:443", Origin("https://a.test")),
        ("http://a.test:80", Origin("http://a.test")),
        ("http://a.test:443", Origin("http://a.test:443")),
        ("http://[2001:db8::1]:8080", Origin("http://[2001:db8::1]:8080")),
        ("capacitor://localhost", Origin("capacitor://localhost")),
        ("https://*.a.test:8443", Origin(".a.test:8443", subdomains_of="https://")),
        ("a.test", None),
        ("https://*", None),
        ("https://a.*", None),
        ("https://a*.test", None),
        ("https://a.test/path", None),
        ("https://a.test, https://b.test", None),
        ("", None),
        ("https://" + "a" * 300, None),
    ],
)
def test_an_origin_is_what_browsers_write(text: str, origin: Origin | None) -> None:
    assert origin_of(text) == origin


def test_the_modules_labels_go_before_each_group_or_stand_alone() -> None:
    default = {"ambassador": {"defaults": [{"remote_address": {"key": "remote_address"}}]}}
    group = {"one": [{"generic_key": {"value": "x"}}]}
    known, text = Known("remote_address"), Text("generic_key", "x")
    config = {"default_labels": default}
    assert said(RateLimits, {"labels": {"ambassador": [group, group]}}, config) == RateLimits(((known, text),) * 2)
    assert said(RateLimits, {"labels": {"other": [group]}}, config) == RateLimits(((known,),))
    assert said(RateLimits, {}, config) == RateLimits(((known,),))
    assert said(RateLimits, {"labels": {"ambassador": []}}, config) is None
    assert said(RateLimits, {"labels": {"ambassador": [group]}}) == RateLimits(((text,),))
    assert said(RateLimits, {"labels": {"other": [group]}}) is None
    assert said(RateLimits, {}) is None


@pytest.mark.parametrize(
    ("labels", "path"),
    [
        (5, "spec.labels"),
        ({"ambassador": {}}, "spec.labels.ambassador"),
        ({"ambassador": ["x"]}, "spec.labels.ambassador[0]"),
        ({"ambassador": [{"a": [{}]}]}, "spec.labels.ambassador[0].a[0]"),
        ({"ambassador": [{"a": []}]}, "spec.labels.ambassador[0].a"),
        ({"ambassador": [{"a": ["remote_address"]}]}, "spec.labels.ambassador[0].a[0]"),
        (
            {"ambassador": [{"a": [{"remote_address": {"key": "x"}}]}]},
            "spec.labels.ambassador[0].a[0].remote_address.key",
        ),
        ({"ambassador": [{"a": [{"remote_address": {}}]}] * 101}, "spec.labels.ambassador"),
    ],
)
def test_labels_that_are_wrong_are_told_and_stop_nothing(labels: object, path: str) -> None:
    made = world()
    key = made.put("Mapping", "a", {**MAPPING, "labels": labels})
    assert made.names() == ["a"]
    (where,) = made.problems(key)
    assert where == path
    assert made.problems(key)[where].startswith("warning: ")


def test_thousands_of_wrong_groups_are_some_problems() -> None:
    made = world()
    key = made.put("Mapping", "a", {**MAPPING, "labels": {str(number): 5 for number in range(5_000)}})
    assert len(made.problems(key)) <= 21


def test_the_last_mapping_of_a_group_says_it_for_all() -> None:
    made = world()
    made.mapping("a", weight=50, cors={"origins": ["https://a.test"]})
    made.mapping("b", weight=50)
    cors = CrossOrigin((Origin("https://a.test"),))
    assert [route.filters for route in made.routes()] == [(cors,), (cors,)]


@pytest.mark.parametrize(
    ("config", "rules"),
    [
        ({"ip_allow": []}, None),
        ({"ip_allow": [{"peer": "192.0.2.0/24"}]}, AddressRules((AddressRange("peer", "192.0.2.0", 24),))),
        ({"ip_allow": [{"remote": "::1"}]}, AddressRules((AddressRange("remote", "::1", 128),))),
        ({"ip_allow": [{"peer": "x"}]}, AddressRules(())),
        ({"ip_allow": [{"peer": "fe80::1%eth0"}]}, AddressRules(())),
        ({"ip_allow": {"peer": "192.0.2.1"}}, AddressRules(())),
        ({"ip_deny": [{"peer": "x"}]}, None),
        ({"ip_deny": [{"peer": "192.0.2.1", "remote": "192.0.2.2"}]}, None),
        ({"ip_deny": [{"peer": "192.0.2.1"}]}, AddressRules(None, (AddressRange("peer", "192.0.2.1", 32),))),
    ],
)
def test_who_gets_in(config: dict[str, Any], rules: AddressRules | None) -> None:
    made = world()
    made.mapping("a")
    made.module(**config)
    body = made.chains["default/http/cleartext"].body
    assert body.filters == (() if rules is None else (rules,))  # type: ignore[union-attr]


def test_whose_errors_count() -> None:
    entry = {"on_status_code": 404, "body": {"text_format": "x"}}
    own = ErrorBodies((ErrorBody(404, "text/plain", "x"),))
    for_all = {"error_response_overrides": [entry]}
    assert said(ErrorBodies, for_all) == own
    assert said(ErrorBodies, {}, for_all) is None
    assert said(ErrorBodies, {"error_response_overrides": []}, for_all) == ErrorBodies()
    assert said(ErrorBodies, {"bypass_error_response_overrides": True}, for_all) == ErrorBodies()
    assert said(ErrorBodies, {"bypass_error_response_overrides": True}) is None
