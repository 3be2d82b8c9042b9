"""What the Module says, part by part, so that a change of one part touches only who depends on it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal, TypeVar

from translator import ir
from translator.checks import LARGEST_REGEX
from translator.decode import FrozenMap, Problem
from translator.emissary.kinds.module import AmbassadorConfig, Defaults, ModuleSpec, OtherModuleSpec, Probe
from translator.emissary.objects import Read, read_object
from translator.fields.access_log import AccessLogSettings, LogOfSome, file_log, mark_of, path_problem
from translator.fields.cors import Cors
from translator.fields.header_edits import AddedHeaders, RemovedHeaders
from translator.fields.http import http_features
from translator.fields.labels import DefaultLabels
from translator.fields.retry_policy import RetryPolicy
from translator.fields.upstream import Upstream, upstream_features
from translator.filters.log_marks import LogMark
from translator.ir import ObjectKey
from translator.kubernetes.tables import name_of
from translator.options import Options
from translator.tables import Table, Tables, read
from translator.values import dataclass

T = TypeVar("T")

ALWAYS: Final = "always"
"""The only key of tables with one row."""
MODULE: Final = "ambassador"

_UNDERSCORES: Final[dict[str, Literal["allow", "reject", "drop"]]] = {
    "ALLOW": "allow",
    "REJECT_REQUEST": "reject",
    "DROP_HEADER": "drop",
}
_SLASHES: Final[dict[bool | None, Literal["reject", "keep"]]] = {True: "reject", False: "keep"}


@dataclass(frozen=True, slots=True)
class MappingDefaults:
    """What holds for Mappings that do not say it themselves."""

    timeout_ms: int
    regex_max_size: int
    own_namespace: bool
    retry_policy: RetryPolicy | None
    add_request_headers: AddedHeaders | None
    add_response_headers: AddedHeaders | None
    remove_request_headers: RemovedHeaders | None
    remove_response_headers: RemovedHeaders | None
    upstream: Upstream
    features: tuple[object, ...]
    """The features of a backend whose Mapping says nothing of them."""
    resolver: str | None
    linkerd: bool
    is_buffer_limited: bool
    gathers_bodies: bool


class Settings:
    """The Module's tables. The methods are for rules that a sweep runs."""

    def __init__(self, tables: Tables, modules: Table[ObjectKey, bytes], options: Options) -> None:
        self._options = options
        found = tables.each("modules", modules, self._read)
        named = tables.group("modules by name", found, lambda key, row: {name_of(key)[1]: row.namespace})
        self._chosen = tables.each("module chosen", named, lambda _, members: self._choose(members))
        always = tables.constant("always", {ALWAYS: True})
        self.config = config = tables.each("module", always, lambda _, __: self._config_of(found))
        self._mapping = tables.each("mapping defaults", config, lambda _, config: mapping_defaults(config))
        self._http = tables.each("http options", config, lambda _, config: self._http_of(config))
        self._namespacing = tables.each(
            "secret namespacing", config, lambda _, config: config.defaults.tls_secret_namespacing or None
        )
        self.runtime: Table[str, ir.RuntimeValues] = tables.each(
            "runtime values", config, lambda _, config: self._runtime_of(config)
        )
        self._buffer_limit = tables.each("buffer limit", config, lambda _, config: config.buffer_limit_bytes)
        self._log = tables.each("log settings", config, lambda _, config: log_settings(config))
        self._cors = tables.each("default cors", config, lambda _, config: config.cors)
        self._labels = tables.each("default labels", config, lambda _, config: config.default_labels or None)
        self._domain = tables.each("label domain", config, lambda _, config: config.default_label_domain)
        self._probes = tables.each("probe settings", config, lambda _, config: probes_of(config))
        self.always = always
        self.problems: Table[ObjectKey, tuple[Problem, ...]] = tables.each("module problems", found, self._problems_of)

    def mapping_defaults(self) -> MappingDefaults:
        """What Mappings fall back to."""
        return read(self._mapping, ALWAYS) or mapping_defaults(AmbassadorConfig())

    def http_options(self) -> ir.HttpOptions:
        """How HTTP is spoken, before a Listener adds its part."""
        return read(self._http, ALWAYS) or http_options(AmbassadorConfig())

    def buffer_limit(self) -> int | None:
        """What is kept of a connection with a client at most, in bytes; None where nothing is said."""
        return read(self._buffer_limit, ALWAYS)

    def log_mark(self, said: LogOfSome, policy: ObjectKey) -> LogMark:
        """What a policy of another API says of the logs."""
        common = read(self._log, ALWAYS) or AccessLogSettings()
        return mark_of(said, common, self._options.openable, policy)

    def secret_namespacing(self) -> bool:
        """Whether a dot in the name of a Secret begins its namespace, where nothing else is said."""
        return read(self._namespacing, ALWAYS) is not None

    def default_cors(self) -> Cors | None:
        """What holds for Mappings that say nothing of other sites."""
        return read(self._cors, ALWAYS)

    def default_labels(self) -> DefaultLabels:
        """What goes before the labels of Mappings, or in their place."""
        return read(self._labels, ALWAYS) or FrozenMap()

    def label_domain(self) -> str:
        """The domain of RateLimitServices that name none."""
        return read(self._domain, ALWAYS) or AmbassadorConfig().default_label_domain

    def origins(self) -> tuple[ObjectKey, ...]:
        """The Module that is used."""
        chosen = read(self._chosen, MODULE)
        return (chosen,) if chosen else ()

    def probes(self) -> Mapping[str, Probe]:
        """The routes of our own that are wanted on every Host, by name."""
        found = read(self._probes, ALWAYS)
        return dict(found) if found else {}

    def _read(self, key: ObjectKey, body: bytes) -> Read[Any] | None:
        kind: type[Any] = ModuleSpec if name_of(key)[1] == MODULE else OtherModuleSpec
        return read_object(kind, key, body, self._options.ambassador_id)

    def _choose(self, members: Mapping[ObjectKey, str]) -> ObjectKey:
        """Of several, the one in our own namespace, else the first by namespace."""
        return min(members, key=lambda key: (members[key] != self._options.namespace, key))

    def _http_of(self, config: AmbassadorConfig) -> ir.HttpOptions:
        common = http_options(config)
        log = file_log(config, self._options.openable)
        chosen = read(self._chosen, MODULE)
        features = (*common.features, *((log,) if log else ()))
        return replace(common, features=features, origins=(chosen,)) if features and chosen else common

    def _runtime_of(self, config: AmbassadorConfig) -> ir.RuntimeValues | None:
        if not config.runtime_flags:
            return None
        return ir.RuntimeValues(tuple(sorted(config.runtime_flags.items())), self.origins())

    def _config_of(self, found: Table[ObjectKey, Read[Any]]) -> AmbassadorConfig:
        chosen = read(self._chosen, MODULE)
        row = read(found, chosen) if chosen else None
        return row.value.config if row and row.value else AmbassadorConfig()

    def _problems_of(self, key: ObjectKey, row: Read[Any]) -> tuple[Problem, ...] | None:
        if row.name != MODULE:
            return (
                Problem(
                    "metadata.name", f"must be {MODULE}: no other Module is read by this version", reason="NotServed"
                ),
            )
        chosen = read(self._chosen, MODULE)
        if chosen != key and chosen is not None:
            beside = Problem("metadata.name", f"has no effect beside {chosen}, which is used", reason="Conflict")
            return (*row.problems, beside)
        path = path_problem(row.value.config, self._options.openable) if row.value else None
        return (*row.problems, *((path,) if path else ())) or None


def log_settings(config: AmbassadorConfig) -> AccessLogSettings | None:
    """What the Module says of its log; None where it has none."""
    said = AccessLogSettings(
        envoy_log_type=config.envoy_log_type,
        envoy_log_path=config.envoy_log_path,
        envoy_log_format=config.envoy_log_format,
    )
    return said if said.is_said else None


def mapping_defaults(config: AmbassadorConfig) -> MappingDefaults:
    """What the Module says for Mappings; of its defaults, those for HTTP Mappings alone go first."""
    general, special = config.defaults, config.defaults.httpmapping or Defaults()
    return MappingDefaults(
        timeout_ms=config.cluster_request_timeout_ms,
        regex_max_size=min(config.regex_max_size, LARGEST_REGEX),
        own_namespace=config.use_ambassador_namespace_for_service_resolution,
        retry_policy=config.retry_policy,
        add_request_headers=_first(special.add_request_headers, general.add_request_headers),
        add_response_headers=_first(special.add_response_headers, general.add_response_headers),
        remove_request_headers=_first(special.remove_request_headers, general.remove_request_headers),
        remove_response_headers=_first(special.remove_response_headers, general.remove_response_headers),
        upstream=config.upstream,
        features=upstream_features(Upstream(), config.upstream),
        resolver=config.resolver,
        linkerd=config.add_linkerd_headers,
        is_buffer_limited=config.buffer_limit_bytes is not None,
        gathers_bodies=config.buffer is not None,
    )


def _first(special: T | None, general: T | None) -> T | None:
    return general if special is None else special


def http_options(config: AmbassadorConfig) -> ir.HttpOptions:
    """What the Module says of HTTP; where it says nothing, the IR's defaults hold: Envoy's advice for an edge proxy."""
    default = ir.HttpOptions()
    idle, merge = config.listener_idle_timeout_ms, config.merge_slashes
    return ir.HttpOptions(
        use_remote_address=config.use_remote_address,
        server_name=config.server_name,
        idle_timeout_ms=default.idle_timeout_ms if idle is None else idle,
        merge_slashes=default.merge_slashes if merge is None else merge,
        escaped_slashes=_SLASHES.get(config.reject_requests_with_escaped_slashes, default.escaped_slashes),
        underscores=_UNDERSCORES.get(config.headers_with_underscores_action or "", default.underscores),
        strip_matching_host_port=config.strip_matching_host_port,
        preserve_external_request_id=config.preserve_external_request_id,
        features=http_features(config),
    )


DIAGNOSTICS: Final = "diagnostics"
PROBES: Final = (
    ("liveness_probe", "/ambassador/v0/check_alive", True),
    ("readiness_probe", "/ambassador/v0/check_ready", True),
    (DIAGNOSTICS, "/ambassador/v0/", False),
)
"""Names, default prefixes, and whether there are routes when the Module says nothing.

The diagnostics show every object of everyone, so they are public only where someone asked for it.
"""


def probes_of(config: AmbassadorConfig) -> tuple[tuple[str, Probe], ...]:
    """The routes of our own that are wanted, complete but for a service."""
    found = []
    for name, prefix, enabled in PROBES:
        probe = getattr(config, name) or Probe()
        if probe.enabled if probe.enabled is not None else enabled:
            found.append((name, replace(probe, prefix=probe.prefix or prefix, rewrite=probe.rewrite or prefix)))
    return tuple(found)
