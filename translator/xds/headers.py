"""Headers added on the way; removing is a list of names and needs no encoder."""

from collections.abc import Iterable

from envoyapi.config_core_v3 import HeaderValue, HeaderValueOption, HeaderValueOptionHeaderAppendAction
from translator import ir

_APPEND = HeaderValueOptionHeaderAppendAction.APPEND_IF_EXISTS_OR_ADD
_OVERWRITE = HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD


def header_options(headers: Iterable[ir.HeaderValue]) -> list[HeaderValueOption]:
    """Headers to add; an empty value is sent as an empty header, not dropped."""
    return [
        HeaderValueOption(
            header=HeaderValue(key=header.name, value=header.value),
            append_action=_APPEND if header.append else _OVERWRITE,
            keep_empty_value=not header.value,
        )
        for header in headers
    ]
