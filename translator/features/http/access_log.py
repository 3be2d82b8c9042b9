"""A line for each request that has the log's mark, or for each without one: in a file, or on the gateway's output."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

from envoyapi.access_loggers_file_v3 import FileAccessLog
from envoyapi.config_accesslog_v3 import AccessLog, AccessLogFilter, MetadataFilter
from envoyapi.config_core_v3 import DataSource, SubstitutionFormatString
from envoyapi.type_matcher_v3 import MetadataMatcher, MetadataMatcherPathSegment, StringMatcher, ValueMatcher
from envoyapi.wire import any_of, struct
from translator.decode import FrozenMap
from translator.features.http.part import Named, Part
from translator.ir import marks
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class FileLog:
    """`format` is a line's text, with its end, or an object of JSON, which gets a line of its own.

    `mark` is that of its requests; of the usual log it is also those that have none.
    """

    path: str
    format: str | FrozenMap[Any]
    mark: str = marks.USUAL


def own(log: FileLog) -> FileLog:
    """The same for the requests alone that ask for it; who asks for the same has the same mark."""
    return replace(log, mark=f"{marks.LINE}{sha256(_envoys(log)).hexdigest()[:16]}")


def part(log: FileLog, _: Named) -> Part:
    """What Envoy's HttpConnectionManager says of it."""
    told = which(StringMatcher(exact=log.mark), unmarked=log.mark == marks.USUAL)
    named = AccessLog(name="envoy.access_loggers.file", filter=told, typed_config=any_of(_envoys(log)))
    return Part(access_log=(named,))


def _envoys(log: FileLog) -> FileAccessLog:
    if isinstance(log.format, str):
        written = SubstitutionFormatString(text_format_source=DataSource(inline_string=log.format))
    else:
        written = SubstitutionFormatString(json_format=struct(log.format))
    return FileAccessLog(path=log.path, log_format=written)


def which(mark: StringMatcher, *, unmarked: bool) -> AccessLogFilter:
    """The requests that have such a mark, and perhaps those that have none."""
    matcher = MetadataMatcher(
        filter=marks.NAMESPACE,
        path=[MetadataMatcherPathSegment(key=marks.KEY)],
        value=ValueMatcher(string_match=mark),
    )
    return AccessLogFilter(metadata_filter=MetadataFilter(matcher=matcher, match_if_key_not_found=unmarked))
