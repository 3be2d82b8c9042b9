"""Headers that services believe as a proxy's word, although a client wrote them: they do not come in.

They say how and where a request came in, from whom, with which certificate or as which user. Envoy passes on nearly
all of them as they are; what it makes itself (x-forwarded-for, -proto and -client-cert, x-request-id, some of x-envoy)
it looks after. They are taken away before anything looks at a request, so that no route, filter or format sees them
either, and what a Mapping adds is a proxy's word again.

Where another proxy is trusted they are that one's affair: all of them stay, as x-forwarded-for does.
"""

from collections.abc import Iterable
from typing import Final

from envoyapi.config_common_mutation_rules_v3 import HeaderMutation, HeaderMutationRemoveOnMatch
from envoyapi.config_core_v3 import TypedExtensionConfig
from envoyapi.http_early_header_mutation_header_mutation_v3 import HeaderMutation as EarlyHeaderMutation
from envoyapi.type_matcher_v3 import RegexMatcher, StringMatcher
from envoyapi.wire import any_of

MADE_BY_ENVOY: Final = ("client-cert", "for", "proto")
"""The x-forwarded headers that Envoy looks after."""

_NAMES: Final = """
forwarded x-forwarded
x-original-host x-original-method x-original-port x-original-proto x-original-scheme x-original-uri x-original-url
x-original-forwarded-for x-rewrite-url x-host x-http-host-override x-http-destinationurl x-script-name
x-scheme x-url-scheme front-end-https x-arr-ssl wl-proxy-ssl cf-visitor cloudfront-forwarded-proto
https x-https x-ssl x-proto x-forward-proto
client-ip x-client-ip true-client-ip x-real-ip x-real-port x-cluster-client-ip x-originating-ip x-proxyuser-ip
proxy-client-ip wl-proxy-client-ip cf-connecting-ip cf-connecting-ipv6 cf-pseudo-ipv4 cf-ipcountry fastly-client-ip
x-forward-for x-http-forwarded-for x-original-for x-true-client-ip fly-client-ip do-connecting-ip
x-nf-client-connection-ip x-vercel-forwarded-for cloudfront-viewer-address
x-azure-clientip x-azure-socketip x-appengine-user-ip x-arr-clientcert x-client-dn x-client-verify
remote-addr remote-user remote-groups remote-email remote-name proxy
"""
NAMES: Final = tuple(_NAMES.split())

PREFIXES: Final = (
    "cf-access-authenticated-user-",
    "client-cert",
    "fly-forwarded-",
    "forwarded-",
    "ssl-client-",
    "x-amzn-mtls-",
    "x-amzn-oidc-",
    "x-auth-request-",
    "x-client-cert",
    "x-envoy-",
    "x-forwarded-",
    "x-goog-authenticated-user-",
    "x-ms-client-principal",
    "x-remote-",
    "x-ssl-",
    "x-tls-client-",
    "x-webauth-",
)
"""What begins so, but for MADE_BY_ENVOY."""


def removal() -> TypedExtensionConfig:
    """What an HTTP connection manager that trusts no proxy does with a request before all else."""
    keys = [StringMatcher(safe_regex=RegexMatcher(regex=regex)) for regex in EXPRESSIONS]
    removed = [HeaderMutation(remove_on_match=HeaderMutationRemoveOnMatch(key_matcher=key)) for key in keys]
    return TypedExtensionConfig(
        name="envoy.http.early_header_mutation.header_mutation",
        typed_config=any_of(EarlyHeaderMutation(mutations=removed)),
    )


def _spelled(name: str) -> str:
    return name.replace("-", "[-_]")


def all_but(words: Iterable[str]) -> str:
    """A regular expression for every text but these, of letters and `-`: RE2 has no other way to say "not"."""
    given = frozenset(words)
    first = sorted({word[0] for word in given if word})
    if not first:
        return ".+" if given else ".*"
    found = [f"{each}{all_but(word[1:] for word in given if word.startswith(each))}" for each in first]
    other = f"[^{''.join(sorted(first, key='-'.__eq__))}].*"
    return f"(?:{'|'.join([*found, other])}){'' if '' in given else '?'}"


_SPARED: Final = "x-forwarded-"

EXPRESSIONS: Final = (
    "|".join(_spelled(name) for name in NAMES),
    "|".join(
        [
            *(f"{_spelled(prefix)}.*" for prefix in PREFIXES if prefix != _SPARED),
            f"{_SPARED}{all_but(MADE_BY_ENVOY)}",
            "x(?:_forwarded[-_]|-forwarded_).*",
        ]
    ),
)
"""Regular expressions for the names, which Envoy has in lower case; each small enough for it.

`_` counts as `-`, where a Module lets it through: to gateway interfaces such as CGI and WSGI they are the same. So what
Envoy makes itself is left alone only in its own spelling.
"""
