"""Names of resources: no two are equal by accident, and whose they are can be read back from them."""

from hypothesis import example, given
from hypothesis import strategies as st

from translator.ir import Backend, SecretRef, ServicePort
from translator.options import Options
from translator.pipeline import Pipeline
from translator.xds.names import (
    assignment_name,
    authority_name,
    certificate_name,
    certificates_of,
    cluster_name,
    services_of,
)

NAMES = st.sampled_from(["ca", "ca.ca", "tls", "k8s", "cleartext", "tcp", "a-b", "secret"]) | st.from_regex(
    r"[^\s/\x00-\x1f\x7f]{1,20}", fullmatch=True
)
"""What the watcher lets in as the name of an object: more than Kubernetes does, but no `/` either."""
SECRETS = st.builds(SecretRef, NAMES, NAMES)
PROVENANCE = Pipeline(Options()).provenance
PORTS = st.integers(1, 65535) | NAMES | st.just("a/b")


@given(SECRETS)
@example(SecretRef("team-a", "ca"))
@example(SecretRef("ca", "ca"))
def test_the_secret_is_read_back_from_its_certificate_and_its_authority(secret: SecretRef) -> None:
    assert certificates_of(certificate_name(secret)) == certificates_of(authority_name(secret)) == [secret]
    for name in (certificate_name(secret), authority_name(secret)):
        assert PROVENANCE.of(f"secret/{name}") == (f"core/Secret/{secret.namespace}/{secret.name}",)


@given(SECRETS, SECRETS)
@example(SecretRef("x", "ca"), SecretRef("x", "x"))
@example(SecretRef("x", "x"), SecretRef("x", "ca"))
def test_no_certificate_is_called_as_an_authority_or_as_another_one(one: SecretRef, other: SecretRef) -> None:
    assert certificate_name(one) != authority_name(other)
    assert (certificate_name(one) == certificate_name(other)) == (one == other)
    assert (authority_name(one) == authority_name(other)) == (one == other)


@given(st.builds(ServicePort, NAMES, NAMES, PORTS))
def test_the_service_is_read_back_from_its_endpoints(target: ServicePort) -> None:
    assert services_of(assignment_name(target)) == [(target.namespace, target.name)]
    found = PROVENANCE.of(f"endpoint/{assignment_name(target)}")
    assert found == (f"core/Service/{target.namespace}/{target.name}",)


@given(st.sampled_from(["listener", "route", "cluster", "endpoint", "secret"]), st.text(max_size=30))
@example("secret", "team-a/ca")
@example("route", "default/l/cleartext:tls")
@example("cluster", cluster_name(Backend(ServicePort("default", "ca", 80))))
def test_no_name_whatsoever_makes_the_way_back_fail(kind: str, name: str) -> None:
    PROVENANCE.of(f"{kind}/{name}")
