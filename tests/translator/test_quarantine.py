"""How the guilty object is found among many."""

import pytest

from translator.quarantine import begin, judged


@pytest.mark.parametrize("guilty", range(13))
def test_a_trial_ends_with_the_guilty_one(guilty: int) -> None:
    suspects = [f"object-{index}" for index in range(13)]
    trial, rounds = begin("route/r", "no", suspects), 0
    while len(trial.suspects) > 1:
        refused = f"object-{guilty}" in trial.active
        trial, rounds = judged(trial, accepted=not refused), rounds + 1
    assert trial.suspects == (f"object-{guilty}",)
    assert rounds <= 4
