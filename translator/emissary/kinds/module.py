"""Module `ambassador`: settings of the whole gateway, and defaults for Mappings."""

import re
from collections.abc import Iterable
from dataclasses import field
from typing import Annotated, ClassVar, Final, Literal

from translator.checks import LARGEST_REGEX, Milliseconds, PathPrefix, PlainText, RewrittenPath
from translator.decode import Decoded, FrozenMap, Problem, Rule, rule, schema_of
from translator.emissary.objects import read_spec
from translator.emissary.service_names import service
from translator.fields.address_rules import Allowed, Denied
from translator.fields.buffer import Buffer
from translator.fields.cors import Cors
from translator.fields.error_overrides import ErrorOverrides
from translator.fields.grpc_stats import GrpcStatsSpec
from translator.fields.gzip import Gzip
from translator.fields.header_edits import AddedHeaders, RemovedHeaders
from translator.fields.http import HttpSettings, http_problems
from translator.fields.labels import DefaultLabels
from translator.fields.load_balancer import LoadBalancer
from translator.fields.retry_policy import RetryPolicy
from translator.fields.upstream import Breakers, KeepaliveSpec, Lifetime, StatsNameText, Upstream
from translator.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultsOfMappings:
    """What Mappings say that do not say it themselves."""

    add_request_headers: AddedHeaders | None = field(default=None, metadata=rule("See Mapping."))
    add_response_headers: AddedHeaders | None = field(default=None, metadata=rule("See Mapping."))
    remove_request_headers: RemovedHeaders | None = field(default=None, metadata=rule("See Mapping."))
    remove_response_headers: RemovedHeaders | None = field(default=None, metadata=rule("See Mapping."))
    stats_name: StatsNameText | None = field(default=None, metadata=rule("See Mapping."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults(DefaultsOfMappings):
    """Defaults for several kinds. What `httpmapping` says goes before what stands beside it."""

    httpmapping: DefaultsOfMappings | None = field(default=None, metadata=rule("Defaults for Mappings alone."))
    tls_secret_namespacing: bool = field(
        default=True, metadata=rule("Whether a dot in the name of a Secret begins its namespace.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A route of our own on every Host."""

    enabled: bool | None = field(default=None, metadata=rule("Whether there is such a route."))
    prefix: PathPrefix | None = field(default=None, metadata=rule("Its prefix."))
    rewrite: RewrittenPath | None = field(default=None, metadata=rule("What the prefix becomes."))
    service: str | None = field(
        default=None, metadata=rule("Where it leads; our own diagnostics when absent.", check=service)
    )
    allow_non_local: bool | None = field(
        default=None,
        metadata=rule("Of the diagnostics: false keeps their page, at their own port, from whoever is not in the pod."),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AmbassadorConfig(HttpSettings):
    """The settings; absent is Envoy's advice for an edge proxy, or Emissary's default."""

    SILENT: ClassVar[frozenset[str]] = frozenset()

    cluster_request_timeout_ms: Milliseconds = field(default=3000, metadata=rule("timeout_ms of Mappings without one."))
    retry_policy: RetryPolicy | None = field(default=None, metadata=rule("retry_policy of Mappings without one."))
    circuit_breakers: Breakers | None = field(
        default=None, metadata=rule("circuit_breakers of Mappings and TCPMappings without any.")
    )
    keepalive: KeepaliveSpec | None = field(default=None, metadata=rule("keepalive of Mappings without one."))
    cluster_idle_timeout_ms: Milliseconds | None = field(
        default=None, metadata=rule("cluster_idle_timeout_ms of Mappings without one.")
    )
    cluster_max_connection_lifetime_ms: Lifetime | None = field(
        default=None, metadata=rule("cluster_max_connection_lifetime_ms of Mappings without one.")
    )
    enable_ipv4: bool | None = field(default=None, metadata=rule("enable_ipv4 of Mappings and TCPMappings without it."))
    enable_ipv6: bool | None = field(default=None, metadata=rule("enable_ipv6 of Mappings and TCPMappings without it."))
    load_balancer: LoadBalancer | None = field(default=None, metadata=rule("load_balancer of Mappings without one."))
    resolver: PlainText | None = field(default=None, metadata=rule("resolver of Mappings and TCPMappings without one."))
    add_linkerd_headers: bool = field(
        default=False, metadata=rule("add_linkerd_headers of Mappings and AuthServices without it.")
    )
    defaults: Defaults = field(default=Defaults(), metadata=rule("Other defaults for Mappings."))
    regex_max_size: int = field(
        default=200,
        metadata=rule(f"The largest regular expression, in instructions of RE2, up to {LARGEST_REGEX}.", minimum=1),
    )
    use_ambassador_namespace_for_service_resolution: bool = field(
        default=False, metadata=rule("Unqualified services are those of our namespace, not the Mapping's.")
    )
    use_remote_address: bool = field(
        default=True,
        metadata=rule(
            "Trust the connection's address; false: a proxy in front says who the client is, and is believed."
        ),
    )
    server_name: PlainText = field(default="envoy", metadata=rule("The Server header of responses."))
    listener_idle_timeout_ms: Milliseconds | None = field(
        default=None, metadata=rule("How long a connection may be without requests.")
    )
    merge_slashes: bool | None = field(default=None, metadata=rule("Whether // in a path is /; true when absent."))
    reject_requests_with_escaped_slashes: bool | None = field(
        default=None, metadata=rule("True: answer 400; false: leave them; absent: redirect to the plain path.")
    )
    headers_with_underscores_action: Literal["ALLOW", "REJECT_REQUEST", "DROP_HEADER"] | None = field(
        default=None, metadata=rule("What becomes of them; REJECT_REQUEST when absent.")
    )
    strip_matching_host_port: bool = field(
        default=False, metadata=rule("Whether a Host header's port is dropped when it is the Listener's.")
    )
    preserve_external_request_id: bool = field(default=False, metadata=rule("Whether a client's x-request-id is kept."))
    liveness_probe: Probe | None = field(default=None, metadata=rule("/ambassador/v0/check_alive on every Host."))
    readiness_probe: Probe | None = field(default=None, metadata=rule("/ambassador/v0/check_ready on every Host."))
    diagnostics: Probe | None = field(default=None, metadata=rule("/ambassador/v0/ on every Host, when enabled."))

    enable_grpc_http11_bridge: bool = field(default=False, metadata=rule("Clients may speak gRPC by HTTP/1.1."))
    enable_grpc_web: bool = field(default=False, metadata=rule("Clients may speak gRPC-Web, as browsers do."))
    grpc_stats: GrpcStatsSpec | None = field(default=None, metadata=rule("Calls by gRPC are counted."))
    lua_scripts: str | None = field(
        default=None, metadata=rule("A script in Lua that all requests and answers go through.")
    )
    gzip: Gzip | None = field(default=None, metadata=rule("Answers are compressed."))
    buffer: Buffer | None = field(
        default=None, metadata=rule("Requests go on when all of their bodies are there; none that stream does.")
    )
    ip_allow: Allowed = field(
        default=(), metadata=rule("Who gets in: `peer` (of the connection) or `remote` (the client) with a range.")
    )
    ip_deny: Denied = field(default=(), metadata=rule("Who does not, be it that ip_allow says so."))
    cors: Cors | None = field(default=None, metadata=rule("cors of Mappings without it."))
    error_response_overrides: ErrorOverrides = field(
        default=(), metadata=rule("Those of Mappings without any, and of requests that no Mapping wants.")
    )
    default_label_domain: Annotated[PlainText, Rule(min_size=1)] = field(
        default="ambassador", metadata=rule("The domain of RateLimitServices that name none.")
    )
    default_labels: DefaultLabels = field(
        default=FrozenMap(), metadata=rule("What goes before the labels of Mappings, or in their place, by domain.")
    )

    @property
    def upstream(self) -> Upstream:
        """What holds for the connections to every service."""
        special = self.defaults.httpmapping
        name = special.stats_name if special and special.stats_name is not None else self.defaults.stats_name
        return Upstream(
            circuit_breakers=self.circuit_breakers,
            keepalive=self.keepalive,
            cluster_idle_timeout_ms=self.cluster_idle_timeout_ms,
            cluster_max_connection_lifetime_ms=self.cluster_max_connection_lifetime_ms,
            enable_ipv4=self.enable_ipv4,
            enable_ipv6=self.enable_ipv6,
            load_balancer=self.load_balancer,
            stats_name=name,
            header_case=self.header_case,
        )

    def cross_check(self) -> Iterable[Problem]:
        """Envoy has a limit of its own, and some settings need others."""
        yield from http_problems(self)
        if self.regex_max_size > LARGEST_REGEX:
            yield Problem("regex_max_size", f"counts as {LARGEST_REGEX}, which is the most", stops=False)


def _config(value: object) -> Decoded[AmbassadorConfig]:
    """Read the settings. A wrong one is left out alone: if all fell back to defaults, everyone would feel it."""
    config, problems = read_spec(AmbassadorConfig, value, "")
    told = problems
    while config is None and isinstance(value, dict):  # again, since of many problems only the first are known
        wrong = {_SETTING.split(problem.path, maxsplit=1)[0] for problem in problems if problem.stops}
        value = {key: item for key, item in value.items() if key not in wrong}
        config, problems = read_spec(AmbassadorConfig, value, "")
    return Decoded(config, told if config is None else tuple(_left_out(problem) for problem in told))


_SETTING: Final = re.compile(r"[.\[]")


def _left_out(problem: Problem) -> Problem:
    return Problem(problem.path, f"{problem.message}; it is left out", stops=False) if problem.stops else problem


def _described(config: type) -> dict[str, object]:
    """The schema of a bag of settings: each is described, none is refused, since a wrong one stops nothing here."""
    properties = {
        name: {"description": part.get("description", ""), "x-kubernetes-preserve-unknown-fields": True}
        for name, part in schema_of(config)["properties"].items()
    }
    return {"type": "object", "properties": properties, "x-kubernetes-preserve-unknown-fields": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleSpec:
    """A bag of settings; which ones its name says."""

    SILENT: ClassVar[frozenset[str]] = frozenset()

    config: Annotated[AmbassadorConfig, Rule(convert=_config, schema=_described(AmbassadorConfig))] = field(
        default=AmbassadorConfig(), metadata=rule("The settings; a wrong one is left out, and told.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherModuleSpec:
    """A Module by another name than `ambassador`: nothing reads it."""

    SILENT: ClassVar[frozenset[str]] = frozenset({"config"})
