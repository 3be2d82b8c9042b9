"""Passwords of users, as `htpasswd` writes them: who has none is answered 401, before anybody else is asked.

Envoy's own filter for it knows SHA-1 alone, without a salt, and htpasswd's default is apr1: MD5, a thousand times over.
A worker does no more than twenty such in a second, so that nobody can keep it busy by guessing; a password that was
right once costs nothing any more.

The script is in `checks`. Source: Apache's apr_md5.c for apr1.
"""

from dataclasses import field
from typing import Any, Final

from translator.values import dataclass

USER: Final = "user:"
"""Before the name of a user in what the script is told: its value is a hash, which no output of ours shows."""


@dataclass(frozen=True, slots=True)
class Passwords:
    """Users with the hashes of their passwords: apr1, {SHA} or {SSHA}; `realm` is what clients are told of them."""

    users: tuple[tuple[str, str], ...] = field(repr=False)
    realm: str = ""


def context_of(said: Passwords) -> dict[str, Any]:
    """What the script is told."""
    realm = said.realm.replace("\\", "\\\\").replace('"', '\\"')
    users = {f"{USER}{name}": password for name, password in said.users}
    return {**users, "challenge": f'Basic realm="{realm}"'}
