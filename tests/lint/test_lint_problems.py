"""What is told of objects: as the gateway judges them, what stands in, and what of ours fails."""

import pytest

from lint.problems import code_of
from tests.lint.linting import an_object, ids, lint_texts, mapping
from translator.decode import Problem
from translator.emissary.mappings import Understanding

HOST = an_object("Host", "shop", "{hostname: shop.example.com, tlsSecret: {name: shop}}")
UNREADABLE = "apiVersion: v1\nkind: Secret\nmetadata: {name: shop}\nstringData: {tls.crt: none, tls.key: none}\n"


def test_a_secret_that_is_not_there_takes_nothing_else_with_it() -> None:
    found = lint_texts(HOST + mapping("a", "prefix: /a/", "service: a", hostname="shop.example.com"))
    assert [(each.code.id, each.severity, each.path) for each in found] == [("DRG0302", "warning", "spec.tlsSecret")]


def test_a_secret_that_is_there_and_is_none_stops_who_names_it() -> None:
    found = lint_texts(UNREADABLE + HOST)
    assert [(each.code.id, each.severity) for each in found] == [("DRG0601", "error"), ("DRG0301", "error")]


@pytest.mark.parametrize("field", ["secret", "ca_secret", "crl_secret"])
def test_a_certificate_stands_in_for_whatever_a_secret_is_named_for(field: str) -> None:
    ca = "" if field == "ca_secret" else "ca_secret: cas, "
    spec = f"{{{ca}{field}: missing}}"
    found = lint_texts(
        an_object("TLSContext", "upstream", spec) + mapping("a", "prefix: /a/", "service: a", "tls: upstream")
    )
    assert set(ids(found)) == {"DRG0302"}
    assert {each.severity for each in found} == {"warning"}


def test_of_objects_for_another_gateway_that_is_all_that_is_told() -> None:
    text = mapping("a", "prefix: a/", "service: a", "ambassador_id: [other]", "weight: 200")
    (found,) = lint_texts(text)
    assert (found.code.id, found.severity, found.path) == ("DRG0507", "advice", "spec.ambassador_id")
    assert ids(lint_texts(text, AMBASSADOR_ID="other")) == ["DRG0204"]


def test_a_setting_without_an_effect_is_one_to_remove() -> None:
    module = an_object("Module", "ambassador", "{config: {xff_num_trusted_hops: 1, prune_unreachable_routes: true}}")
    acme = an_object(
        "Host", "shop", "{hostname: a.test, acmeProvider: {authority: https://acme.test/, email: a@a.test}}"
    )
    found = lint_texts(module + acme + mapping("a", "prefix: /a/", "service: a", hostname="a.test"))
    assert [(each.code.id, each.path) for each in found] == [
        ("DRG0702", "spec.config.xff_num_trusted_hops"),
        ("DRG0702", "spec.config.prune_unreachable_routes"),
        ("DRG0702", "spec.acmeProvider"),
    ]


def test_nobody_is_blamed_for_what_consul_was_not_asked() -> None:
    dc1 = an_object("ConsulResolver", "dc1", "{address: 'consul:8500', datacenter: dc1}")
    assert lint_texts(dc1 + mapping("a", "prefix: /a/", "service: a", "resolver: dc1")) == []
    assert ids(lint_texts(dc1 + mapping("a", "prefix: /a/", "service: a.b", "resolver: dc1"))) != []


def test_of_an_annotation_that_is_not_served_it_is_not_said_to_remove_the_object() -> None:
    annotations = "{nginx.ingress.kubernetes.io/proxy-buffer-size: 8k}"
    text = f"""apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {{name: ours}}
spec: {{controller: getambassador.io/dragoman}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: shop, annotations: {annotations}}}
spec:
  ingressClassName: ours
  defaultBackend: {{service: {{name: quote, port: {{number: 80}}}}}}
"""
    service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: quote}\nspec: {ports: [{port: 80}]}\n"
    assert ids(lint_texts(text + service)) == ["DRG0702"]


SERVED_CLASSES = """apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: ours}
spec: {controllerName: getambassador.io/dragoman}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: ours}
spec: {controller: getambassador.io/dragoman}
---
apiVersion: v1
kind: Service
metadata: {name: quote}
spec: {ports: [{port: 80}]}
---
"""
GATEWAY = """apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: ours
  listeners: [{name: https, port: 8443, protocol: HTTPS, tls: {certificateRefs: [{name: shop}]}}]
"""
INGRESS = """apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: ours
  tls: [{hosts: [a.test], secretName: shop}]
  rules:
  - host: a.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: quote, port: {number: 80}}}}]}
"""


@pytest.mark.parametrize(
    ("text", "path"),
    [(GATEWAY, "spec.listeners[0].tls.certificateRefs[0]"), (INGRESS, "spec.tls[0].secretName")],
    ids=["gateway", "ingress"],
)
def test_a_secret_of_other_apis_that_is_not_there_is_told_as_such(text: str, path: str) -> None:
    found = lint_texts(SERVED_CLASSES + text)
    assert [(each.code.id, each.severity, each.path) for each in found] == [("DRG0302", "warning", path)]
    wrong = [(each.code.id, each.path) for each in lint_texts(SERVED_CLASSES + text + "---\n" + UNREADABLE)]
    assert [each for each in wrong if each[1] == path and each[0] != "DRG0302"]


def test_objects_of_others_groups_are_nothing_to_us() -> None:
    assert lint_texts("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: nonsense\n") == []


def test_an_ingress_is_judged_by_what_becomes_of_it() -> None:
    text = """apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, annotations: {kubernetes.io/ingress.class: ambassador}}
spec:
  rules:
  - host: shop.example.com
    http:
      paths:
      - {path: /a, pathType: Prefix, backend: {service: {name: quote, port: {name: web}}}}
"""
    service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: quote}\nspec: {ports: [{port: 80, name: http}]}\n"
    found = lint_texts(text + service)
    assert [(each.code.id, each.place.line) for each in found if each.severity == "error"] == [("DRG0304", 9)]


def test_a_rule_of_the_gateways_that_fails_is_told_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    understand = Understanding.understand

    def failing(self: Understanding, key: str, row: object) -> object:
        if key.endswith("/bad"):
            raise RuntimeError("boom")
        return understand(self, key, row)  # type: ignore[arg-type]

    monkeypatch.setattr(Understanding, "understand", failing)
    found = lint_texts(mapping("bad", "prefix: /b/", "service: a") + mapping("a", "prefix: a/", "service: a"))
    assert ids(found) == ["DRG0001", "DRG0703"]
    assert "boom" in found[0].message
    assert found[0].place.line == 2


def test_no_word_of_a_message_is_looked_at() -> None:
    key = "getambassador.io/Mapping/default/a"
    assert {code_of(key, Problem("spec.weight", said, reason="Conflict")).id for said in ("", "x", "100 %")} == {
        "DRG0402"
    }
