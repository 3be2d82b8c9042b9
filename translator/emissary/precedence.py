"""The order of routes: the order that people know from Emissary, as a key of which the smallest goes first.

Larger precedence, then the longer prefix (a regular expression by the length of its text), then more and longer
constraints on headers, then on query parameters; then texts, backwards. Two Mappings that Emissary could not hold at
once come last in the comparison: the exact path before the regular expression before the prefix.
"""

from collections.abc import Sequence
from typing import Final, Literal

from translator.values import dataclass

PathKind = Literal["exact", "regex", "prefix"]
Order = tuple[int, int, int, int, bytes, int, str]

_RANKS: Final[dict[PathKind, int]] = {"exact": 0, "regex": 1, "prefix": 2}
_BACKWARDS: Final = bytes(255 - byte for byte in range(256))
_END: Final = b"\xff\xff"


@dataclass(frozen=True, slots=True)
class Constraint:
    """A header or query parameter that a request is asked for."""

    name: str
    value: str
    regex: bool = False

    @property
    def length(self) -> int:
        """How much it counts."""
        return len(self.name) + len(self.value or "*") + self.regex


def order_of(
    precedence: int,
    kind: PathKind,
    prefix: str,
    headers: Sequence[Constraint] = (),
    queries: Sequence[Constraint] = (),
    tie: str = "",
) -> Order:
    """The key of a route.

    Args:
        precedence: as the Mapping says.
        kind: how the path is compared.
        prefix: what it is compared with.
        headers: what is asked of headers, the host and the method among them, in an order that does not vary.
        queries: what is asked of query parameters, likewise.
        tie: what decides between routes that are alike in all this.
    """
    if not headers and not queries:
        return -precedence, -len(prefix), 0, 0, backwards([prefix]), _RANKS[kind], tie
    length = sum([constraint.length for constraint in headers])
    parameters = sum([constraint.length for constraint in queries])
    texts = [prefix, *[f"{each.name}-{each.value}" for each in (*headers, *queries)]]
    return -precedence, -len(prefix), -length, -parameters, backwards(texts), _RANKS[kind], tie


def backwards(texts: Sequence[str]) -> bytes:
    """A key that sorts lists of texts the other way round; the texts must not hold NUL."""
    return "\0".join(texts).encode().translate(_BACKWARDS) + _END
