"""The 25 scenarios that Kubernetes' own suite for Ingress controllers has, asked of a real Envoy.

Source: kubernetes-sigs/ingress-controller-conformance, features default_backend, host_rules, ingress_class,
load_balancing and path_rules; each test here has the scenarios of one feature, path_rules one a line.
"""

from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from tests.support.certificates import authority, trusting, unverified
from tests.support.gateway import Gateway
from tests.support.ingresses import backing, ingress, ingress_class, path, problems_of, rule, to, told
from tests.support.objects import tls_secret
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

PODS = 10


@pytest.fixture(scope="module")
def pods() -> Iterator[list[HttpUpstream]]:
    made = [HttpUpstream(f"pod-{number}") for number in range(PODS)]
    for pod in made:
        pod.start()
    yield made
    for pod in made:
        pod.close()


def _paths() -> str:
    """All Ingresses of path_rules: each Service answers by a name of its own."""
    exact = rule("exact.test", path("/foo", "red", "Exact"))
    prefix = rule("prefix.test", path("/foo", "red"), path("/aaa/bbb", "red"), path("/aaa", "blue"))
    mixed = rule("mixed.test", path("/foo", "red"), path("/foo", "blue", "Exact"))
    slashed = rule("slashed.test", path("/aaa/bbb/", "red"), path("/foo/", "blue", "Exact"))
    return ingress("path-rules", exact, prefix, mixed, slashed)


def _stars() -> str:
    """Ingresses for a star and for names below it, by one certificate, but for one whose TLS is passed on."""
    pair = authority().sign("*.star.test", "*.deep.star.test")
    made = tls_secret("star", pair.certificate, pair.key)
    for name, backend in (("*", "red"), ("one", "blue"), ("*.deep", "blue"), ("stopped", "blue"), ("passed", "blue")):
        host = f"{name}.star.test"
        said = {"stopped": {"auth-tls-secret": "default/missing"}, "passed": {"ssl-passthrough": "true"}}.get(name)
        tls = [{"hosts": [host], "secretName": "star"}]
        made += ingress(name.replace("*", "star"), rule(host, path("/", backend)), tls=tls, nginx=said)
    return made


@pytest.fixture(scope="module")
def served(red: HttpUpstream, blue: HttpUpstream, pods: list[HttpUpstream]) -> Iterator[Gateway]:
    pair = authority().sign("foo.bar.com")
    made = Gateway(listeners=False, patience=180)
    made.apply("class", ingress_class())
    made.apply("services", backing("red", red.port) + backing("blue", blue.port))
    made.apply("pods", backing("pods", *[pod.port for pod in pods]))
    made.apply("certificate", tls_secret("conformance-tls", pair.certificate, pair.key))
    tls = [{"hosts": ["foo.bar.com"], "secretName": "conformance-tls"}]
    hosts = (rule("*.foo.com", path("/", "red", port="http")), rule("foo.bar.com", path("/", "red", port="http")))
    made.apply("hosts", ingress("host-rules", *hosts, tls=tls, nginx={"ssl-redirect": "false"}))
    made.apply("paths", _paths())
    made.apply("pods-ingress", ingress("load-balancing", rule("pods.test", path("/", "pods"))))
    made.apply("unknown", ingress("unknown-class", rule("unknown.test", path("/", "red")), of="some-other"))
    for name in ("wild", "own"):
        own = authority().sign("*.wild.test" if name == "wild" else "own.wild.test")
        made.apply(name, tls_secret(name, own.certificate, own.key))
    names = ["a.wild.test", "b.wild.test", "own.wild.test", "broken.test"]
    listed = [
        {"hosts": ["*.wild.test"], "secretName": "wild"},
        {"hosts": ["own.wild.test"], "secretName": "own"},
        {"hosts": ["broken.test"], "secretName": "missing"},
    ]
    made.apply("stars", _stars())
    made.apply("tls", ingress("tls", *[rule(name, path("/", "red")) for name in names], tls=listed))
    with made:
        made.wait_served("exact.test", "/foo")
        yield made


@pytest.mark.parametrize(
    ("method", "host", "asked"),
    [
        ("GET", "my-host", "/"),
        ("GET", "my-host", "/sub"),
        ("POST", "some-host", "/"),
        ("PUT", "", "/resource"),
        ("DELETE", "some-host", "/resource"),
        ("PATCH", "my-host", "/resource"),
    ],
)
def test_default_backend(served: Gateway, method: str, host: str, asked: str) -> None:
    with served.applied("default", ingress("default-backend", defaultBackend=to("blue"))):
        name = host or f"127.0.0.1:{served.http_port}"
        answer = served.wait_served(name, asked, method=method, headers={"user-agent": "conformance/1"})
    served.wait_served("nobody.test", status=404)
    seen = answer.json()
    assert answer.http_version == "HTTP/1.1"
    assert {"content-length", "content-type", "date", "server"} <= {key.lower() for key in answer.headers}
    assert (seen["upstream"], seen["method"], seen["path"], seen["host"]) == ("blue", method, asked, name)
    assert seen["headers"]["user-agent"] == "conformance/1"


def test_host_rules(served: Gateway) -> None:
    secure = served.wait_served("foo.bar.com", tls=True, context=trusting(authority()))
    assert secure.json()["upstream"] == "red"
    assert served.request("foo.bar.com").json()["upstream"] == "red"
    assert served.request("wrong.bar.com").status_code == 404
    assert served.request("bar.foo.com").json()["upstream"] == "red"
    assert served.request("BAR.FOO.COM:8080").json()["upstream"] == "red"
    assert served.request("baz.bar.foo.com").status_code == 404
    assert served.request("foo.com").status_code == 404


def test_an_ingress_of_an_unknown_class_is_nobodys(served: Gateway) -> None:
    assert served.request("unknown.test").status_code == 404
    ((path, said),) = problems_of(served, "unknown-class")
    assert path == "spec.ingressClassName", "a folder has no other controller that may have it"
    assert "some-other, which does not exist" in said


def test_load_balancing(served: Gateway) -> None:
    served.wait_served("pods.test")
    answered = Counter(served.request("pods.test").json()["upstream"] for _ in range(5 * PODS))
    assert len(answered) == PODS, answered


@pytest.mark.parametrize(
    ("host", "asked", "by"),
    [
        ("exact.test", "/foo", "red"),
        ("exact.test", "/foo/", "404"),
        ("exact.test", "/FOO", "404"),
        ("exact.test", "/bar", "404"),
        ("prefix.test", "/foo", "red"),
        ("prefix.test", "/foo/", "red"),
        ("prefix.test", "/FOO", "404"),
        ("prefix.test", "/aaa/bbb", "red"),
        ("prefix.test", "/aaa/bbb/ccc", "red"),
        ("prefix.test", "/aaa/ccc", "blue"),
        ("prefix.test", "/aaaccc", "404"),
        ("mixed.test", "/foo", "blue"),
        ("mixed.test", "/foo/", "red"),
        ("slashed.test", "/aaa/bbb", "red"),
        ("slashed.test", "/aaa/bbb/", "red"),
        ("slashed.test", "/foo", "404"),
    ],
)
def test_path_rules(served: Gateway, host: str, asked: str, by: str) -> None:
    answer = served.request(host, asked)
    assert (answer.json()["upstream"] if answer.status_code == 200 else str(answer.status_code)) == by
    if answer.status_code == 200:
        assert answer.json()["path"] == asked, "nothing is rewritten"


def test_tls_by_host(served: Gateway) -> None:
    """Beyond the suite: certificates by name, a connection for its name alone, and what is broken opens nothing."""
    ours = trusting(authority())
    for name in ("a.wild.test", "b.wild.test", "own.wild.test"):
        served.wait_served(name, tls=True, context=ours)
    assert served.request("own.wild.test", tls=True, sni="a.wild.test").status_code == 421
    assert served.request("b.wild.test", tls=True, sni="a.wild.test").status_code == 200, "of one certificate"
    assert served.request("exact.test", "/foo", tls=True).status_code == 200, "with the certificate of last resort"
    with pytest.raises(httpx.ConnectError):
        served.request("broken.test", tls=True, context=ours)
    assert served.request("broken.test", tls=True).status_code == 200
    assert served.request("broken.test").headers["location"] == "https://broken.test/"
    assert "Secret default/missing does not exist" in told(served, "tls", "spec.tls[2].secretName")[1]


def test_a_connection_for_a_star_is_not_for_narrower_names_of_others(served: Gateway) -> None:
    """HTTP/2 of a browser, which finds one certificate for all of them."""
    served.wait_served("one.star.test", tls=True)
    found: dict[str, str | int] = {}
    names = ["x", "y", "one", "x.deep", "stopped", "passed"]
    with httpx.Client(http1=False, http2=True, verify=unverified(), timeout=10) as client:
        for name in [f"{name}.star.test" for name in names] + ["ONE.star.test", "one.star.test:443", "one.star.test."]:
            url = f"https://127.0.0.1:{served.https_port}/"
            answer = client.get(url, headers={"host": name}, extensions={"sni_hostname": "x.star.test"})
            found[name] = answer.json()["upstream"] if answer.status_code == 200 else answer.status_code
    assert {name for name, who in found.items() if who == "red"} == {"x.star.test", "y.star.test"}
    assert {who for who in found.values() if who != "red"} == {421}, found
