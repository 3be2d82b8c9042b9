"""Services and their EndpointSlices: where requests for a Service's name arrive."""

import pytest

from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import endpoint_slice, host, mapping, service
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


def at(*upstreams: HttpUpstream, **conditions: bool) -> list[dict[str, object]]:
    return [{"addresses": ["127.0.0.1"], **({"conditions": conditions} if conditions else {})} for _ in upstreams[:1]]


def slice_of(name: str, of: str, upstream: HttpUpstream, **conditions: bool) -> str:
    return endpoint_slice(name, of, {"web": upstream.port}, *at(upstream, **conditions))


def test_a_service_is_reached_at_its_ready_endpoints(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    name = "service.test"
    fixed = host(name, name) + mapping("service", name, "pods", "/") + service("pods", {"web": 80})
    with gateway.applied(name, fixed):
        gateway.wait_served(name, status=503)  # nobody is ready yet
        with gateway.applied("pods-a", slice_of("pods-a", "pods", red)):
            assert gateway.wait_served(name).json()["upstream"] == "red"
            with gateway.applied("pods-b", slice_of("pods-b", "pods", blue)):
                wait_until(lambda: gateway.request(name).json()["upstream"] == "blue", what="the second endpoint")
                gateway.apply("pods-a", slice_of("pods-a", "pods", red, ready=False, serving=True, terminating=True))
                wait_until(lambda: {gateway.request(name).json()["upstream"] for _ in range(8)} == {"blue"})
                # The last pods of a rollout go on while they still serve.
                gateway.apply("pods-b", slice_of("pods-b", "pods", blue, ready=False, serving=False))
                wait_until(lambda: {gateway.request(name).json()["upstream"] for _ in range(8)} == {"red"})


def test_endpoint_changes_touch_no_route_and_no_cluster(
    gateway: Gateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    name, assignment = "churn.test", "endpoint/k8s/default/churning/80"
    fixed = host(name, name) + mapping("churn", name, "churning", "/") + service("churning", {"web": 80})

    def versions() -> dict[str, str]:
        return {key: row["accepted"] for key, row in gateway.diag()["resources"].items() if row["published"]}

    with gateway.applied(name, fixed), gateway.applied("churn-a", slice_of("churn-a", "churning", red)):
        gateway.wait_served(name)
        wait_until(lambda: not others(gateway, name, "churn-a"), what="the objects of other tests gone")
        wait_until(
            lambda: all(versions().values()),
            what=lambda: f"accepted: {[key for key, version in versions().items() if not version]}",
        )
        before = versions()
        gateway.apply("churn-a", slice_of("churn-a", "churning", blue))
        wait_until(lambda: gateway.request(name).json()["upstream"] == "blue", what="the new endpoint")
        wait_until(lambda: versions()[assignment] != before[assignment], what="the new endpoint accepted")
        assert {key for key, version in versions().items() if version != before.get(key)} == {assignment}


def others(gateway: Gateway, *files: str) -> list[str]:
    """The objects of files other than these and the ones that are always there."""
    known = {f"{name}.yaml" for name in (*files, "listeners")}
    sources = {key: str(row.get("source") or "") for key, row in gateway.diag()["objects"].items()}
    return [key for key, source in sources.items() if source.split("#")[0] not in known and "generated" not in source]


def test_ports_by_number_and_namespaces_by_name(gateway: Gateway, red: HttpUpstream, blue: HttpUpstream) -> None:
    name = "ports.test"
    slices = endpoint_slice("two", "two", {"web": red.port, "admin": blue.port}, {"addresses": ["127.0.0.1"]})
    texts = service("two", {"web": 80, "admin": 9000}) + slices + host(name, name)
    texts += mapping("web", name, "two", "/web/") + mapping("admin", name, "two.default:9000", "/admin/")
    texts += mapping("full", name, "http://two.default.svc.cluster.local:9000", "/full/")
    with gateway.applied(name, texts):
        assert gateway.wait_served(name, "/web/").json()["upstream"] == "red"
        assert gateway.wait_served(name, "/admin/").json()["upstream"] == "blue"
        assert gateway.wait_served(name, "/full/").json()["upstream"] == "blue"


def test_a_number_that_udp_has_too_is_reached_at_the_port_of_tcp(
    gateway: Gateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    """HTTP/3 and DNS have such Services."""
    name = "udp.test"
    pods = endpoint_slice("both", "both", {"quic/UDP": blue.port, "web/TCP": red.port}, {"addresses": ["127.0.0.1"]})
    texts = service("both", {"quic/UDP": 80, "web/TCP": 80}) + pods
    texts += host(name, name) + mapping("both", name, "both")
    with gateway.applied(name, texts):
        assert gateway.wait_served(name).json()["upstream"] == "red"


def test_names_that_differ_in_punctuation_are_different_services(
    gateway: Gateway, red: HttpUpstream, blue: HttpUpstream
) -> None:
    """In Emissary `foo-bar` and `foo.bar` share a cluster, and the second one's requests reach the first one's pods."""
    name = "punctuation.test"
    texts = host(name, name) + service("foo-bar", {"web": 80}) + slice_of("foo-bar", "foo-bar", red)
    texts += mapping("dash", name, "foo-bar.default", "/dash/") + mapping("address", name, blue.service, "/address/")
    with gateway.applied(name, texts):
        assert gateway.wait_served(name, "/dash/").json()["upstream"] == "red"
        assert gateway.wait_served(name, "/address/").json()["upstream"] == "blue"


def test_an_external_name_is_resolved(gateway: Gateway, red: HttpUpstream) -> None:
    name = "external.test"
    texts = service("outside", {}, type="ExternalName", externalName="localhost")
    texts += host(name, name) + mapping("external", name, f"outside:{red.port}", "/")
    with gateway.applied(name, texts):
        assert gateway.wait_served(name).json()["upstream"] == "red"
