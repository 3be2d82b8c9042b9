"""Variables of the environment in objects, and other dollars."""

import orjson
import pytest

from translator.variables import filled_in

VARIABLES = {"HOST": "a.test", "EMPTY": "", "QUOTE": '"x"'}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("$HOST", "a.test"),
        ("${HOST}", "a.test"),
        ("x-${HOST}-$HOST/", "x-a.test-a.test/"),
        ("$EMPTY.", "."),
        ("$QUOTE", '"x"'),
        ("$HOSTS", "$HOSTS"),
        ("${UNKNOWN}", "${UNKNOWN}"),
        ("^/a$|^/b$", "^/a$|^/b$"),
        ("$1 $$ ${} $", "$1 $$ ${} $"),
    ],
)
def test_variables(written: str, read: str) -> None:
    body = orjson.dumps({"spec": {"a": [{"b": written}], "n": 1}})
    assert orjson.loads(filled_in(body, VARIABLES)) == {"spec": {"a": [{"b": read}], "n": 1}}


def test_what_names_none_stays_the_same_bytes() -> None:
    body = b'{"a" : "^/x$"}'
    assert filled_in(body, VARIABLES) is body
    assert filled_in(b'{"a": "$HOST"}', {}) == b'{"a": "$HOST"}'
