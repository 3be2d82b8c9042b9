"""Variables of the environment in objects: `$NAME` and `${NAME}` in any text become their values.

Those that are not set stay as they are written, and so does every other use of a dollar: a regular expression may end
with one. Source: Emissary, which fills them in in everything that it reads.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

_VARIABLE: Final = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")


def filled_in(body: bytes, variables: Mapping[str, str]) -> bytes:
    """The bytes of an object with the variables filled in; the same where there are none."""
    if b"$" not in body or not variables:
        return body
    document = orjson.loads(body)
    filled = _filled(document, variables)
    return body if filled == document else orjson.dumps(filled)


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return (
            _VARIABLE.sub(lambda found: variables.get(found[1] or found[2], found[0]), value) if "$" in value else value
        )
    if isinstance(value, dict):
        return {name: _filled(item, variables) for name, item in value.items()}
    return [_filled(item, variables) for item in value] if isinstance(value, list) else value
