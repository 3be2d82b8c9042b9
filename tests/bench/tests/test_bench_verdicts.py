"""When the guard of the translator's CPU says that something is too slow, by what was measured."""

import random

import orjson
import pytest

from tests.bench.verdicts import (
    LIMIT,
    REFERENCES,
    Cost,
    Round,
    ratios,
    read_references,
    reference_of,
    regressions,
    with_reference,
)

REFERENCE = {"cold": 27.0, "change": 4.3}


def measured(*, cold: float = 1.0, change: float = 1.0, seed: int = 0, rounds: int = 20) -> list[Round]:
    """Rounds on a busy machine: it is up to twice as slow from one to the next, and each time is off by a tenth.

    `cold` and `change` are how many times as slow as the reference the translator is.
    """
    chance = random.Random(seed)

    def cost(floor: float, ratio: float, slowness: float) -> Cost:
        ours, least = (slowness * chance.uniform(1.0, 1.1) for _ in range(2))
        return Cost(floor * ratio * ours, floor * least)

    return [
        Round(
            cost(1.2, REFERENCE["cold"] * cold, slowness := chance.uniform(1.0, 2.0)),
            cost(0.25, REFERENCE["change"] * change, slowness),
        )
        for _ in range(rounds)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_what_is_as_fast_as_ever_passes_on_a_busy_machine(seed: int) -> None:
    assert regressions(ratios(measured(seed=seed)), REFERENCE) == []


@pytest.mark.parametrize("seed", range(20))
def test_what_is_a_third_slower_passes(seed: int) -> None:
    assert regressions(ratios(measured(cold=1.33, change=1.33, seed=seed)), REFERENCE) == []


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("slower", ["cold", "change"])
def test_what_takes_1_6_times_as_long_fails_alone(slower: str, seed: int) -> None:
    found = regressions(ratios(measured(seed=seed, **{slower: 1.6})), REFERENCE)  # type: ignore[arg-type]
    assert len(found) == 1
    assert found[0].startswith(f"{slower}: ")


def test_the_limit_itself_is_too_much() -> None:
    assert regressions({"cold": LIMIT * 27.0, "change": 4.3}, REFERENCE)
    assert not regressions({"cold": LIMIT * 27.0 - 0.01, "change": 4.3}, REFERENCE)


def test_one_wild_round_changes_no_verdict() -> None:
    wild = Round(Cost(10_000.0, 1.0), Cost(1000.0, 0.1))
    assert regressions(ratios([*measured(), wild]), REFERENCE) == []


def test_a_version_of_python_without_references_takes_the_loosest() -> None:
    references = {"3.11": {"cold": 27.0, "change": 4.1}, "3.13": {"cold": 26.0, "change": 4.3}}
    assert reference_of(references, "3.13") == references["3.13"]
    assert reference_of(references, "3.12") == {"cold": 27.0, "change": 4.3}


def test_new_references_of_one_version_leave_the_others() -> None:
    written = orjson.loads(with_reference({"3.13": REFERENCE}, "3.11", {"cold": 20.12345, "change": 3.0}))
    assert written == {"3.11": {"cold": 20.12, "change": 3.0}, "3.13": REFERENCE}


def test_references_are_committed_for_the_versions_that_are_tested() -> None:
    assert {"3.11", "3.13"} <= read_references().keys()
    assert REFERENCES.read_bytes() == with_reference(read_references(), "3.11", read_references()["3.11"])
