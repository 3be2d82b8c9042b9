"""What of an object is shown to people: all but values that may open something. Pure.

Of headers and query parameters the names are shown, as everywhere in the diagnostics, and not the values; nor what is
named like a password or a token, scripts, and annotations that hold a whole text. Who compares two objects still sees
where a value is another one: each has a number, equal ones the same.
"""

import re
from typing import Any, Final

_PAIRS: Final = re.compile(r"header|query", re.IGNORECASE)
_SECRET: Final = re.compile(
    r"(password|passwd|token|secret_?key|api_?key|access_?key|private_?key|credentials?|header-value|snippet|script|"
    r"scripts|inline_?code)$",
    re.IGNORECASE,
)
_USER: Final = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_ANNOTATIONS: Final = "annotations"


class Hiding:
    """Hides values, and numbers them in the order in which they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def shown(self, value: Any) -> Any:
        """The object without what is hidden in it."""
        return self._any("", value)

    def _any(self, name: str, value: Any) -> Any:
        match value:
            case dict() | list() if _PAIRS.search(name):
                return self._pairs(value)
            case dict():
                one = self._annotation if name == _ANNOTATIONS else self._any
                return {each: one(each, said) for each, said in value.items()}
            case list():
                return [self._any(name, each) for each in value]
            case str():
                secret = _SECRET.search(name)
                return self._hidden(value) if secret else _USER.sub(lambda found: self._hidden(found[0]), value)
        return value

    def _annotation(self, name: str, value: Any) -> Any:
        is_text = isinstance(value, str) and ("\n" in value or value.lstrip().startswith(("{", "[")))
        return self._hidden(value) if is_text else self._any(name, value)

    def _pairs(self, value: Any) -> Any:
        """Names with values: an object of them, or a list of items `name` and `value`; a list of texts has names."""
        match value:
            case list():
                return [each if isinstance(each, str) else self._pairs(each) for each in value]
            case {"name": _, "value": _}:
                return {each: self._hidden(said) if each == "value" else said for each, said in value.items()}
            case dict():
                return {each: self._pairs(said) for each, said in value.items()}
            case bool() | None:
                return value
        return self._hidden(value)

    def _hidden(self, value: Any) -> str:
        return f"(hidden {self._numbers.setdefault(str(value), len(self._numbers) + 1)})"
