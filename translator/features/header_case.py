"""The case in which HTTP/1 writes headers' names: of answers to clients, and of requests to services."""

from typing import Final, Literal, TypeAlias

from envoyapi.config_core_v3 import (
    Http1ProtocolOptionsHeaderKeyFormat,
    Http1ProtocolOptionsHeaderKeyFormatProperCaseWords,
    TypedExtensionConfig,
)
from envoyapi.http_header_formatters_preserve_case_v3 import (
    PreserveCaseFormatterConfig,
    PreserveCaseFormatterConfigFormatterTypeOnEnvoyHeaders,
)
from envoyapi.wire import any_of

Case: TypeAlias = Literal["proper", "preserved"]
"""Proper: `X-Request-Id`, whoever wrote it. Preserved: as the other side wrote it; of what Envoy adds, proper."""

_PRESERVING: Final = PreserveCaseFormatterConfig(
    formatter_type_on_envoy_headers=PreserveCaseFormatterConfigFormatterTypeOnEnvoyHeaders.PROPER_CASE
)


def key_format(case: Case) -> Http1ProtocolOptionsHeaderKeyFormat:
    """What Envoy's Http1ProtocolOptions say of it."""
    if case == "proper":
        return Http1ProtocolOptionsHeaderKeyFormat(
            proper_case_words=Http1ProtocolOptionsHeaderKeyFormatProperCaseWords()
        )
    return Http1ProtocolOptionsHeaderKeyFormat(
        stateful_formatter=TypedExtensionConfig(
            name="envoy.http.stateful_header_formatters.preserve_case", typed_config=any_of(_PRESERVING)
        )
    )
