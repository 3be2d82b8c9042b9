"""The fields of a Mapping: how each is written, and what is valid in it alone. What they say together: `mapping`."""

from collections import abc
from dataclasses import field

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
)
from translator.decode import rule
from translator.emissary.fields.redirect import Code
from translator.emissary.fields.rewrite import RegexSubstitution
from translator.emissary.hostnames import mapping_hostname
from translator.emissary.service_names import service as readable
from translator.fields.cors import Cors
from translator.fields.error_overrides import ErrorOverrides
from translator.fields.header_edits import AddedHeaders, RemovedHeaders
from translator.fields.health_checks import HealthCheck
from translator.fields.labels import Labels
from translator.fields.load_balancer import LoadBalancer
from translator.fields.outlier_detection import OutliersGiven
from translator.fields.priority import Priority
from translator.fields.retry_policy import RetryPolicy
from translator.fields.upgrades import Protocol
from translator.fields.upstream import Breakers, DnsType, KeepaliveSpec, Lifetime, StatsNameText
from translator.values import sparse


@sparse(frozen=True, kw_only=True)
class MappingFields:
    """What a Mapping can say."""

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
