"""What is different for Envoy between two texts: all that is, under the object's name, and nothing else."""

import json

import pytest
import yaml

from diff.comparing import _moved, compare
from diff.text import lines
from tests.diff.made import compared, differences, made, reported
from tests.golden.cases import cases
from tests.support.certificates import authority
from tests.support.ingresses import guarded
from tests.support.objects import an_object, host, mapping, tls_secret

QUOTE = mapping("quote", "*", "10.0.0.1:80", "/quote/")
KEY = "getambassador.io/Mapping/default/quote"


@pytest.mark.parametrize(
    "other",
    [
        mapping("quote", "*", "http://10.0.0.1:80", "/quote/"),
        mapping("quote", "*", "10.0.0.1", "/quote/", weight=100, timeout_ms=3000),
        mapping("quote", "*", "10.0.0.1:80", "/quote/", docs={"path": "/api"}),
        "# a comment\n" + yaml.safe_dump(json.loads(QUOTE.removesuffix("\n---\n"))),
        QUOTE.replace("v3alpha1", "v3alpha1").replace('"spec"', '"status": {}, "spec"'),
    ],
)
def test_another_spelling_of_the_same_is_no_difference(other: str) -> None:
    assert compared(QUOTE, other).differences == ()


def test_what_differs_for_envoy_is_told_field_by_field() -> None:
    found = differences(QUOTE, mapping("quote", "*", "10.0.0.1:80", "/quote/", timeout_ms=5000, rewrite="/q/"))
    (told,) = found.values()
    assert (told.what, told.sort, told.object) == ("changes", "route", KEY)
    assert {each.path: (each.before, each.after) for each in told.fields} == {
        "route.timeout": ("3s", "5s"),
        "route.prefix_rewrite": ("/", "/q/"),
    }


def test_another_service_is_another_cluster() -> None:
    found = differences(QUOTE, mapping("quote", "*", "10.0.0.2:80", "/quote/"))
    assert {key: each.name for key, each in found.items()} == {
        ("changes", "route"): "default/quote",
        ("appears", "cluster"): "ip/10.0.0.2:80",
        ("goes", "cluster"): "ip/10.0.0.1:80",
    }
    assert {each.object for each in found.values()} == {KEY}


def test_a_cluster_of_several_is_told_with_the_object_that_is_another() -> None:
    both = QUOTE + mapping("also", "*", "10.0.0.9:80", "/also/", namespace_="team-b")
    after = QUOTE + mapping("also", "*", "10.0.0.1:80", "/also/", namespace_="team-b", connect_timeout_ms=7)
    found = differences(both, after)
    assert found["appears", "cluster"].object == "getambassador.io/Mapping/team-b/also"
    shared = QUOTE.replace("10.0.0.1", "10.0.0.3") + mapping("also", "*", "10.0.0.3:80", "/also/", namespace_="team-b")
    assert (
        differences(QUOTE + mapping("also", "*", "10.0.0.3:80", "/also/", namespace_="team-b"), shared)[
            "goes", "cluster"
        ].others
        == ()
    )


def test_a_listener_and_a_host_by_name_and_port() -> None:
    listener = an_object(
        "Listener",
        "web",
        {"port": 8000, "protocol": "HTTP", "securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}},
    )
    before = QUOTE + listener + host("a", "a.test")
    found = compared(before, before.replace("8000", "8001")).differences
    assert [(each.what, each.sort, each.about) for each in found if each.sort == "listener"] == [
        ("changes", "listener", "port 8001")
    ]
    (told,) = compared(before, before.replace('"Route"', '"Redirect"')).differences
    assert (told.sort, told.about, told.object) == ("host", "a.test at port 8000", "getambassador.io/Host/default/a")
    assert [(each.path, each.before, each.after) for each in told.fields] == [
        ("in clear text.policy", ["route"], ["redirect"])
    ]


class Counted(dict[str, int]):
    """Places, and how often somebody looked for one."""

    looks = 0

    def __getitem__(self, name: str) -> int:
        self.looks += 1
        return super().__getitem__(name)


def test_a_host_of_many_routes_is_looked_at_in_time_that_grows_with_their_number() -> None:
    names = [str(number) for number in range(1000)]
    places = Counted((name, place) for place, name in enumerate(names))
    assert _moved([*names[1:], names[0]], places) == [names[0]]
    assert places.looks < 10 * len(names)


def test_routes_that_are_asked_in_another_order() -> None:
    texts = [mapping(name, "*", "10.0.0.1:80", f"/{name}") for name in ("aa", "bb", "cc")]
    first = mapping("aa", "*", "10.0.0.1:80", "/aa", precedence=1)
    (told,) = compared("".join(texts), "".join([first, *texts[1:]])).differences
    assert (told.sort, told.object) == ("order", "getambassador.io/Mapping/default/aa")
    assert told.note == "is asked before default/cc now"


def test_nothing_of_a_secret_is_told_but_fingerprints_and_ends() -> None:
    pairs = [authority().sign("tls.diff.test") for _ in range(2)]
    before, after = (
        QUOTE + host("tls", "tls.diff.test", tlsSecret={"name": "tls"}) + tls_secret("tls", pair.certificate, pair.key)
        for pair in pairs
    )
    report = reported(before, after)
    text = "\n".join(lines(report)) + json.dumps(report)
    assert "tls_certificate.private_key: (not shown) -> (not shown, another)" in text
    assert "SHA-256" in text
    for pair in pairs:
        for line in (pair.key + pair.certificate).decode().splitlines():
            assert line.startswith("-----") or line not in text


def test_hashes_of_passwords_are_not_told() -> None:
    hashes = [f"{{SHA}}{sign * 27}=" for sign in "AB"]
    report = reported(guarded("ann", hashes[0]), guarded("ann", hashes[1]))
    text = "\n".join(lines(report)) + json.dumps(report)
    assert "filter_context.user:ann: (not shown) -> (not shown, another)" in text
    assert not any(each in text for each in hashes)


def test_values_of_headers_are_not_told() -> None:
    before = mapping(
        "quote", "*", "10.0.0.1:80", "/quote/", headers={"x-key": "aaaa"}, add_request_headers={"y": "bbbb"}
    )
    report = reported(before, before.replace("aaaa", "cccc").replace("bbbb", "dddd"))
    text = "\n".join(lines(report)) + json.dumps(report)
    assert "match.headers[x-key].string_match: (not shown) -> (not shown, another)" in text
    assert "request_headers_to_add[y].header.value: (not shown) -> (not shown, another)" in text
    assert not any(value in text for value in ("aaaa", "bbbb", "cccc", "dddd"))


def test_tags_of_traces_and_error_bodies_in_json_are_not_told() -> None:
    """A tag may be a variable of the environment of whoever asks."""

    def said(text: str) -> str:
        overrides = [{"on_status_code": 503, "body": {"json_format": {"k": text}}}]
        tags = [{"tag": "x", "literal": {"value": text}}]
        tracing = {"service": "10.0.0.1:9411", "driver": "zipkin", "custom_tags": tags}
        return mapping("quote", "*", "10.0.0.1:80", "/quote/", error_response_overrides=overrides) + an_object(
            "TracingService", "traces", tracing
        )

    report = reported(said("aaaa"), said("bbbb"))
    text = "\n".join(lines(report)) + json.dumps(report)
    assert "http.tracing.custom_tags[0].literal: (not shown) -> (not shown, another)" in text
    assert "body_format.json_format: (not shown) -> (not shown, another)" in text
    assert not any(value in text for value in ("aaaa", "bbbb"))


def test_a_secret_that_is_not_among_the_objects_stands_for_itself() -> None:
    named = QUOTE + host("tls", "tls.diff.test", tlsSecret={"name": "elsewhere"})
    assert compared(named, named).differences == ()
    found = compared(QUOTE + host("tls", "tls.diff.test"), named).differences
    assert ("appears", "certificate") in {(each.what, each.sort) for each in found}
    assert any("not among these objects" in each.about for each in found)


def test_an_object_that_is_stopped_now_is_told_so() -> None:
    report = reported(QUOTE, QUOTE.replace('"/quote/"', '"/quote/", "timeout_ms": "soon"'))
    assert report["stopped"] == [KEY]
    (team,) = report["teams"]
    assert [(each["key"], each["stopped"]) for each in team["objects"]] == [(KEY, True)]
    assert "is stopped now" in "\n".join(lines(report))


def test_between_any_two_of_the_golden_cases_every_difference_has_a_name_and_a_field() -> None:
    """Everything that can be said, so everything that can be different."""
    before = made("")
    for case in cases():
        documents = [each for each in yaml.safe_load_all(case.given) if each and each["kind"] != "File"]
        after = made(yaml.safe_dump_all(documents))
        assert after.failures == ()
        found = compare(before.outline, after.outline, before.bodies, after.bodies).differences
        assert compare(after.outline, after.outline, after.bodies, after.bodies).differences == ()
        assert after.outline.resources == before.outline.resources or found, case.path
        for each in found:
            assert each.what != "changes" or each.fields or each.sort == "order", each
            assert "resource" not in each.sort, each
        before = after
