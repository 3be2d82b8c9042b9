"""The pages of reference tell what the code does."""

import pytest

from tests.translator.emissary.reference import KINDS, PAGES, page_of


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_page_is_what_the_code_says(name: str) -> None:
    stale = "stale: python -m tests.translator.emissary.reference"
    assert (PAGES / f"{name}.md").read_text() == page_of(name), stale
