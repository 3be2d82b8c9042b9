"""What the Module says to HTTP filters, for every route of every chain."""

from collections.abc import Iterator, Mapping
from typing import Final

from translator import ir
from translator.emissary.kinds.module import AmbassadorConfig
from translator.emissary.problems import Problems, ProblemsByObject, problems_found
from translator.emissary.settings import ALWAYS, Settings
from translator.fields.address_rules import address_rules_of
from translator.fields.error_overrides import TextOf, error_bodies_of, files_of, problems_of_files
from translator.files.names import Files
from translator.files.tables import FileTables, Text
from translator.filters import compression, error_bodies, grpc_stats
from translator.filters.buffering import WholeBodies
from translator.filters.grpc_bridge import GrpcBridge
from translator.filters.grpc_web import GrpcWeb
from translator.filters.scripts import Script
from translator.ir import ObjectKey
from translator.tables import Table, Tables, read


class ModuleFilters:
    """The tables of what the Module says to filters. The methods are for rules that a sweep runs."""

    def __init__(self, tables: Tables, settings: Settings, files: FileTables) -> None:
        self._settings = settings
        self._said = tables.each(
            "module filters", settings.config, lambda _, config: tuple(switches_of(config)) or None
        )
        self._errors = tables.each(
            "module errors", settings.config, lambda _, config: True if config.error_response_overrides else None
        )
        self.settings: Table[str, ir.FilterSettings] = tables.each(
            "module filter settings",
            tables.constant("filters of the module", dict.fromkeys(_CONFIGURED, True)),
            lambda name, _: _settings_of(name, settings, files.text),
        )
        self.files: Table[Files, Mapping[str, bool]] = tables.group(
            "files of the module", settings.config, lambda _, config: files_of(config.error_response_overrides)
        )
        self.problems: Problems = problems_found(
            tables, "problems of the module's files", settings.config, lambda _, config: self._told(config, files.text)
        )

    def _told(self, config: AmbassadorConfig, text_of: TextOf) -> ProblemsByObject:
        where = "spec.config.error_response_overrides"
        problems = tuple(problems_of_files(config.error_response_overrides, where, text_of))
        return dict.fromkeys(self._settings.origins(), problems) if problems else {}

    def replaces_errors(self) -> bool:
        """Whether it says what is read instead of the bodies of errors."""
        return read(self._errors, ALWAYS) is not None

    def origins(self) -> tuple[ObjectKey, ...]:
        """The Module, where it says something that holds for all."""
        return self._settings.origins() if self.of_all() else ()

    def of_all(self) -> tuple[object, ...]:
        """What holds for every route of every chain."""
        return read(self._said, ALWAYS) or ()


def switches_of(config: AmbassadorConfig) -> Iterator[object]:
    """The filters that the Module switches on."""
    if config.enable_grpc_http11_bridge:
        yield GrpcBridge()
    if config.enable_grpc_web:
        yield GrpcWeb()
    if config.grpc_stats is not None:
        yield grpc_stats.CountCalls()
    if config.lua_scripts:
        yield Script(config.lua_scripts)
    if config.gzip is not None:
        yield compression.Compress()
    if config.buffer is not None:
        yield WholeBodies(config.buffer.max_request_bytes)
    rules = address_rules_of(config.ip_allow, config.ip_deny)
    if rules is not None:
        yield rules


def _configurations_of(config: AmbassadorConfig, text_of: TextOf) -> Mapping[str, object]:
    """What those filters are told where they stand, by their names."""
    return {
        grpc_stats.NAME: config.grpc_stats.stats if config.grpc_stats else None,
        error_bodies.NAME: error_bodies_of(config.error_response_overrides, text_of)
        if config.error_response_overrides
        else None,
        compression.NAME: config.gzip.options if config.gzip else None,
    }


_CONFIGURED: Final = tuple(_configurations_of(AmbassadorConfig(), lambda _: Text()))


def _settings_of(name: str, settings: Settings, text_of: TextOf) -> ir.FilterSettings | None:
    config = read(settings.config, ALWAYS)
    value = _configurations_of(config, text_of)[name] if config else None
    return None if value is None else ir.FilterSettings(value, settings.origins())
