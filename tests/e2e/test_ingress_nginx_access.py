"""Who gets in by the annotations of ingress-nginx: asked of a real Envoy with few routes, and of one with an index."""

import base64
import hashlib
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from tests.support.certificates import Pair, authority, two_authorities, unverified
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.ingresses import backing, ingress, ingress_class, path, rule, told
from tests.support.objects import tls_secret
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

ROOT, BELOW = two_authorities("Chained")
WHO = "http://who.default.svc.cluster.local"


class Asked(HttpUpstream):
    """Answers what a request's header `x-answer` says, else 401, with what it says of the user and two cookies.

    Its answer has as many bytes as `x-size` says.
    """

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        await super()._answer(request)
        status = int(request.headers.get("x-answer", "401"))
        headers = {"x-user": "ann", "www-authenticate": 'Bearer realm="who"', "authorization": "Bearer token"}
        answer = web.Response(status=status, headers=headers, body=b"x" * int(request.headers.get("x-size", "0")))
        answer.headers.extend([("set-cookie", "one=1"), ("set-cookie", "two=2")])
        if status in {302, 307}:
            answer.headers["location"] = "https://elsewhere.test/"
        return answer


def one(name: str, to: str = "red", /, **nginx: str) -> str:
    """An Ingress for the host of its name; in the names of annotations `_` stands for `-`."""
    said = {key.replace("_", "-"): value for key, value in nginx.items()}
    return ingress(name, rule(f"{name}.test", path("/", to)), nginx=said)


def _asking(port: int) -> str:
    asks = {"auth_url": f"{WHO}/verify?of=$host&uri=$escaped_request_uri"}
    return (
        one("asked", auth_response_headers="X-User, X-Group", **asks)
        + one("by-post", auth_method="POST", auth_request_redirect="https://$http_host/back", **asks)
        + one("sign-in", auth_signin="https://login.test/start", **asks)
        + one("sign-in-param", auth_signin="https://$host/start?a=b", auth_signin_redirect_param="next", **asks)
        + one("sign-in-said", auth_signin="https://login.test/start?rd=$escaped_request_uri", **asks)
        + one("always", auth_always_set_cookie="true", **asks)
        + one("by-address", auth_url="http://127.0.0.1:8877/")
        + one("by-local-name", auth_url=f"http://who.localhost:{port}/")
        + one("by-variable", auth_url="https://$host/oauth2/auth")
        + one("nobody", auth_url="http://missing.default.svc.cluster.local/")
        + one("no-pods", auth_url="http://empty.default.svc/")
        + one("by-wrong-method", auth_method="SHOUT", **asks)
        + one("with-wrong-header", auth_response_headers="Host", **asks)
        + one("mirrored", mirror_target="http://blue.default.svc$request_uri", mirror_host="copy.test")
        + one("mirrored-elsewhere", mirror_target="http://blue.default.svc/fixed")
        + one("mirrored-without", mirror_target="http://blue.default.svc", mirror_request_body="off")
    )


def htpasswd() -> str:
    """Ann's password is `let me in` by apr1, Bob's by SHA, Cid's by SSHA, Dan's by bcrypt."""
    digest = base64.b64encode(hashlib.sha1(b"let me in").digest()).decode()
    salted = base64.b64encode(hashlib.sha1(b"let me insalt").digest() + b"salt").decode()
    apr1 = "$apr1$eWTxv7s1$WcVRsPMz5TEYm2sxV477R1"
    return f"ann:{apr1}\nbob:{{SHA}}{digest}\ncid:{{SSHA}}{salted}\ndan:$2y$05$bBlzpVMKOWSbGcRwT1AvYe\n"


def passwords(name: str, text: str) -> str:
    """A Secret with a file of passwords."""
    data = {"auth": base64.b64encode(text.encode()).decode()}
    made = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "default"}, "data": data}
    return json.dumps(made) + "\n---\n"


def _guarded() -> str:
    basic = {"auth_type": "basic"}
    return (
        passwords("users", htpasswd())
        + passwords("broken-users", "nonsense")
        + one("guarded", auth_secret="users", auth_realm='The "shop"', **basic)
        + one("guarded-too", auth_secret="default/users", auth_url=f"{WHO}/verify", **basic)
        + one(
            "guarded-by-token",
            auth_secret="users",
            auth_url=f"{WHO}/verify",
            auth_response_headers="Authorization",
            **basic,
        )
        + one("any-in", whitelist_source_range="127.0.0.0/8", satisfy="any", auth_secret="users", **basic)
        + one("any-out", whitelist_source_range="10.0.0.0/8", satisfy="any", auth_secret="users", **basic)
        + one("any-denied", denylist_source_range="127.0.0.1", satisfy="any", auth_secret="users", **basic)
        + one("any-asked", satisfy="any", auth_secret="users", auth_url=f"{WHO}/verify", **basic)
        + one("all-out", whitelist_source_range="10.0.0.0/8", satisfy="all", auth_secret="users", **basic)
        + one("any-broken", whitelist_source_range="127.0.0.0/8", satisfy="any", auth_secret="missing", **basic)
        + one("guarded-digest", auth_type="digest", auth_secret="users")
        + one("guarded-by-nothing", **basic)
        + one("guarded-by-missing", auth_secret="missing", **basic)
        + one("guarded-by-broken", auth_secret="broken-users", **basic)
        + one("guarded-by-others", auth_secret="other/users", **basic)
        + one("guarded-by-map", auth_secret="users", auth_secret_type="auth-map", **basic)
    )


def _shown() -> str:
    asks = {"auth-tls-secret": "default/clients"}
    secure = [{"hosts": ["shown.test"], "secretName": "shown"}]
    texts = ingress(
        "shown",
        rule("shown.test", path("/", "red")),
        tls=secure,
        nginx={**asks, "auth-tls-pass-certificate-to-upstream": "true"},
    )
    texts += ingress("beside", rule("shown.test", path("/beside", "blue")), nginx={"ssl-redirect": "false"})
    for name, mode in {"may-show": "optional", "shows-any": "optional_no_ca", "shows-none": "off"}.items():
        said = {**asks, "auth-tls-verify-client": mode, "auth-tls-verify-depth": "0", "ssl-redirect": "false"}
        texts += ingress(name, rule(f"{name}.test", path("/", "red")), nginx=said)
    for name, most in (("deep", ""), ("too-deep", "0")):  # between a client and the CA there is another
        said = {"auth-tls-secret": "default/root", "auth-tls-verify-depth": most}
        texts += ingress(name, rule(f"{name}.test", path("/", "red")), nginx=said)
    # A star's certificate, and names below it: one whose clients show certificates, one without a word.
    wide = [{"hosts": ["*.wide.test"], "secretName": "wide"}]
    texts += ingress(
        "wide", rule("*.wide.test", path("/", "blue")), rule("plain.wide.test", path("/", "blue")), tls=wide
    )
    texts += ingress("narrow", rule("narrow.wide.test", path("/", "red")), nginx=asks)
    # A star whose clients show certificates, where a younger Ingress of anybody has a certificate for a name below it.
    texts += ingress("starred", rule("*.starred.test", path("/", "red")), nginx=asks)
    under = [{"hosts": ["x.starred.test"], "secretName": "shown"}]
    texts += ingress("any-host", rule(None, path("/any", "blue")), tls=under, created="2030-01-01T00:00:00Z")
    texts += ingress("below", rule("below.starred.test", path("/", "blue")), created="2030-01-01T00:00:00Z")
    old, young = "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"
    texts += ingress("victim", rule("victim.test", path("/", "red")), created=old)
    intruding = rule("victim.test", path("/intruder", "red"))
    texts += ingress(
        "intruder", intruding, namespace="other", created=young, nginx={"auth-tls-secret": "other/clients"}
    )
    broken = {"missing-ca": "missing", "others-ca": "other/clients"}
    for name, secret in broken.items():
        texts += ingress(name, rule(f"{name}.test", path("/", "red")), nginx={"auth-tls-secret": secret})
    texts += ingress("beside-broken", rule("missing-ca.test", path("/beside", "blue")))
    texts += one("by-cn", auth_tls_secret="default/clients", auth_tls_match_cn="CN=ann")
    texts += ingress("every", rule(None, path("/every", "red")), nginx=asks)
    return texts


def _certificates() -> str:
    shown, wide = authority().sign("shown.test"), authority().sign("*.wide.test")
    root = tls_secret("root", b"", b"", ca_crt=ROOT).replace("kubernetes.io/tls", "Opaque")
    clients = tls_secret("clients", b"", b"", ca_crt=authority("Clients").pair.certificate)
    clients = clients.replace("kubernetes.io/tls", "Opaque")
    return (
        tls_secret("shown", shown.certificate, shown.key)
        + tls_secret("wide", wide.certificate, wide.key)
        + root
        + clients
        + clients.replace('"namespace": "default"', '"namespace": "other"')
    )


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ssl.SSLContext]:
    """TLS of clients: with a certificate of the CA that is asked for, with one of another, with none."""
    folder = tmp_path_factory.mktemp("clients")
    made = {"nothing": unverified()}
    for name in ("Clients", "Strangers"):
        made[name] = unverified()
        made[name].load_cert_chain(*authority(name).client("ann").write(folder, name))
    return made


@pytest.fixture(scope="module")
def who() -> Iterator[Asked]:
    with Asked("who") as upstream:
        yield upstream


@pytest.fixture(scope="module", params=["few", "index"])
def served(request: pytest.FixtureRequest, red: HttpUpstream, blue: HttpUpstream, who: Asked) -> Iterator[Gateway]:
    made = Gateway(
        listeners=False, patience=180, environ={"DRAGOMAN_INDEX_FROM": "1"} if request.param == "index" else {}
    )
    made.apply("class", ingress_class())
    made.apply("services", backing("red", red.port) + backing("blue", blue.port) + backing("who", who.port))
    made.apply("empty", backing("empty"))
    made.apply("certificates", _certificates())
    made.apply("ingresses", _asking(who.port) + _guarded() + _shown() + one("open"))
    with made:
        made.wait_served("open.test")
        made.wait_served("asked.test", status=401)
        yield made


def seen_by(upstream: HttpUpstream, count: int) -> dict[str, Any]:
    """What was asked since then, which was one request."""
    [found] = upstream.seen[count:]
    return found


def test_asking(served: Gateway, who: Asked, red: HttpUpstream) -> None:
    before, reached = len(who.seen), len(red.seen)
    headers = {"x-answer": "202", "x-user": "mallory", "x-group": "wheel", "cookie": "a=b", "x-real-ip": "6.6.6.6"}
    answer = served.request("asked.test", "/x/y?q=1&r=a b", method="POST", content=b"body", headers=headers)
    assert answer.status_code == 200, "any 2xx is a yes"
    found = seen_by(who, before)
    assert (found["method"], found["host"]) == ("GET", "who.default.svc.cluster.local")
    assert found["path"] == "/verify?of=asked.test&uri=%2Fx%2Fy%3Fq%3D1%26r%3Da%20b".replace("%20b", "%2520b")
    said = found["headers"]
    assert said["x-original-url"] == "http://asked.test/x/y?q=1&r=a%20b"
    assert (said["x-original-method"], said["x-real-ip"], said["cookie"]) == ("POST", "127.0.0.1", "a=b")
    assert (said["x-sent-from"], said["x-auth-request-redirect"]) == ("nginx-ingress-controller", "/x/y?q=1&r=a%20b")
    assert "content-length" not in said or said["content-length"] == "0"
    assert "x-dragoman-scope" not in said
    to_service = seen_by(red, reached)
    assert (to_service["headers"]["x-user"], to_service["body"]) == ("ann", "body")
    assert "x-group" not in to_service["headers"], "nobody but who is asked can set it"


@pytest.mark.parametrize(
    ("said", "answered"), [("401", 401), ("403", 403), ("302", 500), ("404", 500), ("500", 500), ("503", 500)]
)
def test_refusals(served: Gateway, red: HttpUpstream, said: str, answered: int) -> None:
    before = len(red.seen)
    answer = served.request("asked.test", headers={"x-answer": said})
    assert answer.status_code == answered
    assert answer.headers.get("www-authenticate") == ('Bearer realm="who"' if said == "401" else None)
    assert "set-cookie" not in answer.headers
    assert "x-user" not in answer.headers
    assert len(red.seen) == before


def test_an_answer_may_have_a_mebibyte(served: Gateway, red: HttpUpstream) -> None:
    """It is held in memory: who is asked is anybody's service, and the gateway is everybody's."""
    before = len(red.seen)
    for size, answered in ((1_000_000, 200), (1_500_000, 500)):
        headers = {"x-answer": "200", "x-size": str(size)}
        assert served.request("asked.test", headers=headers).status_code == answered
    assert len(red.seen) == before + 1


def test_another_method_and_redirect(served: Gateway, who: Asked) -> None:
    before = len(who.seen)
    assert served.request("by-post.test", "/p", headers={"x-answer": "200"}).status_code == 200
    found = seen_by(who, before)
    assert (found["method"], found["headers"]["x-auth-request-redirect"]) == ("POST", "https://by-post.test/back")


def test_signing_in(served: Gateway) -> None:
    asked = {
        "sign-in": "https://login.test/start?rd=http://sign-in.test%2Fa%3Fb%3Dc",
        "sign-in-param": "https://sign-in-param.test/start?a=b&next=http://sign-in-param.test%2Fa%3Fb%3Dc",
        "sign-in-said": "https://login.test/start?rd=%2Fa%3Fb%3Dc",
    }
    for name, location in asked.items():
        answer = served.request(f"{name}.test", "/a?b=c")
        assert (answer.status_code, answer.headers["location"]) == (302, location)
        assert answer.headers.get_list("set-cookie") == ["one=1", "two=2"]
    assert served.request("sign-in.test", headers={"x-answer": "403"}).status_code == 403
    assert served.request("sign-in.test", headers={"x-answer": "200"}).status_code == 200


def test_cookies_of_who_is_asked(served: Gateway, red: HttpUpstream) -> None:
    def cookies(name: str) -> list[str]:
        return served.request(f"{name}.test", headers={"x-answer": "200"}).headers.get_list("set-cookie")

    assert cookies("asked") == cookies("always") == ["one=1", "two=2"]
    red.status = 404
    assert cookies("asked") == []
    assert cookies("always") == ["one=1", "two=2"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("by-address", "is the machine that Dragoman runs on"),
        ("by-local-name", "is the machine that Dragoman runs on"),
        ("by-variable", "must name the host as it is"),
        ("nobody", "does not exist"),
        ("by-wrong-method", "must be one of GET"),
        ("with-wrong-header", "must not be"),
        ("guarded-digest", "must be basic"),
        ("guarded-by-nothing", "is required"),
        ("guarded-by-missing", "does not exist"),
        ("guarded-by-broken", "line 1 must be a user, a colon, and a hash"),
        ("guarded-by-others", "must be a Secret of the namespace default"),
        ("guarded-by-map", "must be auth-file"),
        ("missing-ca", "does not exist, or holds no CA"),
        ("others-ca", "must be a Secret of the namespace default"),
        ("by-cn", "is not served"),
    ],
)
def test_what_cannot_be_asked_opens_nothing(served: Gateway, red: HttpUpstream, name: str, said: str) -> None:
    before = len(red.seen)
    headers = {"x-answer": "200", "authorization": basic("ann")}
    assert served.request(f"{name}.test", headers=headers).status_code == 503
    assert len(red.seen) == before
    told(served, name, said)


def test_one_is_enough(served: Gateway, red: HttpUpstream) -> None:
    """Of an address, a password and who is asked; what is broken opens nothing all the same."""
    right, wrong, let = {"authorization": basic("ann")}, {"authorization": basic("eve")}, {"x-answer": "200"}
    expected: list[tuple[str, dict[str, str], int]] = [
        *[("any-in", headers, 200) for headers in ({}, right, wrong)],
        *[(name, headers, 401) for name in ("any-out", "any-denied", "any-asked") for headers in ({}, wrong)],
        *[(name, right, 200) for name in ("any-out", "any-denied", "any-asked")],
        ("any-asked", let, 200),
        ("any-asked", {**wrong, "x-answer": "403"}, 401),
        ("any-asked", {"x-answer": "500"}, 500),
        ("all-out", right, 403),
        ("any-broken", right, 503),
    ]
    found = [
        (name, headers, served.request(f"{name}.test", headers=headers).status_code) for name, headers, _ in expected
    ]
    assert found == expected
    before = len(red.seen)
    served.request("any-in.test", headers=right)
    assert "authorization" not in seen_by(red, before)["headers"], "a password is nobody else's"


def test_nobody_answers(served: Gateway, red: HttpUpstream) -> None:
    before = len(red.seen)
    assert served.request("no-pods.test", headers={"x-answer": "200"}).status_code == 500
    assert len(red.seen) == before


def basic(user: str, password: str = "let me in") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("given", "answered"),
    [
        (None, 401),
        (basic("ann"), 200),
        (basic("bob"), 200),
        (basic("cid"), 200),
        (basic("dan"), 401),
        (basic("eve"), 401),
        (basic("ann", "let me"), 401),
        (basic("ann", ""), 401),
        (basic("ann", "x" * 300), 401),
        (basic("challenge"), 401),
        ("Basic " + base64.b64encode(b"ann").decode(), 401),
        ("Basic ####", 401),
        ("Bearer " + basic("ann").partition(" ")[2], 401),
    ],
)
def test_passwords(served: Gateway, given: str | None, answered: int) -> None:
    answer = served.request("guarded.test", headers={"authorization": given} if given else {})
    assert answer.status_code == answered
    if answered == 401:
        assert answer.headers["www-authenticate"] == 'Basic realm="The \\"shop\\""'


def test_services_do_not_see_passwords(served: Gateway, red: HttpUpstream, who: Asked) -> None:
    """A password is for the gateway; who is asked sees it, as in nginx, and may say what the service gets instead."""
    own, token = {"authorization": basic("ann"), "x-answer": "200"}, {"authorization": "Bearer own", "x-answer": "200"}
    for name, headers, asked, seen in (
        ("guarded", own, None, None),
        ("guarded-too", own, basic("ann"), None),
        ("guarded-by-token", own, basic("ann"), "Bearer token"),
        ("asked", token, "Bearer own", "Bearer own"),
    ):
        before, reached = len(who.seen), len(red.seen)
        assert served.request(f"{name}.test", headers=headers).status_code == 200
        assert seen_by(red, reached)["headers"].get("authorization") == seen
        assert [each["headers"].get("authorization") for each in who.seen[before:]] == ([asked] if asked else [])


def test_a_password_and_who_is_asked(served: Gateway) -> None:
    told(served, "guarded", "'dan' cannot get in")
    for given, said, answered in ((None, "200", 401), (basic("bob"), "403", 403), (basic("bob"), "200", 200)):
        headers = {"x-answer": said, **({"authorization": given} if given else {})}
        assert served.request("guarded-too.test", headers=headers).status_code == answered


def test_mirrors(served: Gateway, blue: HttpUpstream) -> None:
    before = len(blue.seen)
    assert served.request("mirrored.test", "/x?y", method="POST", content=b"body").json()["upstream"] == "red"
    assert served.request("mirrored-elsewhere.test").status_code == 200
    assert served.request("mirrored-without.test").status_code == 200
    # Nobody waits for a copy, neither the client nor the answer.
    wait_until(lambda: any("body" in each for each in blue.seen[before:]), what="a copy, with its body")
    found = seen_by(blue, before)
    assert (found["path"], found["host"], found["body"]) == ("/x?y", "copy.test", "body")
    told(served, "mirrored-elsewhere", "must have nothing behind the host")
    told(served, "mirrored-without", "nothing is copied")


Contexts = dict[str, ssl.SSLContext]


def answer_of(served: Gateway, contexts: Contexts, host: str, shown: str, asked: str = "/", **more: str) -> int | None:
    """The status for who shows a certificate in TLS; None: there is no connection."""
    try:
        return served.request(host, asked, tls=True, context=contexts[shown], **more).status_code  # type: ignore[arg-type]
    except httpx.TransportError:
        return None


@pytest.mark.parametrize(
    ("host", "nothing", "strangers", "clients"),
    [
        ("shown.test", None, None, 200),
        ("may-show.test", 200, None, 200),
        ("shows-any.test", 200, 200, 200),
        ("shows-none.test", 200, 200, 200),
        ("narrow.wide.test", None, None, 200),
        ("x.wide.test", 200, 200, 200),
        ("plain.wide.test", 200, 200, 200),
        ("a.starred.test", None, None, 200),
        ("x.starred.test", None, None, 200),
        ("below.starred.test", 200, 200, 200),
        ("victim.test", 200, 200, 200),
    ],
)
def test_client_certificates(
    served: Gateway, contexts: Contexts, host: str, nothing: int | None, strangers: int | None, clients: int | None
) -> None:
    found = {name: answer_of(served, contexts, host, name) for name in contexts}
    assert found == {"nothing": nothing, "Strangers": strangers, "Clients": clients}


def test_how_many_authorities_may_stand_between(served: Gateway, contexts: Contexts, tmp_path: Path) -> None:
    """One, unless another number is said, as in nginx."""
    pair = BELOW.client("ann")
    whole = Pair(pair.certificate + BELOW.pair.certificate, pair.key)
    shown = unverified()
    shown.load_cert_chain(*whole.write(tmp_path, "chained"))
    found = {name: answer_of(served, {"chained": shown}, f"{name}.test", "chained") for name in ("deep", "too-deep")}
    assert found == {"deep": 200, "too-deep": None}


def test_a_connection_for_another_name_reaches_nobody(served: Gateway, contexts: Contexts, red: HttpUpstream) -> None:
    """What one name asks of its clients is not got round by the connection of another."""
    before = len(red.seen)
    for sni in ("open.test", "x.wide.test", "below.starred.test", "shows-none.test", "nobody.test"):
        for host in ("shown.test", "narrow.wide.test", "a.starred.test"):
            assert answer_of(served, contexts, host, "nothing", sni=sni) in {421, 404, 200}
    assert len(red.seen) == before, "blue has what is nobody's alone"


def test_services_see_who_shows_what(served: Gateway, contexts: Contexts) -> None:
    spoofed = {"ssl-client-verify": "SUCCESS", "ssl-client-subject-dn": "CN=root", "ssl-client-cert": "x"}
    seen = served.request("shown.test", tls=True, context=contexts["Clients"], headers=spoofed).json()["headers"]
    assert (seen["ssl-client-verify"], seen["ssl-client-subject-dn"]) == ("SUCCESS", "CN=ann")
    assert seen["ssl-client-issuer-dn"] == "CN=Clients"
    assert seen["ssl-client-cert"].startswith("-----BEGIN%20CERTIFICATE-----")
    seen = served.request("may-show.test", tls=True, context=contexts["nothing"], headers=spoofed).json()["headers"]
    assert not [name for name in seen if name.startswith("ssl-client-")]


def test_clear_text_lets_nobody_in_where_certificates_are_shown(served: Gateway, contexts: Contexts) -> None:
    claims = {"x-forwarded-proto": "https"}
    for host, asked in (
        ("shown.test", "/"),
        ("shown.test", "/beside"),
        ("may-show.test", "/"),
        ("a.starred.test", "/"),
    ):
        answer = served.request(host, asked, headers=claims)
        assert (answer.status_code, answer.headers["location"]) == (308, f"https://{host}{asked}")
    assert served.request("shows-none.test").status_code == 200
    assert answer_of(served, contexts, "shown.test", "nothing", "/beside") is None, "it is of the whole host"


def test_what_clients_show_is_asked_for_by_whose_the_host_is(served: Gateway, contexts: Contexts) -> None:
    assert served.request("victim.test", "/intruder").status_code == 503
    told(served, "intruder", "is that of Ingress default/victim already", namespace="other")
    assert served.request("missing-ca.test", "/beside").status_code == 503
    assert served.request("whatever.test", "/every").status_code == 503
    told(served, "every", "wants a host")
