"""A line for each request: in a file, or on the gateway's output."""

from typing import Any

from envoyapi.access_loggers_file_v3 import FileAccessLog
from envoyapi.config_accesslog_v3 import AccessLog
from envoyapi.config_core_v3 import DataSource, SubstitutionFormatString
from envoyapi.wire import any_of, struct
from translator.decode import FrozenMap
from translator.features.http.part import Named, Part
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class FileLog:
    """`format` is a line's text, with its end, or an object of JSON, which gets a line of its own."""

    path: str
    format: str | FrozenMap[Any]


def part(log: FileLog, _: Named) -> Part:
    """What Envoy's HttpConnectionManager says of it."""
    if isinstance(log.format, str):
        written = SubstitutionFormatString(text_format_source=DataSource(inline_string=log.format))
    else:
        written = SubstitutionFormatString(json_format=struct(log.format))
    envoys = FileAccessLog(path=log.path, log_format=written)
    return Part(access_log=(AccessLog(name="envoy.access_loggers.file", typed_config=any_of(envoys)),))
