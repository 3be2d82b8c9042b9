"""Headers that services believe: by name and by beginning, however spelled; and the page that tells of them."""

from pathlib import Path

import pytest
import re2
from hypothesis import example, given
from hypothesis import strategies as st

from translator import operators
from translator.checks import LARGEST_REGEX, regex
from translator.xds.believed import EXPRESSIONS, MADE_BY_ENVOY, NAMES, PREFIXES, all_but

PAGE = (Path(__file__).parents[3] / "docs" / "requests.md").read_text()


def is_taken_away(name: str) -> bool:
    return any(re2.fullmatch(each, name) for each in EXPRESSIONS)


def test_each_expression_is_small_enough_for_envoy() -> None:
    for each in EXPRESSIONS:
        assert regex(each, LARGEST_REGEX) == each


@pytest.mark.parametrize("name", [*NAMES, *PREFIXES, *(f"{prefix}x-y" for prefix in PREFIXES)])
def test_they_are_taken_away_in_every_spelling(name: str) -> None:
    for spelled in (name, name.replace("-", "_"), name.replace("-", "_", 1)):
        assert is_taken_away(spelled)


def test_what_envoy_makes_itself_is_left_to_it_in_its_own_spelling() -> None:
    for each in MADE_BY_ENVOY:
        assert not is_taken_away(f"x-forwarded-{each}")
        for spelled in (f"x_forwarded-{each}", f"x-forwarded_{each}", f"x_forwarded_{each.replace('-', '_')}"):
            assert is_taken_away(spelled)
        assert is_taken_away(f"x-forwarded-{each}-original")
    assert is_taken_away("x-forwarded-client_cert")


STAYING = """
host accept cookie authorization proxy-authorization proxy-connection x-request-id via te x-requested-with x-user
x-http-method-override traceparent x-b3-traceid x-hostname x-real :authority :path upgrade content-type x-forward-me
grpc-timeout x-client-trace-id remote
"""


@pytest.mark.parametrize("name", STAYING.split())
def test_what_is_no_proxys_word_stays(name: str) -> None:
    assert not is_taken_away(name)


@given(st.sets(st.text("ab-", max_size=4), max_size=4), st.text("ab-c_", max_size=6))
@example({"client-cert", "for"}, "fo")
def test_all_but_matches_every_other_text(words: set[str], text: str) -> None:
    for each in (text, *words):
        assert bool(re2.fullmatch(all_but(words), each)) == (each not in words)


def test_the_page_tells_of_each_of_them() -> None:
    for name in NAMES:
        assert f"`{name}`" in PAGE
    for prefix in PREFIXES:
        assert f"`{prefix}*`" in PAGE
    for operator in operators.REFUSED:
        assert f"`{operator}`" in PAGE
