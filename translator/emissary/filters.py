"""What Emissary's objects say to HTTP filters, joined: the one place that asks each of their parts."""

from collections.abc import Iterable, Mapping
from typing import Final

from translator import ir
from translator.emissary.auth import AuthServices
from translator.emissary.backends import Backends
from translator.emissary.kinds.mapping import MappingSpec
from translator.emissary.limits import RateLimitServices
from translator.emissary.module_filters import ModuleFilters
from translator.emissary.problems import Problems
from translator.emissary.settings import ALWAYS, Settings
from translator.fields.cors import Cors, cross_origin_of
from translator.fields.error_overrides import ErrorOverrides, error_bodies_of
from translator.fields.labels import Labels
from translator.files.tables import FileTables
from translator.filters.address_rules import AddressRules
from translator.filters.error_bodies import ErrorBodies
from translator.ir import ObjectKey
from translator.options import Options
from translator.tables import Table, Tables, read
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class Shared:
    """What the members of a group say to filters together, as in Emissary: what a later one says holds for all."""

    cors: Cors | None = None
    labels: Labels | None = None
    errors: ErrorOverrides | None = None


NOTHING: Final = Shared()


def shared_of(specs: Iterable[MappingSpec]) -> Shared:
    """What a group says, from its members in the order of their names."""
    cors: Cors | None = None
    labels: Labels | None = None
    errors: ErrorOverrides | None = None
    for spec in specs:
        cors = spec.cors or cors
        labels = labels if spec.labels is None else spec.labels
        errors = errors if spec.error_response_overrides is None else spec.error_response_overrides
    return NOTHING if cors is None and labels is None and errors is None else Shared(cors, labels, errors)


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
        files: FileTables,
        options: Options,
    ) -> None:
        self._settings = settings
        self._text_of = files.text
        self._auth = AuthServices(tables, objects["AuthService"], settings, backends, options)
        self._limits = RateLimitServices(tables, objects["RateLimitService"], settings, backends, options)
        self._module = ModuleFilters(tables, settings, files)
        self.settings = tables.union(
            "filter settings", self._auth.settings, self._limits.settings, self._module.settings
        )
        # What most Mappings ask, at once: one row for all that may say something of those that say nothing themselves.
        self._in_use: Table[str, bool] = tables.each(
            "filters in use", settings.always, lambda _, __: self._any_in_use() or None
        )
        self.problems = (*self._auth.problems, *self._limits.problems, self._module.problems)
        self.files = self._module.files

    def of_all(self) -> tuple[object, ...]:
        """What holds for every route of every chain."""
        return (*self._module.of_all(), *self._auth.of_all())

    def origins(self) -> tuple[ObjectKey, ...]:
        """Whose word it is that Envoy might refuse: what AuthServices say for all is ours."""
        return self._module.origins()

    def of_mapping(self, spec: MappingSpec, shared: Shared) -> tuple[object, ...]:
        """What a Mapping says, by itself and with its group."""
        if shared is NOTHING and read(self._in_use, ALWAYS) is None:
            return ()
        cors = None if spec.host_redirect else cross_origin_of(shared.cors, self._settings.default_cors())
        errors = self._errors_of(spec, shared.errors)
        own = tuple([said for said in (cors, errors) if said is not None])
        return (*own, *self._auth.of_mapping(spec), *self._limits.of_mapping(spec, shared.labels))

    def rate_limits(self, labels: Labels) -> tuple[object, ...]:
        """What labels say by themselves."""
        return self._limits.of_labels(labels)

    def authorization(self, context: Mapping[str, str] | None) -> tuple[object, ...] | None:
        """What is said of requests that AuthServices are asked about; None where none can be."""
        return self._auth.asking(context)

    def addresses(self) -> AddressRules | None:
        """The rules about addresses that hold for every route of every chain."""
        return next((each for each in self._module.of_all() if isinstance(each, AddressRules)), None)

    def of_probes(self) -> tuple[object, ...]:
        """What holds for liveness and readiness."""
        return self._auth.of_probes()

    def _any_in_use(self) -> bool:
        said = self._settings.default_cors() is not None or self._module.replaces_errors()
        return said or self._auth.is_asked() or self._limits.counts()

    def _errors_of(self, spec: MappingSpec, overrides: ErrorOverrides | None) -> ErrorBodies | None:
        """The bodies of a route's own errors; none at all where it wants not even those that are for all."""
        bodies = (
            ErrorBodies() if spec.bypass_error_response_overrides else error_bodies_of(overrides or (), self._text_of)
        )
        if bodies.bodies:
            return bodies
        said = spec.bypass_error_response_overrides or overrides is not None
        return bodies if said and self._module.replaces_errors() else None
