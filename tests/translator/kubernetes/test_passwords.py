"""Files of htpasswd's: who of them can get in, and what a file that is none is told."""

import base64
from typing import Any

import pytest

from translator.kubernetes.passwords import MOST_USERS, PasswordFile, passwords_of

APR1 = "$apr1$eWTxv7s1$WcVRsPMz5TEYm2sxV477R1"
SHA = "{SHA}" + base64.b64encode(b"0" * 20).decode()


def secret(text: bytes, key: str = "auth") -> dict[str, Any]:
    return {"kind": "Secret", "data": {key: base64.b64encode(text).decode()}}


def test_users_have_hashes() -> None:
    text = f"# ours\nann:{APR1}\r\n\nbob:{SHA}:a comment\nann:{SHA}\n"
    assert passwords_of(secret(text.encode())) == PasswordFile((("ann", APR1), ("bob", SHA)))


@pytest.mark.parametrize(
    "hashed", ["$2y$05$bBlzpVMKOWSbGcRwT1AvYe", "$6$salt$hash", "rqXexS6ZhobKA", "{PLAIN}secret", "$apr1$x$short", ""]
)
def test_who_has_another_hash_cannot_get_in_and_is_named(hashed: str) -> None:
    assert passwords_of(secret(f"eve:{hashed}\nann:{APR1}".encode())) == PasswordFile((("ann", APR1),), others=("eve",))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (secret(b"nonsense"), "data[auth]: line 1 must be a user, a colon, and a hash"),
        (secret(b":" + APR1.encode()), "data[auth]: line 1 must be a user, a colon, and a hash"),
        (secret(b"\xff:x"), "data[auth]: must be UTF-8"),
        ({"data": {"auth": "%"}}, "data[auth]: must be base64"),
        ({"data": {"auth": 5}}, "data.auth: must be a string, not an integer"),
        (
            secret("\n".join(f"u{number}:{SHA}" for number in range(MOST_USERS + 1)).encode()),
            "data[auth]: may have 5,000 users at most",
        ),
    ],
)
def test_what_is_no_file_of_passwords(document: dict[str, Any], said: str) -> None:
    found = passwords_of(document)
    assert found is not None
    assert (found.problem, found.users) == (said, ())


def test_other_secrets_have_none() -> None:
    assert passwords_of(secret(b"x", "tls.crt")) is None


def test_hashes_are_not_shown() -> None:
    assert APR1 not in repr(passwords_of(secret(f"ann:{APR1}".encode())))
