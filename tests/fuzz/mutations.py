"""Odd things done to a JSON object, by chance: what people write by mistake, and what nobody would.

    mutated(Random(7), {"prefix": "/a/"}, spares)

The chance is the caller's, so that a seed is enough to see a case again.
"""

import copy
from collections.abc import Sequence
from random import Random
from typing import Any

Place = tuple[Any, Any]
"""A container, and a key or an index of it."""

ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    65_535,
    65_536,
    2**31,
    2**63,
    2**64,
    -(2**63),
    0.5,
    1e308,
    "",
    " ",
    "*",
    "**",
    ".",
    "..",
    "/",
    "//",
    "a b",
    "a\nb",
    "\x00",
    "\x1b[31m",
    "\u2028",
    "\u202e",
    "é",
    "😀",
    "%",
    "%%",
    "%REQ(x)%",
    "%NOPE%",
    "(",
    "[",
    "a{1001}",
    ".*",
    "\\1",
    "null",
    "true",
    "1",
    "-1",
    "1s",
    "127.0.0.1",
    "::1",
    "[::1]:80",
    "localhost:8877",
    "https://x.test",
    "http://",
    "x.test:99999",
    "*.test",
    "team.*",
    "../..",
    "x" * 300,
    "x" * 20_000,
    [],
    {},
    [[]],
    [{}],
    {"": ""},
    {"a": {"b": {"c": {"d": 1}}}},
    ["a"] * 300,
    {f"k{number}": number for number in range(300)},
)


def mutated(random: Random, document: Any, spares: Sequence[Any]) -> Any:
    """A copy with one to three changes; `spares` are values of other objects that may take a place."""
    changed = copy.deepcopy(document)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        places = list(places_of(changed))
        if places:
            random.choice(_CHANGES)(random, random.choice(places), spares)
    return changed


def places_of(value: Any) -> list[Place]:
    """Every place inside a value, from the outside to the inside."""
    found: list[Place] = []
    todo = [value]
    while todo:
        container = todo.pop()
        keys = list(container) if isinstance(container, dict) else range(len(container))
        for key in keys:
            found.append((container, key))
            if isinstance(container[key], dict | list):
                todo.append(container[key])
    return found


def _replace(random: Random, place: Place, spares: Sequence[Any]) -> None:
    container, key = place
    container[key] = copy.deepcopy(random.choice(ODD))


def _swap(random: Random, place: Place, spares: Sequence[Any]) -> None:
    container, key = place
    container[key] = copy.deepcopy(random.choice(spares))


def _remove(random: Random, place: Place, spares: Sequence[Any]) -> None:
    container, key = place
    del container[key]


def _add(random: Random, place: Place, spares: Sequence[Any]) -> None:
    container, _ = place
    value = copy.deepcopy(random.choice((*ODD, *spares)))
    if isinstance(container, dict):
        container[random.choice(_NAMES)] = value
    else:
        container.append(value)


def _wrap(random: Random, place: Place, spares: Sequence[Any]) -> None:
    container, key = place
    container[key] = random.choice(([container[key]], {"value": container[key]}, str(container[key])))


def _repeat(random: Random, place: Place, spares: Sequence[Any]) -> None:
    container, key = place
    value = container[key]
    if isinstance(value, str):
        container[key] = value * random.choice((2, 100))
    elif isinstance(value, list):
        container[key] = value * random.choice((2, 50))
    elif isinstance(value, int):
        container[key] = -value if random.random() < 0.5 else value + random.choice((-1, 1, 1000))


def _edit(random: Random, place: Place, spares: Sequence[Any]) -> None:
    container, key = place
    value = container[key]
    if isinstance(value, str) and value:
        at = int(random.random() * len(value))  # one draw, however long: certificates differ from run to run
        container[key] = value[:at] + random.choice(("", "*", ".", ":", "/", "%", "\n", "A", "é")) + value[at + 1 :]


def _misspell(random: Random, place: Place, spares: Sequence[Any]) -> None:
    container, key = place
    if isinstance(container, dict):
        container[random.choice((key.upper(), f"{key}s", f" {key}", key.replace("_", "")))] = container.pop(key)


_CHANGES = (_replace, _replace, _swap, _remove, _add, _wrap, _repeat, _edit, _misspell)

# Names of fields that mean something somewhere.
_NAMES = (
    *("hostname", "host", "prefix", "prefix_regex", "host_regex", "service", "rewrite", "regex_rewrite", "headers"),
    *("regex_headers", "method", "weight", "tls", "precedence", "labels", "ambassador_id", "tlsSecret", "tlsContext"),
    *("mappingSelector", "selector", "hosts", "secret", "ca_secret", "port", "address", "protocol", "securityModel"),
    *("hostBinding", "host_redirect", "shadow", "timeout_ms", "retry_policy", "add_request_headers", "config", "data"),
    *("metadata", "namespace", "ports", "endpoints", "spec", "apiVersion", "unknown"),
)
