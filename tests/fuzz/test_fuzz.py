"""Mutated objects beside good ones: the same cases in every run. `make fuzz` goes on from there."""

import pytest

from tests.fuzz.beside import Beside, case_of
from tests.fuzz.serving import Serving
from tests.fuzz.worlds import good_world, originals
from translator.offline import translate
from translator.options import Options

CASES = 2_000
STORMS = 20


def test_the_good_world_is_good() -> None:
    assert {status.state for status in translate(good_world(), Options()).statuses.values()} == {"ok"}


def test_every_kind_is_mutated() -> None:
    kinds = {document["kind"] for document in originals()}
    assert {key.split("/")[1] for key in good_world()} <= kinds


def test_a_seed_makes_the_same_case_and_another_one_another() -> None:
    assert case_of(1).objects == case_of(1).objects
    assert len({str(case_of(seed).objects) for seed in range(50)}) == 50


def test_mutated_objects_hurt_no_good_one() -> None:
    beside = Beside()
    for seed in range(CASES):
        beside.check(case_of(seed))


@pytest.mark.envoy
@pytest.mark.system
def test_storms_of_mutated_objects_fail_no_request_and_end_no_part() -> None:
    with Serving() as serving:
        for seed in range(STORMS):
            serving.storm(seed, 25)
