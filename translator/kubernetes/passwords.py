"""Files of passwords in Secrets, as `htpasswd` writes them."""

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

from translator.kubernetes.secret import entries_of
from translator.kubernetes.shapes import misshapen_secret
from translator.values import dataclass

KEY: Final = "auth"
MOST_USERS: Final = 5_000
_HASH: Final = re.compile(r"\$apr1\$[./0-9A-Za-z]{1,8}\$[./0-9A-Za-z]{22}|\{S?SHA\}[A-Za-z0-9+/]{27,200}={0,2}")
_LONGEST_NAME: Final = 255


@dataclass(frozen=True, slots=True)
class PasswordFile:
    """Users with hashes of their passwords. `problem`: why nothing can be read; `others` are users left out."""

    users: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    problem: str | None = None
    others: tuple[str, ...] = ()


def passwords_of(document: Mapping[str, Any]) -> PasswordFile | None:
    """Read a Secret; None where it has no such file."""
    if misshapen := misshapen_secret(document):
        return PasswordFile(problem=f"{misshapen[0].path}: {misshapen[0].message}")
    entries = entries_of(document)
    if isinstance(entries, str):
        return PasswordFile(problem=entries)
    text = entries.get(KEY)
    return None if text is None else _read(text)


def _read(text: bytes) -> PasswordFile:
    try:
        lines = text.decode().splitlines()
    except UnicodeDecodeError:
        return PasswordFile(problem=f"data[{KEY}]: must be UTF-8")
    users: dict[str, str] = {}
    others: dict[str, bool] = {}
    for number, line in enumerate(lines, 1):
        name, colon, rest = line.partition(":")
        if not line.strip() or line.startswith("#"):
            continue
        if not colon or not 0 < len(name) <= _LONGEST_NAME:
            return PasswordFile(problem=f"data[{KEY}]: line {number} must be a user, a colon, and a hash")
        hashed = rest.partition(":")[0].strip()
        if name in users or name in others:
            continue  # the first line of a user counts, as in nginx
        if _HASH.fullmatch(hashed):
            users[name] = hashed
        else:
            others[name] = True
    if len(users) > MOST_USERS:
        return PasswordFile(problem=f"data[{KEY}]: may have {MOST_USERS:,} users at most")
    return PasswordFile(tuple(users.items()), others=tuple(others))
