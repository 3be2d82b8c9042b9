"""What the CPU of the translator is allowed to be, as a multiple of the floor's. Pure: costs in, sentences out.

On a shared machine a processor is up to twice as slow as it was a second ago. Both sides of one round are measured
within that second, and so the median of the rounds' ratios hardly moves; where it is too large, more rounds are asked
for before that counts.
"""

import statistics
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

LIMIT: Final = 1.5
"""Of the reference ratio: from here on it is a regression."""

REFERENCES: Final = Path(__file__).with_name("guard.json")

MINOR: Final = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU milliseconds of the same work, measured in turn: `ours` and the floor's."""

    ours: float
    floor: float

    @property
    def ratio(self) -> float:
        """How many times the floor's it is."""
        return self.ours / self.floor


@dataclass(frozen=True, slots=True)
class Round:
    """What one round measured."""

    cold: Cost
    change: Cost


Ratios = Mapping[str, float]
"""By what is measured, `cold` and `change`: how many times the floor's CPU."""


def mean_of(costs: Iterable[Cost]) -> Cost:
    """The mean of each."""
    found = list(costs)
    return Cost(statistics.mean(each.ours for each in found), statistics.mean(each.floor for each in found))


def median_of(costs: Iterable[Cost]) -> Cost:
    """The median of each, for people."""
    found = list(costs)
    return Cost(statistics.median(each.ours for each in found), statistics.median(each.floor for each in found))


def ratios(rounds: Iterable[Round]) -> Ratios:
    """The medians of the rounds' ratios."""
    found = list(rounds)
    return {name: statistics.median(getattr(each, name).ratio for each in found) for name in ("cold", "change")}


def regressions(measured: Ratios, reference: Ratios) -> list[str]:
    """A sentence for each ratio that is too large; none: all is well."""
    return [
        f"{name}: {ratio:.2f} times the floor, {ratio / reference[name]:.2f} of the reference ({reference[name]:.2f});"
        f" {LIMIT} of it is too much"
        for name, ratio in measured.items()
        if ratio >= LIMIT * reference[name]
    ]


def reference_of(references: Mapping[str, Ratios], minor: str) -> Ratios:
    """The references of a minor version of Python; of one that has none, the loosest there are."""
    if minor in references:
        return references[minor]
    return {name: max(each[name] for each in references.values()) for name in ("cold", "change")}


def read_references() -> dict[str, Ratios]:
    """What is committed, by minor version of Python."""
    found: dict[str, Ratios] = orjson.loads(REFERENCES.read_bytes())
    return found


def with_reference(references: Mapping[str, Ratios], minor: str, measured: Ratios) -> bytes:
    """The file with the references of one version replaced."""
    rounded = {name: round(ratio, 2) for name, ratio in measured.items()}
    every = dict(sorted({**references, minor: rounded}.items()))
    return orjson.dumps(every, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
