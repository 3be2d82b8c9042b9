"""Advice: what is told, and what is let be since nobody knows."""

import pytest

from lint.catalog import CODES
from tests.lint.linting import an_object, ids, lint_texts, mapping


def shadowed(*texts: str) -> list[str]:
    return [each.object.rpartition("/")[2] for each in lint_texts("".join(texts)) if each.code.id == "DRG0711"]


def api(name: str, *lines: str, hostname: str = '"*"') -> str:
    return mapping(name, "service: a", *lines, hostname=hostname)


@pytest.mark.parametrize(
    ("above", "below"),
    [
        (("prefix: /", "precedence: 1"), ("prefix: /a/",)),
        (("prefix: /", "precedence: 1"), ("prefix: /a/", "prefix_exact: true")),
        (("prefix: /a/.*", "prefix_regex: true"), ("prefix: /a/",)),
        (("prefix: /a/", "precedence: 1"), ("prefix: /a/[0-9]+/.*", "prefix_regex: true")),
        (("prefix: /a/", "precedence: 1", "method: GET"), ("prefix: /a/b/", "method: GET", "headers: {x: z}")),
        (("prefix: /A/", "precedence: 1", "case_sensitive: false"), ("prefix: /a/b/",)),
    ],
)
def test_a_route_is_shadowed(above: tuple[str, ...], below: tuple[str, ...]) -> None:
    assert shadowed(api("above", *above), api("below", *below)) == ["below"]


@pytest.mark.parametrize(
    ("above", "below"),
    [
        (("prefix: /",), ("prefix: /a/",)),
        (("prefix: /b/", "precedence: 1"), ("prefix: /a/",)),
        (("prefix: /", "precedence: 1", "method: GET"), ("prefix: /a/",)),
        (("prefix: /", "precedence: 1", "headers: {x: w}"), ("prefix: /a/", "headers: {x: z}")),
        (("prefix: /a/", "precedence: 1", "prefix_exact: true"), ("prefix: /a/",)),
        (("prefix: /a/.", "prefix_regex: true", "precedence: 1"), ("prefix: /a/",)),
        (("prefix: /a/", "precedence: 1"), ("prefix: /a/?x", "prefix_regex: true")),
        (("prefix: /a/", "precedence: 1"), ("prefix: /a/b|/c", "prefix_regex: true")),
        (("prefix: /a/", "precedence: 1"), ("prefix: /A/b/", "case_sensitive: false")),
    ],
)
def test_a_route_that_may_get_a_request_is_not(above: tuple[str, ...], below: tuple[str, ...]) -> None:
    assert shadowed(api("above", *above), api("below", *below)) == []


def test_a_route_that_is_reached_on_one_host_is_not_shadowed() -> None:
    hosts = "".join(
        an_object("Host", name, f"{{hostname: {name}.example.com, requestPolicy: {{insecure: {{action: Route}}}}}}")
        for name in ("a", "b")
    )
    above = api("above", "prefix: /", "precedence: 1", hostname="a.example.com")
    both = api("both", "prefix: /x/", hostname="'*.example.com'")
    assert shadowed(hosts, above, both) == []
    assert shadowed(hosts, above.replace("a.example.com", "'*.example.com'"), both) == ["both"]


def test_a_canary_is_not_shadowed_by_the_others() -> None:
    assert shadowed(api("a", "prefix: /", "weight: 10"), api("b", "prefix: /")) == []


def test_the_same_requests_in_two_namespaces_unless_each_has_a_weight() -> None:
    one = mapping("a", "prefix: /a/", "service: a", namespace="one")
    two = mapping("a", "prefix: /a/", "service: a", namespace="two")
    assert ids(lint_texts(one + two)) == ["DRG0712", "DRG0712"]
    weighted = [text + f"  weight: {weight}\n" for text, weight in ((one, 40), (two, 60))]
    assert ids(lint_texts("".join(weighted))) == []
    assert ids(lint_texts(one + two.replace("namespace: two", "namespace: one").replace("name: a", "name: b"))) == []
    shadow = two + "  shadow: true\n"
    assert ids(lint_texts(one + shadow)) == ["DRG0712"]


def test_weights() -> None:
    def weights(*given: int | None) -> list[str]:
        texts = [
            mapping(f"m{index}", "prefix: /a/", "service: a", *([f"weight: {each}"] if each is not None else []))
            for index, each in enumerate(given)
        ]
        return ids(lint_texts("".join(texts)))

    assert weights(60, 30) == ["DRG0713"]
    assert weights(60, 40) == []
    assert weights(60, None) == []
    assert weights(None, None) == []
    assert weights(0, 0) == []
    assert weights(50) == ["DRG0714"]
    assert weights(100) == []
    assert weights(60, 60) == ["DRG0402"]


def test_a_context_is_used_by_whoever_names_it_or_serves_what_it_lists() -> None:
    def unused(*texts: str, spec: str = "{sni: x}") -> bool:
        return "DRG0621" in ids(lint_texts(an_object("TLSContext", "c", spec) + "".join(texts)))

    host = "{hostname: a.example.com, requestPolicy: {insecure: {action: Route}}%s}"
    assert unused()
    assert not unused(mapping("a", "prefix: /a/", "service: a", "tls: c"))
    assert not unused(mapping("a", "prefix: /a/", "service: a", "tls: c.default"))
    assert not unused(an_object("AuthService", "a", "{auth_service: a, tls: c}"))
    assert not unused(an_object("Host", "a", host % ", tlsContext: {name: c}, tlsSecret: {name: s}"))
    assert unused(an_object("Host", "a", host % ""))
    assert not unused(an_object("Host", "a", host % ""), spec="{hosts: ['*.example.com'], secret: s}")
    assert unused(an_object("Host", "a", host % ""), spec="{hosts: [b.example.com], secret: s}")
    named = an_object("TLSContext", "a-context", "{sni: x}")
    assert "DRG0621" not in ids(lint_texts(named + an_object("Host", "a", host % ", tlsSecret: {name: s}")))


def test_older_spellings() -> None:
    def older(text: str) -> list[tuple[str, str]]:
        return [(each.code.id, each.path) for each in lint_texts(text) if each.code.id.startswith("DRG072")]

    assert older(an_object("TLSContext", "c", "{hosts: [a], certRequired: false}")) == [
        ("DRG0722", "spec.certRequired")
    ]
    tls = "{hostname: a, tlsSecret: {name: s}, selector: {matchLabels: {a: b}}, tls: {alpnProtocols: h2}}"
    assert older(an_object("Host", "c", tls)) == [("DRG0722", "spec.selector"), ("DRG0722", "spec.tls.alpnProtocols")]
    assert older(mapping("a", "prefix: /", "service: a", "host: a.b", "host_regex: true", hostname='""')) == []
    assert older(mapping("a", "prefix: /", "service: a", "use_websocket: true")) == [("DRG0722", "spec.use_websocket")]
    flat = "apiVersion: ambassador/v2\nkind: Mapping\nname: a\nprefix: /\nservice: a\nhost: a.b\n"
    assert older(flat) == [("DRG0721", "apiVersion")]


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ('{hostname: "*", prefix: /, service: a, ambassador_id: a}', "spec.ambassador_id"),
        (
            '{hostname: "*", prefix: /, service: a, ambassador_id: [a], redirect_response_code: null}',
            "spec.redirect_response_code",
        ),
    ],
)
def test_what_only_the_api_server_refuses(spec: str, path: str) -> None:
    found = lint_texts(an_object("Mapping", "a", spec), AMBASSADOR_ID="a")
    assert [(each.code.id, each.path) for each in found] in ([("DRG0221", path)], [])
    if path != "spec.redirect_response_code":
        assert found


def test_what_the_gateway_has_told_is_not_told_again() -> None:
    assert ids(lint_texts(mapping("a", "prefix: /a/", "service: a", "weight: heavy"))) == ["DRG0202"]
    assert ids(lint_texts(mapping("a", "prefix: /a/"))) == ["DRG0205"]


@pytest.mark.parametrize(
    ("metadata", "good"),
    [
        ("{name: a.b-c}", True),
        ("{name: A}", False),
        ("{name: a_b}", False),
        ("{name: a, namespace: a.b}", False),
        ("{name: a, labels: {a.example.com/b_c: D.e}}", True),
        ("{name: a, labels: {a: ''}}", True),
        ("{name: a, labels: {a b: c}}", False),
        ("{name: a, labels: {a: b c}}", False),
        ("{name: a, labels: {A.com/b: c}}", False),
    ],
)
def test_names_that_kubernetes_refuses(metadata: str, *, good: bool) -> None:
    text = f"apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {metadata}\n"
    found = lint_texts(text + 'spec: {hostname: "*", prefix: /, service: a}\n')
    assert ("DRG0222" in ids(found)) is not good


def test_titles_say_what_is_found_and_no_two_are_alike() -> None:
    titles = [code.title for code in CODES.values()]
    assert len(set(titles)) == len(titles)
