"""`allow_upgrade`: WebSockets and other protocols that a connection may change to."""

from collections.abc import Iterable
from typing import Annotated

from translator.checks import plain_text
from translator.decode import Invalid, Rule
from translator.features.upgrades import Upgrades


def _protocol(name: str) -> str:
    if not name:
        raise Invalid("must be the name of a protocol, such as websocket")
    return plain_text(name)


Protocol = Annotated[str, Rule(check=_protocol)]


def upgrades_of(own: Iterable[tuple[Iterable[str] | None, bool | None]]) -> Upgrades | None:
    """The upgrades of a group: those of its last member that says something.

    Args:
        own: for each member, its `allow_upgrade` and its `use_websocket`, which is the same as `websocket` in the list.
    """
    allowed: dict[str, str] = {}
    for protocols, websocket in own:
        if protocols is not None or websocket:
            named = (*(protocols or ()), *(("websocket",) if websocket else ()))
            allowed = {name.lower(): name for name in reversed(named)}
    return Upgrades(tuple(name for _, name in sorted(allowed.items()))) if allowed else None
