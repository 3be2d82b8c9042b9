"""Label selectors of Hosts, Listeners and Gateways: what Kubernetes means by one, and where one is looked up."""

from collections import abc
from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import Annotated, ClassVar, Final, Literal, NamedTuple

from translator.decode import Problem, Rule, Validation, rule
from translator.values import dataclass

Operator = Literal["In", "NotIn", "Exists", "DoesNotExist"]
Place = tuple[str, ...]
"""Where selectors are found: a label with its value, a label with any value, or `ANYWHERE`."""

ANYWHERE: Final[Place] = ()
WITH_VALUES: Final = frozenset({"In", "NotIn"})

MOST_EXPRESSIONS: Final = 100
MOST_VALUES: Final = 1_000
LONGEST_KEY: Final = 253 + 1 + 63
_NAME: Final = "[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY: Final = f"(?:[a-z0-9](?:[-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_NAME}"

LabelKey = Annotated[
    str, Rule(max_size=LONGEST_KEY, pattern=_KEY, hint="the name of a label, such as team or example.com/team")
]
LabelValue = Annotated[
    str, Rule(max_size=63, pattern=f"(?:{_NAME})?", hint="the value of a label: letters, digits, and -_. between them")
]


class Requirement(NamedTuple):
    """What one expression asks of an object's labels; the values are sorted, each once."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def holds(self, labels: abc.Mapping[str, str]) -> bool:
        """Whether it is met. What is not there is not in any list either."""
        value = labels.get(self.key)
        if self.operator == "In":
            return value in self.values
        if self.operator == "NotIn":
            return value not in self.values
        return (value is not None) == (self.operator == "Exists")


class Selector(NamedTuple):
    """What is asked of an object's labels, in an order that does not depend on how it was written."""

    labels: tuple[tuple[str, str], ...] = ()
    expressions: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelExpression:
    """What is asked of one label."""

    VALIDATIONS: ClassVar[tuple[Validation, ...]] = (
        Validation(
            "(self.operator in ['In', 'NotIn']) == (has(self.values) && self.values.size() > 0)",
            "values must not be empty with In and NotIn, and must be empty with Exists and DoesNotExist",
        ),
    )

    key: LabelKey = field(metadata=rule("The label's name."))
    operator: Operator = field(
        metadata=rule(
            "In or NotIn: whether the value is one of `values`; Exists or DoesNotExist: whether there is one at all. "
            "NotIn and DoesNotExist hold without the label too."
        )
    )
    values: tuple[LabelValue, ...] | None = field(
        default=None, metadata=rule("With In and NotIn: which values; else absent.", max_size=MOST_VALUES)
    )

    def cross_check(self) -> Iterable[Problem]:
        """Values belong to some operators, and are wanted there."""
        if self.operator in WITH_VALUES and not self.values:
            yield Problem("values", f"must not be empty with the operator {self.operator}")
        elif self.operator not in WITH_VALUES and self.values:
            yield Problem("values", f"must be empty with the operator {self.operator}, which asks for no value")

    @property
    def wanted(self) -> Requirement:
        """The same as a value that can be compared."""
        return Requirement(self.key, self.operator, tuple(sorted(set(self.values or ()))))


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSelector:
    """Which objects are meant, by their labels: all that is said of them must hold."""

    match_labels: abc.Mapping[str, str] | None = field(
        default=None, metadata=rule(name="matchLabels", doc="Labels that an object must have, all of them.")
    )
    match_expressions: tuple[LabelExpression, ...] | None = field(
        default=None,
        metadata=rule(
            name="matchExpressions", doc="What else must hold of its labels, all of it.", max_size=MOST_EXPRESSIONS
        ),
    )

    @property
    def is_empty(self) -> bool:
        """Whether it is `{}`, which is as if it were absent."""
        return self.match_labels is None and self.match_expressions is None

    @property
    def wanted(self) -> Selector:
        """The same as a value that can be compared."""
        return Selector(
            tuple(sorted((self.match_labels or {}).items())),
            tuple(sorted({each.wanted for each in self.match_expressions or ()})),
        )


def selects(selector: Selector, labels: abc.Mapping[str, str], *, strict: bool = True) -> bool:
    """Whether an object with these labels is meant.

    All labels and all expressions must hold. When not strict, any one of the labels is enough; the expressions must
    hold all the same, since most objects lack most labels, so that any one `NotIn` would mean nearly everything.
    """
    if selector.labels:
        found = (labels.get(name) == value for name, value in selector.labels)
        if not (all(found) if strict else any(found)):
            return False
    return all(each.holds(labels) for each in selector.expressions)


def may_select(selector: Selector, labels: abc.Mapping[str, str | None]) -> bool:
    """Whether an object is meant for all that is known of its labels.

    A value that is None cannot be read: it may be anything, nothing too.
    """
    known = {name: value for name, value in labels.items() if value is not None}
    left = Selector(
        tuple([each for each in selector.labels if each[0] in known or each[0] not in labels]),
        tuple([each for each in selector.expressions if each.key in known or each.key not in labels]),
    )
    return selects(left, known)


def places_of(selector: Selector, *, strict: bool) -> tuple[Place, ...]:
    """Where a selector is found: whatever object it means has one of these places among its own (`places_among`).

    One label is enough to find a strict one; else it takes each of the labels, or each value of an `In`, or the name of
    a label that must exist. What only asks for absence is found anywhere, so that every object is compared with it.
    """
    if selector.labels:
        return selector.labels[:1] if strict else selector.labels
    listed = [each for each in selector.expressions if each.operator == "In"]
    if listed:
        least = min(listed, key=lambda each: len(each.values))
        return tuple([(least.key, value) for value in least.values])
    existing = [each.key for each in selector.expressions if each.operator == "Exists"]
    return ((existing[0],),) if existing else (ANYWHERE,)


def places_among(labels: abc.Mapping[str, str]) -> Iterator[Place]:
    """The places of an object with these labels."""
    yield ANYWHERE
    for name, value in labels.items():
        yield (name,)
        yield (name, value)
