"""What ingress-nginx's annotations do, asked of a real Envoy, as the page for those who migrate says it."""

import ssl
from collections import Counter
from collections.abc import Iterator, Mapping

import httpx
import pytest

from tests.support.certificates import authority
from tests.support.gateway import Gateway
from tests.support.h2c import H2cUpstream
from tests.support.ingresses import backing, ingress, ingress_class, path, rule, told
from tests.support.objects import tls_secret
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

OPEN = "127.0.0.0/8, ::1"
NAMES_ASKED: list[str | None] = []
"""In TLS, of the service that speaks it."""


def one(name: str, to: str = "red", asked: str = "/", kind: str = "Prefix", /, **nginx: str) -> str:
    """An Ingress for the host of its name; in the names of annotations `_` stands for `-`."""
    said = {key.replace("_", "-"): value for key, value in nginx.items()}
    return ingress(name, rule(f"{name}.test", path(asked, to, kind)), nginx=said)


def _redirects() -> str:
    url = "https://other.test/x?y=1"
    return (
        one("root", app_root="/welcome")
        + one("permanent", permanent_redirect=url)
        + one("moved", permanent_redirect=url, permanent_redirect_code="308")
        + one("temporal", temporal_redirect="http://other.test:8080$request_uri", temporal_redirect_code="307")
        + one("forced", force_ssl_redirect="true")
        + one("plain", from_to_www_redirect="true")
        + ingress("taken", rule("www.taken.test", path("/only", "blue")))
        + one("taken-2", from_to_www_redirect="true").replace("taken-2.test", "taken.test")
    )


def _access() -> str:
    shut = {
        "range": {"whitelist_source_range": "10.0.0.0/8, nonsense"},
        "no-range": {"whitelist_source_range": ""},
        "deny": {"denylist_source_range": "127.0.0.1/33"},
        "asked": {"auth_type": "digest"},
        "elsewhere": {"auth_url": "http://127.0.0.1/"},
        "tls-asked": {"auth_tls_secret": "default/ca"},
        "snippet": {"configuration_snippet": "deny all;"},
        "target": {"rewrite_target": "/$host"},
        "verified": {"backend_protocol": "HTTPS", "proxy_ssl_verify": "on"},
        "protocol": {"backend_protocol": "FCGI"},
        "pattern": {"use_regex": "true"},
    }
    texts = [one(f"shut-{name}", **said) for name, said in shut.items() if name != "pattern"]
    texts.append(one("shut-pattern", "red", "/(", "ImplementationSpecific", use_regex="true"))
    return (
        "".join(texts)
        + one("let-in", whitelist_source_range=OPEN)
        + one("let-in-too", allowlist_source_range="127.0.0.1, 10.0.0.0/8")
        + one("kept-out", whitelist_source_range="10.0.0.0/8")
        + one("denied", denylist_source_range="127.0.0.1")
    )


def _canaries() -> str:
    texts = ""
    for name, said in {
        "by-header": {"canary-by-header": "X-Canary", "canary-by-cookie": "canary"},
        "by-value": {"canary-by-header": "X-Canary", "canary-by-header-value": "blue"},
        "by-pattern": {"canary-by-header": "X-Canary", "canary-by-header-pattern": "b.ue|navy"},
        "by-weight": {"canary-weight": "300", "canary-weight-total": "1000"},
        "by-nothing": {"canary-weight": "0"},
    }.items():
        texts += ingress(name, rule(f"{name}.test", path("/", "red")))
        texts += ingress(f"{name}-canary", rule(f"{name}.test", path("/", "blue")), nginx={"canary": "true", **said})
    return texts


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpUpstream]:
    files = authority().server("red.test", ["red.test"]).write(tmp_path_factory.mktemp("secured"), "red")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    context.sni_callback = lambda _, name, __: NAMES_ASKED.append(name)
    with HttpUpstream("secured", tls=context) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def called() -> Iterator[H2cUpstream]:
    with H2cUpstream("called") as upstream:
        yield upstream


@pytest.fixture(scope="module")
def served(red: HttpUpstream, blue: HttpUpstream, secured: HttpUpstream, called: H2cUpstream) -> Iterator[Gateway]:
    pair = authority().sign("secure.test")
    made = Gateway(listeners=False, patience=180)
    made.apply("class", ingress_class("nginx", "k8s.io/ingress-nginx", {"getambassador.io/take-over": "true"}))
    made.apply("services", backing("red", red.port) + backing("blue", blue.port) + backing("both", red.port, blue.port))
    made.apply("others", backing("secured", secured.port) + backing("called", called.port))
    made.apply("certificate", tls_secret("secure", pair.certificate, pair.key))
    rules = [rule("secure.test", path("/", "red"))]
    secure = ingress("secure", *rules, tls=[{"hosts": ["secure.test"], "secretName": "secure"}])
    target = one("target", "red", "/api(/|$)(.*)", "ImplementationSpecific", rewrite_target="/v1/$2", use_regex="true")
    texts = (
        _redirects()
        + _access()
        + _canaries()
        + secure
        + target
        + one("regex", "red", "/item/[0-9]+$", "ImplementationSpecific", use_regex="true")
        + one("headers", upstream_vhost="inside.test", x_forwarded_prefix="/pre%fix")
        + one("cors", enable_cors="true", cors_allow_origin="https://*.site.test, https://one.test")
        + one("cors-any", enable_cors="true")
        + one(
            "cors-all",
            enable_cors="true",
            cors_allow_origin="https://one.test",
            cors_allow_methods="GET, PURGE",
            cors_allow_headers="X-One, X-Two",
            cors_expose_headers="X-Three",
            cors_allow_credentials="false",
            cors_max_age="7",
        )
        + one("https", "secured", backend_protocol="HTTPS", proxy_ssl_server_name="on", proxy_ssl_name="red.test")
        + one("passed", "secured", ssl_passthrough="true")
        + one("grpc", "called", backend_protocol="GRPC")
        + one("slow", proxy_read_timeout="1", proxy_send_timeout="1", proxy_connect_timeout="1")
        + one("tried", proxy_next_upstream="http_503 non_idempotent", proxy_next_upstream_tries="3")
        + one("once", proxy_next_upstream="off")
        + one("sticky", "both", affinity="cookie", session_cookie_name="pod", session_cookie_samesite="Lax")
        + one(
            "kept",
            "both",
            affinity="cookie",
            session_cookie_path="/shop",
            session_cookie_max_age="60",
            session_cookie_secure="true",
            session_cookie_domain="kept.test",
        )
        + one("expiring", "both", affinity="cookie", session_cookie_expires="70")
        + one("busy", "both", load_balance="ewma")
        + one("hashed", "both", upstream_hash_by="$http_x_user")
        + one("rated", limit_rps="1", limit_burst_multiplier="2")
        + one("by-minute", limit_rpm="1", limit_burst_multiplier="1")
        + one("small", proxy_body_size="1k")
        + one("aliased", server_alias="alias.test, *.alias.test, ~^re")
        + one("told", limit_connections="5", proxy_buffering="on", no_such="1", ssl_redirect="maybe")
    )
    made.apply("ingresses", texts.replace('"ingressClassName": "dragoman"', '"ingressClassName": "nginx"'))
    with made:
        made.wait_served("regex.test", "/item/1")
        yield made


def status(served: Gateway, host: str, asked: str = "/", **more: object) -> int:
    return served.request(host, asked, **more).status_code  # type: ignore[arg-type]


def upstream(served: Gateway, host: str, asked: str = "/", headers: Mapping[str, str] | None = None) -> str:
    return str(served.request(host, asked, headers=headers).json()["upstream"])


def test_ssl_redirect(served: Gateway) -> None:
    answer = served.request("secure.test", "/a?b=c")
    assert (answer.status_code, answer.headers["location"]) == (308, "https://secure.test/a?b=c")
    assert status(served, "secure.test", "/a?b=c", tls=True) == 200
    assert served.request("forced.test").headers["location"] == "https://forced.test/"
    assert status(served, "told.test") == 200, "without a certificate nobody is sent away"


def test_redirects(served: Gateway) -> None:
    asked = {
        ("root.test", "/"): (302, "http://root.test/welcome"),
        ("permanent.test", "/some?z=2"): (301, "https://other.test/x?y=1"),
        ("moved.test", "/"): (308, "https://other.test/x?y=1"),
        ("temporal.test", "/some?z=2"): (307, "http://other.test:8080/some?z=2"),
    }
    for (host, text), answer in asked.items():
        found = served.request(host, text)
        assert (found.status_code, found.headers["location"]) == answer
    assert status(served, "root.test", "/welcome") == 200


def test_from_to_www(served: Gateway) -> None:
    found = served.request("www.plain.test", "/x?y")
    assert (found.status_code, found.headers["location"]) == (308, "http://plain.test/x?y")
    assert status(served, "plain.test") == 200
    assert status(served, "www.taken.test", "/other") == 404, "nobody is sent from a name that an Ingress serves"
    told(served, "taken-2", "www.taken.test is served by an Ingress itself")


def test_rewriting(served: Gateway) -> None:
    for asked, seen in {"/api": "/v1/", "/api/x/y?q=1": "/v1/x/y?q=1", "/API/X": "/v1/X"}.items():
        assert served.request("target.test", asked).json()["path"] == seen
    assert status(served, "target.test", "/apix") == 404
    assert status(served, "target.test", "/other/api/x") == 404
    assert served.request("regex.test", "/item/12").json()["path"] == "/item/12"
    assert status(served, "regex.test", "/item/12/x") == 404


def test_headers(served: Gateway) -> None:
    seen = served.request("headers.test").json()
    assert (seen["host"], seen["headers"]["x-forwarded-prefix"]) == ("inside.test", "/pre%fix")


def test_addresses(served: Gateway) -> None:
    asked = {"let-in": 200, "let-in-too": 200, "kept-out": 403, "denied": 403}
    assert {name: status(served, f"{name}.test") for name in asked} == asked


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("range", "whitelist-source-range"),
        ("no-range", "whitelist-source-range"),
        ("deny", "denylist-source-range"),
        ("asked", "auth-type"),
        ("elsewhere", "auth-url"),
        ("tls-asked", "auth-tls-secret"),
        ("snippet", "configuration-snippet"),
        ("target", "rewrite-target"),
        ("verified", "proxy-ssl-verify"),
        ("protocol", "backend-protocol"),
        ("pattern", "spec.rules[0].http.paths[0].path"),
    ],
)
def test_broken_ones_shut(served: Gateway, red: HttpUpstream, name: str, said: str) -> None:
    """Nothing is reached, and the Ingress is told why."""
    before = len(red.seen)
    assert {status(served, f"shut-{name}.test", asked) for asked in ("/", "/x", "/(")} <= {503, 404}
    assert status(served, f"shut-{name}.test", "/") == 503
    assert len(red.seen) == before
    told(served, f"shut-{name}", said)


def test_cors(served: Gateway) -> None:
    asked = {"origin": "https://a.site.test", "access-control-request-method": "PUT"}
    answer = served.request("cors.test", method="OPTIONS", headers=asked)
    assert answer.headers["access-control-allow-origin"] == "https://a.site.test"
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-max-age"] == "1728000"
    asked |= {"origin": "https://one.test"}
    answer = served.request("cors-all.test", method="OPTIONS", headers=asked)
    words = {name: answer.headers[f"access-control-{name}"] for name in ("allow-methods", "allow-headers", "max-age")}
    assert words == {"allow-methods": "GET, PURGE", "allow-headers": "X-One, X-Two", "max-age": "7"}
    assert "access-control-allow-credentials" not in answer.headers
    assert served.request("cors-all.test", headers=asked).headers["access-control-expose-headers"] == "X-Three"
    foreign = served.request("cors.test", headers={"origin": "https://a.evil.test"})
    assert "access-control-allow-origin" not in foreign.headers
    anyone = served.request("cors-any.test", headers={"origin": "https://a.evil.test"})
    assert "access-control-allow-origin" in anyone.headers
    assert "access-control-allow-credentials" not in anyone.headers


def test_canaries(served: Gateway) -> None:
    for headers, by in (
        ({"x-canary": "always"}, "blue"),
        ({"x-canary": "never", "cookie": "canary=always"}, "red"),
        ({"cookie": "a=b; canary=always; c=d"}, "blue"),
        ({"cookie": "xcanary=always"}, "red"),
        ({}, "red"),
    ):
        assert upstream(served, "by-header.test", headers=headers) == by, headers
    for host in ("by-value.test", "by-pattern.test"):
        assert upstream(served, host, headers={"x-canary": "blue"}) == "blue"
        assert upstream(served, host, headers={"x-canary": "always"}) == "red"
    shares = Counter(upstream(served, "by-weight.test") for _ in range(30))
    assert 1 <= shares["blue"] <= 24, shares
    assert upstream(served, "by-nothing.test") == "red"


def test_protocols(served: Gateway, called: H2cUpstream) -> None:
    assert served.request("https.test").json()["tls"]
    assert NAMES_ASKED == ["red.test"]
    assert status(served, "grpc.test") == 200


def test_passthrough(served: Gateway) -> None:
    answer = served.request("red.test", tls=True, sni="passed.test")
    assert answer.json()["tls"], "by the service, which ends TLS"
    assert status(served, "passed.test") == 503, "which speaks nothing else"


def test_timeouts(served: Gateway, red: HttpUpstream) -> None:
    red.delay = 30
    assert status(served, "slow.test", timeout=60) == 504, "in a second: it would be a 200 later"
    red.delay = 1.5
    assert status(served, "told.test") == 200


def test_tries(served: Gateway, red: HttpUpstream) -> None:
    red.failures = 2
    assert status(served, "tried.test") == 200
    red.failures = 1
    assert status(served, "once.test") == 503


def test_affinity(served: Gateway) -> None:
    first = served.request("sticky.test")
    cookie = first.headers["set-cookie"]
    assert cookie.startswith("pod=")
    assert "SameSite=Lax" in cookie
    kept = served.request("kept.test").headers["set-cookie"]
    assert kept.startswith("INGRESSCOOKIE=")
    assert all(word in kept for word in ("Path=/shop", "Max-Age=60", "Secure", "Domain=kept.test"))
    assert "Max-Age=70" in served.request("expiring.test").headers["set-cookie"]
    headers = {"cookie": cookie.partition(";")[0]}
    assert {upstream(served, "sticky.test", headers=headers) for _ in range(6)} == {first.json()["upstream"]}


def test_hashing(served: Gateway) -> None:
    # Where each goes is by chance, with the ports: six would all go to one endpoint in one run of thirty.
    names = map(str, range(20))
    users = {user: {upstream(served, "hashed.test", headers={"x-user": user}) for _ in range(2)} for user in names}
    assert all(len(found) == 1 for found in users.values())
    assert set.union(*users.values()) == {"red", "blue"}
    assert {upstream(served, "busy.test") for _ in range(12)} == {"red", "blue"}


def test_body_size(served: Gateway) -> None:
    def sent(size: int, **headers: str) -> httpx.Response:
        return served.request("small.test", method="POST", content=b"x" * size, headers=headers)

    assert sent(1024).status_code == 200
    assert sent(1025).status_code == 413
    assert sent(1025, upgrade="websocket").status_code == 413, "a header alone opens no way round"
    other = served.request("told.test", method="POST", content=b"x" * 2048)
    assert (other.status_code, len(other.json()["body"])) == (200, 2048), "what is said of one holds for one"


def test_rates(served: Gateway) -> None:
    """A burst and one more; a minute is long enough for any machine."""
    answers = [status(served, "by-minute.test") for _ in range(4)]
    assert answers == [200, 200, 503, 503]
    with httpx.Client() as client:
        url, headers = f"http://127.0.0.1:{served.http_port}/", {"host": "rated.test"}
        answered = Counter(client.get(url, headers=headers).status_code for _ in range(60))
    assert answered[200] >= 3
    assert answered[503] > 0


def test_aliases(served: Gateway) -> None:
    assert [status(served, name) for name in ("alias.test", "x.alias.test", "x.y.alias.test")] == [200, 200, 404]
    told(served, "aliased", "is no hostname")


def test_what_is_not_served_is_told_with_the_way_to_say_it(served: Gateway) -> None:
    assert "limit-rps" in told(served, "told", 'nginx.ingress.kubernetes.io/limit-connections"')[1]
    assert "as they come" in told(served, "told", "proxy-buffering")[1]
    assert "no annotation that is known" in told(served, "told", "no-such")[1]
    assert "true or false" in told(served, "told", "ssl-redirect")[1]
