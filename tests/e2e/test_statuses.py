"""The whole gateway in front of a real API server: what people see of their objects with kubectl."""

from collections.abc import Iterator

import pytest

from tests.support.apiserver import ApiServer
from tests.support.cluster_gateway import install_crds
from tests.support.credulous import UNREADABLE, credulous
from tests.support.envoy import wait_until
from tests.support.gateway import LISTENERS, Gateway
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.kubernetes, pytest.mark.system, pytest.mark.envoy]


class Seen:
    """A namespace with a gateway of its own, through kubectl."""

    def __init__(self, api: ApiServer) -> None:
        self.api = api
        self.namespace = api.namespace()

    def apply(self, text: str) -> None:
        """Apply YAML in the namespace."""
        self.api.kubectl("apply", "-n", self.namespace, "-f", "-", stdin=text)

    def mapping(self, name: str, service: str, *lines: str) -> None:
        """Apply a Mapping of `/name/`."""
        spec = [f"hostname: '*'\n  prefix: /{name}/", f"service: {service}", *lines]
        head = f"apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {{name: {name}}}\nspec:\n  "
        self.apply(head + "\n  ".join(spec) + "\n")

    def columns(self, what: str) -> list[str]:
        """What `kubectl get` shows of an object."""
        return self.api.kubectl("get", what, "-n", self.namespace, "--no-headers").split()

    def condition(self, what: str, kind: str) -> tuple[str, str, str, int]:
        """Status, reason, message and observedGeneration of a condition; empty while it is not there."""
        resource, _, name = what.partition("/")
        path = f"/apis/getambassador.io/v3alpha1/namespaces/{self.namespace}/{resource}s/{name}"
        for each in self.api.get(path).get("status", {}).get("conditions", []):
            if each["type"] == kind:
                return each["status"], each["reason"], each["message"], each["observedGeneration"]
        return "", "", "", 0

    def becomes(self, what: str, kind: str, status: str, reason: str, generation: int) -> str:
        """Wait for a condition; its message."""

        def so() -> str | None:
            found = self.condition(what, kind)
            return found[2] if (found[0], found[1], found[3]) == (status, reason, generation) else None

        return wait_until(so, 30.0, what=lambda: f"{what}: {kind} {self.condition(what, kind)}") or ""

    def has_event(self, what: str, kind: str, reason: str) -> bool:
        """Whether `kubectl describe` shows such an Event of an object."""
        lines = self.api.kubectl("describe", what, "-n", self.namespace).splitlines()
        return any(line.split()[:2] == [kind, reason] for line in lines)


@pytest.fixture(scope="module")
def api(own_apiserver: ApiServer) -> ApiServer:
    install_crds(own_apiserver)
    return own_apiserver


@pytest.fixture(scope="module")
def seen(api: ApiServer) -> Seen:
    return Seen(api)


@pytest.fixture(scope="module")
def gateway(seen: Seen, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    environ = {
        **credulous(tmp_path_factory.mktemp("credulous")),
        "DRAGOMAN_CONFIG_DIR": "",
        "KUBECONFIG": str(seen.api.kubeconfig),
        "AMBASSADOR_NAMESPACE": seen.namespace,
        "AMBASSADOR_SINGLE_NAMESPACE": "true",
        "POD_NAME": "pod-0",
    }
    made = Gateway(listeners=False, environ=environ)
    seen.apply(LISTENERS.format(http=made.http_port, https=made.https_port))
    with made:
        yield made


def test_what_is_served_says_so(gateway: Gateway, seen: Seen, red: HttpUpstream) -> None:
    seen.mapping("good", red.service)
    seen.becomes("mapping/good", "Programmed", "True", "Programmed", 1)
    assert gateway.request("some.test", "/good/").status_code == 200
    assert seen.columns("mapping/good")[-4:] == ["Running", "True", "True", "True"]
    for what in ("host/some", "listener/http"):
        seen.becomes(what, "Accepted", "True", "Accepted", 1)
        seen.becomes(what, "Programmed", "True", "Programmed", 1)
    assert "Ready" in seen.columns("host/some")


def test_a_mistake_and_its_end_are_told(gateway: Gateway, seen: Seen, red: HttpUpstream) -> None:
    seen.mapping("hasty", red.service, "timeout_ms: 1000", "prefix_regex: true", "rewrite: ''")
    seen.becomes("mapping/hasty", "Programmed", "True", "Programmed", 1)
    seen.mapping("hasty", red.service, "prefix_regex: true", "regex_rewrite: {pattern: '(', substitution: ''}")
    message = seen.becomes("mapping/hasty", "Accepted", "False", "Invalid", 2)
    assert message.startswith("spec.regex_rewrite.pattern ")
    seen.becomes("mapping/hasty", "Programmed", "False", "NotAccepted", 2)
    assert "Inactive" in seen.columns("mapping/hasty")
    wait_until(lambda: seen.has_event("mapping/hasty", "Warning", "Invalid"), what="an Event")
    seen.mapping("hasty", red.service)
    seen.becomes("mapping/hasty", "Programmed", "True", "Programmed", 3)
    wait_until(lambda: seen.has_event("mapping/hasty", "Normal", "Recovered"), what="another Event")


def test_what_envoy_refuses_is_told_in_its_own_words(gateway: Gateway, seen: Seen, red: HttpUpstream) -> None:
    seen.mapping("proud", red.service)
    seen.mapping("neighbour", red.service)
    seen.becomes("mapping/proud", "Programmed", "True", "Programmed", 1)
    seen.becomes("mapping/neighbour", "Programmed", "True", "Programmed", 1)
    seen.mapping("proud", red.service, f"add_request_headers: {{x-path: '{UNREADABLE}'}}")
    message = seen.becomes("mapping/proud", "Programmed", "False", "RefusedByEnvoy", 2)
    assert message.startswith("Envoy refused the route")
    assert "request.path ==" in message
    assert "the last version that it accepted keeps serving" in message
    seen.becomes("mapping/proud", "Accepted", "True", "Accepted", 2)
    assert gateway.request("some.test", "/proud/").status_code == 200
    assert seen.condition("mapping/neighbour", "Programmed")[0] == "True"
    wait_until(lambda: seen.has_event("mapping/proud", "Warning", "RefusedByEnvoy"), what="an Event")
    events = seen.api.kubectl("get", "events", "-n", seen.namespace, "--field-selector", "reportingComponent=dragoman")
    assert "RefusedByEnvoy" in events
    seen.mapping("proud", red.service, "timeout_ms: 5000")
    seen.becomes("mapping/proud", "Programmed", "True", "Programmed", 3)
    wait_until(lambda: seen.has_event("mapping/proud", "Normal", "Recovered"), what="another Event")


def test_an_unreadable_certificate_is_the_hosts_error_until_it_is_there(gateway: Gateway, seen: Seen) -> None:
    head = "apiVersion: getambassador.io/v3alpha1\nkind: Host\nmetadata: {name: shop}\n"
    seen.apply(f"{head}spec: {{hostname: shop.test, tlsSecret: {{name: nowhere}}}}\n")
    seen.becomes("host/shop", "ResolvedRefs", "False", "SecretNotUsable", 1)
    path = f"/apis/getambassador.io/v3alpha1/namespaces/{seen.namespace}/hosts/shop"
    status = seen.api.get(path)["status"]
    assert (status["state"], status["tlsCertificateSource"]) == ("Error", "Other")
    assert status["errorReason"].startswith("spec.tlsSecret names the Secret")
    assert status["errorTimestamp"]
    seen.apply(f"{head}spec: {{hostname: shop.test}}\n")
    seen.becomes("host/shop", "Programmed", "True", "Programmed", 2)
    status = seen.api.get(path)["status"]
    assert (status["state"], status["tlsCertificateSource"]) == ("Ready", "None")
    assert status["errorReason"] == ""
    assert "errorTimestamp" not in status


def test_a_mapping_that_no_host_wants_says_so(gateway: Gateway, seen: Seen, red: HttpUpstream) -> None:
    head = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: lonely}\n"
    seen.apply(f"{head}spec: {{hostname: nobody.test, prefix: /, service: {red.service}}}\n")
    message = seen.becomes("mapping/lonely", "Programmed", "False", "NotAttached", 1)
    assert "fits no Host" in message


def test_a_killed_reporter_is_back_and_nobody_notices(gateway: Gateway, seen: Seen, red: HttpUpstream) -> None:
    first = gateway.kill("reporter")
    seen.mapping("after", red.service)
    assert gateway.wait_served("some.test", "/after/")
    seen.becomes("mapping/after", "Programmed", "True", "Programmed", 1)
    assert gateway.pid_of("reporter") not in {None, first}
