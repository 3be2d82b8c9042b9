"""ingress-nginx's annotations: the page about them, and texts that anybody may write into them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.nginx_page import PAGE, written
from tests.support.part import ROOT
from translator import ir
from translator.ingress.nginx import GROUPS, NAMES, treatment_of
from translator.ingress.nginx.part import PREFIX
from translator.ingress.nginx.treatment import Treatment, Url

TEXTS = st.one_of(
    st.sampled_from(
        ["true", "false", "cookie", "5", "-1", "1k", "/x/$1", "https://a.test$request_uri", "HTTPS", "(", "a,b"]
    ),
    st.text(max_size=30),
)


def treated(**said: str) -> tuple[Treatment, list[str]]:
    """What annotations make, and what is told of them; in their names `_` stands for `-`."""
    treatment, problems = treatment_of({PREFIX + name.replace("_", "-"): text for name, text in said.items()})
    return treatment, [problem.message for problem in problems]


def test_the_page_is_what_the_code_does() -> None:
    page = PAGE.read_text()
    assert page == written(page), "python -m tests.support.nginx_page writes it"


@pytest.mark.parametrize("name", sorted(name for name, each in NAMES.items() if not each.instead))
def test_what_is_served_names_the_test_that_proves_it(name: str) -> None:
    file, _, test = NAMES[name].proof.partition("::")
    text = (ROOT / file).read_text()
    assert f"def {test}(" in text
    assert name in text or name.replace("-", "_") in text, f"{name} is not in {file}"


def test_each_annotation_is_of_one_group() -> None:
    assert len(NAMES) == sum(len(group.annotations) for group in GROUPS)


@given(st.dictionaries(st.sampled_from(sorted(NAMES)), TEXTS, max_size=6))
def test_any_text_is_a_treatment_or_told(said: dict[str, Any]) -> None:
    treatment, problems = treatment_of({PREFIX + name: text for name, text in said.items()})
    assert bool(treatment.shut) == any(problem.stops for problem in problems)
    unserved = {name for name in said if NAMES[name].instead}
    assert unserved <= {problem.path.partition(PREFIX)[2].rstrip('"]') for problem in problems}


@pytest.mark.parametrize(
    "said",
    [
        {"whitelist_source_range": "1.2.3.4/33"},
        {"whitelist_source_range": " "},
        {"allowlist_source_range": "host.test"},
        {"denylist_source_range": "x"},
        {"whitelist_source_range": "0.0.0.0/0", "allowlist_source_range": "10.0.0.0/8"},
        {"auth_url": "http://$host/"},
        {"auth_url": "ftp://auth.test/"},
        {"auth_url": "http://auth.test:0/"},
        {"auth_url": "http://auth.test/?x=$cookie_a"},
        {"auth_url": "http://auth.test/", "auth_method": "CONNECT"},
        {"auth_url": "http://auth.test/", "auth_response_headers": "X-User, Content-Length"},
        {"auth_url": "http://auth.test/", "auth_response_headers": "x-dragoman-scope"},
        {"auth_url": "http://auth.test/", "ssl_passthrough": "true"},
        {"auth_url": ""},
        {"auth_type": "basic"},
        {"auth_type": "digest", "auth_secret": "users"},
        {"auth_type": "basic", "auth_secret": "users", "ssl_passthrough": "true"},
        {"auth_type": "basic", "auth_secret": "users", "auth_secret_type": "auth-map"},
        {"auth_tls_secret": ""},
        {"auth_tls_secret": "a/b", "auth_tls_verify_client": "perhaps"},
        {"auth_tls_secret": "a/b", "auth_tls_match_cn": "CN=ann"},
        {"auth_tls_secret": "a/b", "ssl_passthrough": "true"},
        {"server_snippet": "location /admin { deny all; }"},
        {"permanent_redirect": "nowhere"},
        {"permanent_redirect": "https://a.test/$host"},
        {"rewrite_target": "/../$1"},
        {"rewrite_target": "http://a.test/"},
        {"upstream_vhost": "$host"},
        {"backend_protocol": "AJP"},
        {"ssl_passthrough": "true", "whitelist_source_range": "10.0.0.0/8"},
        {"ssl_passthrough": "true", "denylist_source_range": "10.0.0.0/8"},
        {"enable_modsecurity": "1"},
        {"configuration_snippet": "rewrite_by_lua_block { ngx.exit(403) }"},
        {"server_snippet": "ssl_client_certificate /ca.pem; ssl_verify_client on;"},
        {"server_snippet": "include /etc/nginx/denied.conf;"},
        {"modsecurity_snippet": "SecRuleEngine On"},
    ],
)
def test_what_is_wrong_opens_nothing(said: dict[str, str]) -> None:
    treatment, told = treated(**said)
    assert treatment.shut
    assert told[0].endswith("answered 503 until it is mended")


@pytest.mark.parametrize("text", ['more_set_headers "X-A: 1";', "proxy_cache_valid 200 1m;", "SecRuleEngine Off"])
def test_a_harmless_snippet_is_told_and_nothing_else(text: str) -> None:
    treatment, told = treated(configuration_snippet=text)
    assert treatment == Treatment()
    assert "snippets are never run" in told[0]


def test_redirects_name_all_of_a_url() -> None:
    treatment, _ = treated(permanent_redirect="https://A.test:8443/x?y=1", permanent_redirect_code="308")
    assert treatment.redirect == ir.Redirect(
        "https", "a.test", 8443, ir.Rewrite("whole", "/x?y=1"), 308, strip_query=True
    )
    treatment, _ = treated(temporal_redirect="https://a.test$request_uri")
    assert treatment.redirect == ir.Redirect("https", "a.test", code=302)


@pytest.mark.parametrize("name", ["permanent_redirect", "temporal_redirect", "rewrite_target", "canary", "app_root"])
def test_what_is_empty_says_nothing(name: str) -> None:
    assert treated(**{name: " "}) == (Treatment(), [])


@pytest.mark.parametrize("text", ["0" * 5_000, "0" * 20 + "9" * 10, "9" * 30, "-", "+5", "5s", "\N{SUPERSCRIPT TWO}"])
def test_what_is_no_number_in_bounds_is_told(text: str) -> None:
    treatment, told = treated(limit_rps=text)
    assert treatment == Treatment()
    assert "must be a whole number" in told[0]
    assert len(told[0]) < 200


@pytest.mark.parametrize(("text", "is_canary"), [("1", True), ("t", True), ("TRUE", True), ("0", False), ("F", False)])
def test_yes_and_no_are_what_they_are_to_go(text: str, is_canary: bool) -> None:
    treatment, told = treated(canary=text)
    assert ((treatment.canary is not None), told) == (is_canary, [])


def test_the_name_of_a_cookie_keeps_its_case() -> None:
    treatment, _ = treated(upstream_hash_by="$cookie_JSESSIONID")
    assert treatment.hashed is not None
    assert treatment.hashed.name == "JSESSIONID"


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("http://auth.test", Url("http", "auth.test", 80, "/")),
        (
            "https://AUTH.test.:8443/a?b=$escaped_request_uri",
            Url("https", "auth.test", 8443, "/a?b=$escaped_request_uri"),
        ),
        ("http://[2001:db8::1]:81/x", Url("http", "2001:db8::1", 81, "/x")),
        ("http://auth.test?a=b", Url("http", "auth.test", 80, "/?a=b")),
    ],
)
def test_who_is_asked_is_named_by_a_url(said: str, url: Url) -> None:
    treatment, told = treated(auth_url=said)
    assert told == []
    assert treatment.authorization is not None
    assert treatment.authorization.url == url


@pytest.mark.parametrize(
    ("said", "becomes"),
    [
        ("https://a.test/s", "https://a.test/s?rd=$scheme://$http_host$escaped_request_uri"),
        ("https://a.test/s?", "https://a.test/s?rd=$scheme://$http_host$escaped_request_uri"),
        ("https://a.test/s?x=1", "https://a.test/s?x=1&rd=$scheme://$http_host$escaped_request_uri"),
        ("https://a.test/s?x=1&rd=/", "https://a.test/s?x=1&rd=/"),
        ("/sign_in?ord=1", "/sign_in?ord=1&rd=$scheme://$http_host$escaped_request_uri"),
        ("javascript:alert(1)", ""),
        ("https://a.test/$secret", ""),
    ],
)
def test_where_to_sign_in_says_where_to_go_afterwards(said: str, becomes: str) -> None:
    treatment, told = treated(auth_url="http://auth.test", auth_signin=said)
    assert treatment.authorization is not None
    assert (treatment.authorization.sign_in, bool(told)) == (becomes, not becomes)
    assert not treatment.shut, "it stays a refusal"


@pytest.mark.parametrize(
    ("said", "host"), [("https://b.test$request_uri", "b.test"), ("http://b.test:8080/$request_uri", "b.test")]
)
def test_copies_go_to_a_url(said: str, host: str) -> None:
    treatment, told = treated(mirror_target=said)
    assert told == []
    assert treatment.copies is not None
    assert treatment.copies.host == host


@pytest.mark.parametrize("text", ["", "nowhere", "https://$host/"])
def test_a_target_of_copies_that_is_none_copies_nothing(text: str) -> None:
    treatment, told = treated(mirror_target=text)
    assert treatment == Treatment()
    assert bool(told) == bool(text)
