"""`priority`: which circuit breakers count for the requests."""

from collections.abc import Iterable
from typing import Annotated

from translator.decode import Invalid, Rule, quote
from translator.features.priority import HighPriority


def _word(text: str) -> str:
    if text.upper() not in {"DEFAULT", "HIGH"}:
        raise Invalid(f"must be DEFAULT or HIGH, not {quote(text)}")
    return text.upper()


Priority = Annotated[str, Rule(check=_word, schema={"pattern": "(?i)^(default|high)$"})]


def priority_of(own: Iterable[str | None]) -> HighPriority | None:
    """The priority of a group: that of its last member that says one."""
    said = [word for word in own if word is not None]
    return HighPriority() if said and said[-1] == "HIGH" else None
