"""Label selectors, as Hosts and Listeners use them."""

from collections import abc
from dataclasses import dataclass, field

from translator.decode import rule

Selector = tuple[tuple[str, str], ...]
"""Labels that an object must have, by name; `()` asks for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSelector:
    """Which objects are meant, by their labels."""

    match_labels: abc.Mapping[str, str] | None = field(
        default=None, metadata=rule(name="matchLabels", doc="Labels that an object must have, all of them.")
    )
    match_expressions: object = field(
        default=None,
        metadata=rule(name="matchExpressions", doc="Not served.", warn="is not served: only matchLabels counts"),
    )

    @property
    def wanted(self) -> Selector:
        """The labels, sorted."""
        return tuple(sorted((self.match_labels or {}).items()))


def selects(selector: Selector, labels: abc.Mapping[str, str], *, strict: bool = True) -> bool:
    """Whether an object with these labels is meant: all must match; any one is enough when not strict."""
    found = (labels.get(name) == value for name, value in selector)
    return all(found) if strict or not selector else any(found)
