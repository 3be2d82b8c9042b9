"""Mapping: which requests go where."""

from collections import abc
from collections.abc import Iterable
from dataclasses import field
from operator import attrgetter
from typing import ClassVar, Final

from translator.checks import (
    HOST_SCHEMA,
    LONGEST_DURATION,
    MOST_REGEXES,
    HeaderName,
    Milliseconds,
    Percent,
    PlainText,
    QueryName,
    Regex,
    RewrittenPath,
    path_prefix,
    regex,
    token,
)
from translator.decode import Invalid, Problem, Sort, Validation, join, quote, rule, step
from translator.dot_segments import WRONG_IN_A_REWRITE
from translator.emissary.fields.redirect import Code, Paths
from translator.emissary.fields.rewrite import RegexSubstitution
from translator.emissary.hostnames import mapping_hostname
from translator.emissary.pitfalls import (
    is_plain_hostname,
    is_plain_path,
    of_hostname,
    of_path,
    of_path_regex,
    of_regex,
    of_retries,
)
from translator.emissary.service_names import service as readable
from translator.fields.cors import Cors
from translator.fields.error_overrides import ErrorOverrides
from translator.fields.header_edits import AddedHeaders, RemovedHeaders
from translator.fields.health_checks import HealthCheck, health_problems
from translator.fields.labels import Labels
from translator.fields.load_balancer import LoadBalancer
from translator.fields.outlier_detection import OutliersGiven
from translator.fields.priority import Priority
from translator.fields.retry_policy import RetryPolicy
from translator.fields.shadow import WITHOUT_EFFECT, shadow_problems
from translator.fields.upgrades import Protocol
from translator.fields.upstream import (
    Breakers,
    DnsType,
    KeepaliveSpec,
    Lifetime,
    StatsNameText,
    family_problems,
)
from translator.values import sparse

AUTHORITY = ":authority"


@sparse(frozen=True, kw_only=True)
class MappingSpec:
    """A rule of routing: requests that match it go to its service."""

    SILENT: ClassVar[frozenset[str]] = frozenset({"v2ExplicitTLS", "v2BoolHeaders", "v2BoolQueryParameters"})
    VALIDATIONS: ClassVar[tuple[Validation, ...]] = (
        Validation(
            r"has(self.prefix_regex) && self.prefix_regex || !self.prefix.matches(r'[\s\x00-\x1f\x7f?#]')",
            "prefix must not contain a query, a fragment, white space or control characters",
            touched=("prefix", "prefix_regex"),
        ),
        Validation(
            "!has(self.host) || !self.host.contains('*') || has(self.hostname) && self.hostname != ''"
            " || has(self.host_regex) && self.host_regex",
            "host must not hold *: use hostname",
            touched=("host", "hostname", "host_regex"),
        ),
        Validation(
            "!has(self.method) || self.method == '' || has(self.method_regex) && self.method_regex"
            """ || self.method.matches(r"^[-!#$%&'*+.^_`|~0-9A-Za-z]+$")""",
            "method must be a method of HTTP, such as GET",
            touched=("method", "method_regex"),
        ),
        *(
            Validation(
                f"!has(self.{name}) || !self.{name}.matches(r'{WRONG_IN_A_REWRITE}')",
                f"{name} must not hold . or .. as a part of the path, nor end inside an escape",
                touched=(name,),
            )
            for name in ("rewrite", "path_redirect", "prefix_redirect")
        ),
    )

    prefix: str = field(metadata=rule("What the path begins with."))
    prefix_exact: bool = field(default=False, metadata=rule("`prefix` is the whole path."))
    prefix_regex: bool = field(default=False, metadata=rule("`prefix` is a regular expression for the whole path."))
    case_sensitive: bool = field(default=True, metadata=rule("Whether the case of the path counts."))
    hostname: str | None = field(
        default=None,
        metadata=rule(
            "The host that is asked for; `*` may stand alone, begin or end it.",
            check=mapping_hostname,
            schema=HOST_SCHEMA,
        ),
    )
    host: PlainText | None = field(default=None, metadata=rule("Older name of hostname, without `*`."))
    host_regex: bool = field(default=False, metadata=rule("`host` is a regular expression."))
    headers: abc.Mapping[HeaderName, PlainText] | None = field(
        default=None, metadata=rule("Headers that must have these values.")
    )
    regex_headers: abc.Mapping[HeaderName, Regex] | None = field(
        default=None,
        metadata=rule("Headers whose whole values must match these regular expressions.", max_size=MOST_REGEXES),
    )
    method: PlainText | None = field(default=None, metadata=rule("The method, such as GET."))
    method_regex: bool = field(default=False, metadata=rule("`method` is a regular expression."))
    query_parameters: abc.Mapping[QueryName, PlainText] | None = field(
        default=None, metadata=rule("Query parameters that must have these values.")
    )
    regex_query_parameters: abc.Mapping[QueryName, Regex] | None = field(
        default=None,
        metadata=rule("Query parameters whose whole values must match; `.*` for any.", max_size=MOST_REGEXES),
    )
    precedence: int = field(default=0, metadata=rule("Larger goes first, whatever else is matched."))

    service: str = field(metadata=rule("Where requests go: `[scheme://]host[:port]`.", min_size=1, check=readable))
    resolver: PlainText | None = field(
        default=None, metadata=rule("The resolver that finds the service's endpoints; the Module's when absent.")
    )
    tls: PlainText | None = field(default=None, metadata=rule("The TLSContext to speak TLS to the service with."))
    weight: Percent | None = field(
        default=None, metadata=rule("The share of requests, in percent, among Mappings alike.")
    )
    grpc: bool = field(default=False, metadata=rule("The service speaks HTTP/2, as gRPC does."))
    connect_timeout_ms: int | None = field(
        default=None,
        metadata=rule(
            "How long a connection to the service may take; 3000 when absent.", minimum=1, maximum=LONGEST_DURATION
        ),
    )
    cluster_tag: PlainText = field(default="", metadata=rule("Keeps this service's cluster apart from others like it."))
    circuit_breakers: Breakers | None = field(
        default=None, metadata=rule("How much the service is asked at once; the Module's when absent.")
    )
    keepalive: KeepaliveSpec | None = field(
        default=None, metadata=rule("TCP's questions to a silent service; the Module's when absent.")
    )
    cluster_idle_timeout_ms: Milliseconds | None = field(
        default=None, metadata=rule("How long a connection to the service is kept without requests; 0 is no limit.")
    )
    cluster_max_connection_lifetime_ms: Lifetime | None = field(
        default=None, metadata=rule("How long a connection to the service is used for new requests.")
    )
    dns_type: DnsType | None = field(
        default=None, metadata=rule("`logical_dns`: new connections go to the last address; where DNS is asked at all.")
    )
    respect_dns_ttl: bool | None = field(default=None, metadata=rule("Ask DNS when its answer ends, not every 5 s."))
    enable_ipv4: bool | None = field(default=None, metadata=rule("Whether DNS is asked for addresses of IPv4."))
    enable_ipv6: bool | None = field(
        default=None,
        metadata=rule("Whether for those of IPv6, which go first; absent: only where no others are."),
    )
    load_balancer: LoadBalancer | None = field(
        default=None,
        metadata=rule("Which endpoint gets a request; the Module's when absent, else one after the other."),
    )
    health_checks: tuple[HealthCheck, ...] | None = field(
        default=None, metadata=rule("How endpoints are asked whether they are well; the first that can be used counts.")
    )
    outlier_detection: OutliersGiven = field(
        default=None, metadata=rule("When an endpoint gets no requests for a while: Envoy's settings, or their JSON.")
    )
    stats_name: StatsNameText | None = field(
        default=None, metadata=rule("The name of the service in Envoy's statistics; the cluster's when absent.")
    )

    rewrite: RewrittenPath = field(
        default="/", metadata=rule("What the prefix becomes; empty leaves the path alone. No part may be . or ..")
    )
    regex_rewrite: RegexSubstitution | None = field(default=None, metadata=rule("Instead of `rewrite`, by regex."))
    host_rewrite: PlainText | None = field(default=None, metadata=rule("The Host header that the service sees."))
    auto_host_rewrite: bool = field(default=False, metadata=rule("The Host header becomes the service's own name."))
    add_linkerd_headers: bool | None = field(
        default=None,
        metadata=rule(
            "Whether `l5d-dst-override` tells Linkerd which service it is for; as in the Module when absent."
        ),
    )
    add_request_headers: AddedHeaders | None = field(
        default=None, metadata=rule("Headers that the service sees in addition.")
    )
    remove_request_headers: RemovedHeaders | None = field(
        default=None, metadata=rule("Headers that the service does not see.")
    )
    add_response_headers: AddedHeaders | None = field(
        default=None, metadata=rule("Headers that the client sees in addition.")
    )
    remove_response_headers: RemovedHeaders | None = field(
        default=None, metadata=rule("Headers that the client does not see.")
    )

    host_redirect: bool = field(default=False, metadata=rule("Redirect the client to `service`."))
    path_redirect: RewrittenPath | None = field(default=None, metadata=rule("The path to be redirected to."))
    prefix_redirect: RewrittenPath | None = field(default=None, metadata=rule("What the prefix becomes in a redirect."))
    regex_redirect: RegexSubstitution | None = field(default=None, metadata=rule("What the path becomes, by regex."))
    redirect_response_code: Code = field(default=301, metadata=rule("The status of a redirect."))

    timeout_ms: Milliseconds | None = field(
        default=None, metadata=rule("How long a whole request may take; 0 is no limit; 3000 when absent.")
    )
    idle_timeout_ms: Milliseconds | None = field(
        default=None, metadata=rule("How long a request may be silent; 0 is no limit.")
    )
    priority: Priority | None = field(
        default=None, metadata=rule("`HIGH`: the circuit breakers of high priority count for the requests.")
    )
    retry_policy: RetryPolicy | None = field(default=None, metadata=rule("When to try again."))
    allow_upgrade: tuple[Protocol, ...] | None = field(
        default=None, metadata=rule("Protocols to change to, such as websocket.")
    )
    use_websocket: bool | None = field(default=None, metadata=rule("Older name of allow_upgrade: [websocket]."))
    bypass_auth: bool = field(default=False, metadata=rule("The AuthServices are not asked about the requests."))
    auth_context_extensions: abc.Mapping[str, PlainText] | None = field(
        default=None, metadata=rule("What an AuthService that speaks gRPC is told besides.")
    )
    cors: Cors | None = field(
        default=None, metadata=rule("Which pages of other sites may read answers; the Module's when absent.")
    )
    error_response_overrides: ErrorOverrides | None = field(
        default=None, metadata=rule("What clients read instead of the bodies of errors; the Module's when absent.")
    )
    bypass_error_response_overrides: bool = field(
        default=False, metadata=rule("Errors are as they are, whatever the Module says.")
    )
    labels: Labels | None = field(
        default=None,
        metadata=rule(
            "What a RateLimitService counts the requests by: for each domain a list of groups, each a name and its"
            " entries; an empty list: not even the Module's default_labels."
        ),
    )
    docs: object = field(
        default=None, metadata=rule("No effect.", warn="has no effect: it is for a developer portal, and there is none")
    )
    envoy_override: object = field(
        default=None, metadata=rule("No effect.", warn="has no effect: no part of Envoy's configuration is overridden")
    )
    modules: object = field(
        default=None, metadata=rule("No effect.", warn="has no effect: a Module is an object of its own")
    )
    shadow: bool = field(
        default=False,
        metadata=rule(
            "The service gets copies of the requests, `weight` percent of them, and its answers are dropped."
        ),
    )

    @property
    def redirects(self) -> bool:
        """Whether clients are redirected; a shadow answers nobody."""
        return self.host_redirect and not self.shadow

    @property
    def redirect_paths(self) -> Paths:
        """What a redirect makes of the path."""
        return Paths(self.path_redirect, self.prefix_redirect, self.regex_redirect)

    @property
    def host_spelling(self) -> tuple[str, str] | None:
        """The field that says which host is asked for, as a path, and what it says; None when none does."""
        if self.hostname:
            return "hostname", self.hostname
        if self.host:
            return "host", self.host
        for name, value in (self.headers or {}).items():
            if name.lower() == AUTHORITY and value:
                return f"headers{step(name)}", value
        return None

    def cross_check(self) -> Iterable[Problem]:
        """What no field can see alone."""
        yield from self._host_problems()
        yield from family_problems(self)
        if self.prefix_regex or not is_plain_path(self.prefix):
            yield from _checked("prefix", self.prefix, regex if self.prefix_regex else _path)
        if self.prefix and not self.prefix_regex and not self.prefix.startswith("/"):
            said = "does not begin with /, as every path does: nothing asks for it"
            yield Problem("prefix", said, stops=False, sort="NeverAsked")
        if self.health_checks:
            yield from health_problems(self.health_checks, grpc=self.grpc)
        yield from self._pitfalls()
        if self.prefix_regex and self.prefix_exact:
            yield Problem("prefix_exact", "has no effect beside prefix_regex", stops=False)
        if self.method:
            yield from _checked("method", self.method, regex if self.method_regex else token)
        if self.regex_rewrite is not None and self.rewrite not in {"", "/"}:
            yield Problem("rewrite", "has no effect beside regex_rewrite", stops=False)
        if self.auto_host_rewrite and self.host_rewrite is not None:
            yield Problem("auto_host_rewrite", "has no effect beside host_rewrite", stops=False)
        if self.host_redirect or self.shadow or _PATHS(self) != _NO_PATHS:
            yield from self._redirect_problems()

    def _redirect_problems(self) -> Iterable[Problem]:
        if self.cors is not None and self.redirects:
            yield Problem("cors", "has no effect beside host_redirect: Envoy adds nothing to a redirect", stops=False)
        if self.labels is not None and self.redirects:
            said = "has no effect beside host_redirect: what is sent elsewhere is not counted"
            yield Problem("labels", said, stops=False)
        if self.shadow:
            yield from shadow_problems(self._said_in_vain(), self.load_balancer)
        elif self.path_redirect is not None or self.prefix_redirect is not None or self.regex_redirect is not None:
            yield from self.redirect_paths.problems(redirects=self.host_redirect)

    def _said_in_vain(self) -> Iterable[str]:
        if self.rewrite != "/":
            yield "rewrite"
        for name in WITHOUT_EFFECT:
            said = getattr(self, name)
            if said is not None and said is not False:
                yield name

    def _pitfalls(self) -> Iterable[Problem]:
        """What never takes effect as it is meant; what most Mappings have is seen to be good at once."""
        if self.prefix_regex:
            yield from _told("prefix", of_path_regex(self.prefix), "NeverAsked")
        elif not is_plain_path(self.prefix):
            yield from _told("prefix", of_path(self.prefix, exact=self.prefix_exact), "NeverAsked")
        if self.hostname and not is_plain_hostname(self.hostname):
            yield from _told("hostname", of_hostname(self.hostname), "NeverAsked")
        if self.retry_policy is not None:
            yield from _told("retry_policy.retry_on", of_retries(self.retry_policy.retry_on, http2=self.grpc))
        if self.regex_headers is None and self.regex_query_parameters is None:
            return
        for name, text in (self.regex_headers or {}).items():
            yield from _told(join("regex_headers", step(name)), of_regex(text))
        for name, text in (self.regex_query_parameters or {}).items():
            yield from _told(join("regex_query_parameters", step(name)), of_regex(text))

    def _host_problems(self) -> Iterable[Problem]:
        if self.hostname and not self.host:
            return
        spelling = self.host_spelling
        if spelling is None or spelling[0] == "hostname":
            if self.host:
                yield Problem("host", "has no effect beside hostname", stops=False)
            return
        where, text = spelling
        if where == "host" and self.host_regex:
            yield from _checked(where, text, regex)
        elif "*" in text:
            yield Problem(where, f"must not hold *, as {quote(text)} does: use hostname")


_PATHS: Final = attrgetter("path_redirect", "prefix_redirect", "regex_redirect")
_NO_PATHS: Final = (None, None, None)


def _told(where: str, reasons: Iterable[str], sort: Sort = "") -> Iterable[Problem]:
    return [Problem(where, reason, stops=False, sort=sort) for reason in reasons]


def _path(text: str) -> str:
    if "?" in text:
        raise Invalid(f"must not contain a query, as {quote(text)} does: use query_parameters")
    return path_prefix(text)


def _checked(where: str, text: str, check: abc.Callable[[str], str]) -> Iterable[Problem]:
    try:
        check(text)
    except Invalid as invalid:
        yield Problem(where, invalid.message, sort=invalid.sort)
