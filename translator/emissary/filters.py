"""What Emissary's objects say to HTTP filters, joined: the one place that asks each of their parts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from translator import ir
from translator.emissary.auth import AuthServices
from translator.emissary.backends import Backends
from translator.emissary.fields.cors import Cors, cross_origin_of
from translator.emissary.fields.labels import Labels
from translator.emissary.kinds.mapping import MappingSpec
from translator.emissary.limits import RateLimitServices
from translator.emissary.options import Options
from translator.emissary.problems import Problems
from translator.emissary.settings import Settings
from translator.ir import ObjectKey
from translator.tables import Table, Tables


@dataclass(frozen=True, slots=True)
class Shared:
    """What the members of a group say to filters together, as in Emissary: what a later one says holds for all."""

    cors: Cors | None = None
    labels: Labels | None = None


def shared_of(specs: Iterable[MappingSpec]) -> Shared:
    """What a group says, from its members in the order of their names."""
    cors: Cors | None = None
    labels: Labels | None = None
    for spec in specs:
        cors = spec.cors or cors
        labels = labels if spec.labels is None else spec.labels
    return Shared(cors, labels)


class Filters:
    """The configurations of filters by their names, and what chains and routes say to them.

    The methods are for rules that a sweep runs.
    """

    settings: Table[str, ir.FilterSettings]
    problems: tuple[Problems, ...]

    def __init__(
        self,
        tables: Tables,
        objects: Mapping[str, Table[ObjectKey, bytes]],
        settings: Settings,
        backends: Backends,
        options: Options,
    ) -> None:
        self._settings = settings
        self._auth = AuthServices(tables, objects["AuthService"], settings, backends, options)
        self._limits = RateLimitServices(tables, objects["RateLimitService"], settings, backends, options)
        self.settings = tables.union("filter settings", self._auth.settings, self._limits.settings)
        self.problems = (*self._auth.problems, *self._limits.problems)

    def of_all(self) -> tuple[object, ...]:
        """What holds for every route of every chain."""
        return self._auth.of_all()

    def of_mapping(self, spec: MappingSpec, shared: Shared) -> tuple[object, ...]:
        """What a Mapping says, by itself and with its group."""
        cors = None if spec.host_redirect else cross_origin_of(shared.cors, self._settings.default_cors())
        return (*((cors,) if cors else ()), *self._auth.of_mapping(spec), *self._limits.of_mapping(spec, shared.labels))

    def of_probes(self) -> tuple[object, ...]:
        """What holds for liveness and readiness."""
        return self._auth.of_probes()
