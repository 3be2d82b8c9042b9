"""Every golden case gives what its file says."""

import pytest

from tests.golden.cases import Case, cases


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.path.stem)
def test_golden(case: Case) -> None:
    assert case.gives, f"{case.path.name} has no second half yet: make golden"
    assert case.result() == case.gives
