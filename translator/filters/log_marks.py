"""What a route says of the logs: a mark, by which the logs of its chain know whose a request is.

Envoy's logs look at metadata of the request, not at its route. The filter that writes it there is made for copying a
header; the method is one that every request has, and the value is the route's own.

Source: envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata.proto.
"""

from typing import Any, Final

from envoyapi.http_header_to_metadata_v3 import Config, ConfigKeyValuePair, ConfigRule
from translator.filters.part import HttpFilter
from translator.ir import ObjectKey
from translator.ir.marks import KEY, NAMESPACE
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class LogMark:
    """The mark of the requests. `line`: the log that is for them alone, as its chain has it; `policy`: whose it is."""

    mark: str
    line: Any = None
    policy: ObjectKey = ""


def _marked(said: LogMark) -> Config:
    pair = ConfigKeyValuePair(metadata_namespace=NAMESPACE, key=KEY, value=said.mark)
    return Config(request_rules=[ConfigRule(header=":method", on_header_present=pair)])


FILTER: Final = HttpFilter(name="envoy.filters.http.header_to_metadata", idle=Config(), switches={LogMark: _marked})
