"""RateLimitServices: who counts the requests that labels describe.

One counts: the first by namespace and name that no mistake stops; the others are told. Where all are stopped, what
`failure_mode_deny` of the first says holds as if its service did not answer: requests are let through, unless it was
asked to refuse them then.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import orjson

from translator import ir
from translator.decode import FrozenMap, Problem
from translator.emissary.backends import Backends, Wanted
from translator.emissary.kinds.mapping import MappingSpec
from translator.emissary.kinds.rate_limit_service import RateLimitServiceSpec
from translator.emissary.objects import Read, read_object
from translator.emissary.problems import Problems, problems_found
from translator.emissary.settings import Settings
from translator.fields.labels import Labels, rate_limits_of
from translator.fields.upstream import Upstream, upstream_features
from translator.filters.rate_limit import NAME, LimitedBy
from translator.ir import ObjectKey
from translator.options import Options
from translator.tables import Table, Tables, read
from translator.values import dataclass

UNLIMITED: Final = "requests are NOT limited until this is mended"
REFUSED: Final = "requests with labels are answered 500 until this is mended, as failure_mode_deny says"


@dataclass(frozen=True, slots=True)
class Limit:
    """A RateLimitService by itself; `limited` has no backend when a problem stops it."""

    called: str
    limited: LimitedBy
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who counts, and what the others are told."""

    key: ObjectKey
    limited: LimitedBy
    problems: Mapping[ObjectKey, tuple[Problem, ...]] = FrozenMap()


class RateLimitServices:
    """The tables of RateLimitServices. The methods are for rules that a sweep runs."""

    def __init__(
        self, tables: Tables, objects: Table[ObjectKey, bytes], settings: Settings, backends: Backends, options: Options
    ) -> None:
        self._settings = settings
        self._backends = backends
        self._options = options
        found = tables.each("rate limit services", objects, self._read)
        together = tables.group("rate limit services together", found, lambda _, row: {NAME: row})
        chosen = tables.each("rate limit service chosen", together, lambda _, rows: choose(rows))
        self.settings: Table[str, ir.FilterSettings] = tables.each(
            "rate limit settings", chosen, lambda _, row: _settings_of(row)
        )
        self._domain: Table[str, str] = tables.each("rate limit domain", self.settings, lambda _, row: row.value.domain)
        self.problems: tuple[Problems, ...] = (
            tables.each("rate limit service problems", found, lambda _, row: row.problems or None),
            problems_found(tables, "rate limit services beside each other", chosen, lambda _, row: row.problems),
        )

    def counts(self) -> bool:
        """Whether somebody counts at all."""
        return read(self._domain, NAME) is not None

    def of_mapping(self, spec: MappingSpec, labels: Labels | None) -> tuple[object, ...]:
        """What the labels of its group say of a Mapping: nothing where nobody counts, nor of what is sent elsewhere."""
        return () if spec.host_redirect else self.of_labels(labels)

    def of_labels(self, labels: Labels | None) -> tuple[object, ...]:
        """What labels say; nothing where nobody counts."""
        domain = read(self._domain, NAME)
        if domain is None:
            return ()
        limits = rate_limits_of(labels, self._settings.default_labels(), domain)
        return () if limits is None else (limits,)

    def _read(self, key: ObjectKey, body: bytes) -> Limit | None:
        row = read_object(RateLimitServiceSpec, key, body, self._options.ambassador_id)
        if row is None:
            return None
        spec = orjson.loads(body).get("spec")
        denies = isinstance(spec, dict) and spec.get("failure_mode_deny") is True
        return self._understand(row, denies=denies)

    def _understand(self, row: Read[RateLimitServiceSpec], *, denies: bool) -> Limit:
        called, spec, default_domain = f"{row.namespace}/{row.name}", row.value, self._settings.label_domain()
        stopped = LimitedBy(None, default_domain, failure="deny" if denies else "allow")
        if spec is None:
            return Limit(called, stopped, (*row.problems, _consequence(denies=denies)))
        default = self._settings.mapping_defaults().upstream
        wanted = Wanted(
            spec.service,
            spec.tls,
            "http2",
            features=upstream_features(Upstream(stats_name=spec.stats_name), replace(default, stats_name=None)),
        )
        found = self._backends.find_for_all(wanted, row.namespace)
        problems = (*row.problems, *found.problems)
        domain = spec.domain or default_domain
        if found.backend is None or any(problem.stops for problem in problems):
            return Limit(called, replace(stopped, domain=domain), (*problems, _consequence(denies=denies)))
        limited = LimitedBy(
            found.backend,
            domain,
            spec.timeout_ms,
            "deny" if spec.failure_mode_deny else "allow",
            "resource_exhausted" if spec.grpc and spec.grpc.use_resource_exhausted_code else "unavailable",
        )
        return Limit(called, limited, problems)


def _consequence(*, denies: bool) -> Problem:
    return Problem("", REFUSED if denies else UNLIMITED, stops=False)


def _settings_of(row: Chosen) -> ir.FilterSettings | None:
    if row.limited.backend is None and row.limited.failure == "allow":
        return None
    return ir.FilterSettings(row.limited, (row.key,))


def choose(rows: Mapping[ObjectKey, Limit]) -> Chosen:
    """The one that counts: the first that can, else the first."""
    keys = sorted(rows)
    key = next((key for key in keys if rows[key].limited.backend is not None), keys[0])
    said = f"has no effect beside RateLimitService {rows[key].called}, which counts the requests"
    problem = Problem("metadata.name", said, reason="Conflict")
    others = {other: (problem,) for other in keys if other != key and rows[other].limited.backend is not None}
    return Chosen(key, rows[key].limited, FrozenMap(others))
