"""The values of single variables of the environment: each is read here, and what cannot be is an error that names it.

What the variables are for is in `process.settings`. Empty ones are not among those given.
"""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, get_args

LogLevel = Literal["debug", "info", "warning", "error"]

_LEVELS: Mapping[str, LogLevel] = {name: name for name in get_args(LogLevel)} | {
    "trace": "debug",
    "warn": "warning",
    "critical": "error",
    "fatal": "error",
    "panic": "error",
}

_BOOLEANS = {
    **dict.fromkeys(("true", "t", "1", "yes", "y", "on"), True),
    **dict.fromkeys(("false", "f", "0", "no", "n", "off"), False),
}

LONGEST_PATH: Final = 200
"""Bytes of a path that objects, or the environment, name: two of them are a key in the snapshot."""


_FAMILIES: Final = {"ANY": None, "IPV4_ONLY": "0.0.0.0", "IPV6_ONLY": "::"}
_HTTPS: Final = re.compile(r"https://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/[!-~]*")


class SettingsError(ValueError):
    """A variable of the environment has a value that cannot be; the message names it."""


def path(given: Mapping[str, str], name: str, what: str) -> Path | None:
    """A folder or file by its whole path, short enough to be a name in the snapshot."""
    text = given.get(name)
    if text is not None and not (text.startswith("/") and text.isprintable() and len(text.encode()) <= LONGEST_PATH):
        raise SettingsError(f"{name}: {text!r} is not the whole path of a {what}, in at most {LONGEST_PATH} bytes")
    return Path(text) if text else None


def addresses(given: Mapping[str, str], name: str, default: str) -> list[str]:
    """One address or several, with commas between; those that another one stands for left out."""
    texts = [part.strip() for part in given.get(name, default).split(",")]
    found = list(dict.fromkeys(_spelled(name, text) for text in texts))
    if "::" in found:
        return ["::"]
    return [each for each in found if each == "0.0.0.0" or ":" in each or "0.0.0.0" not in found]


def of_family(given: Mapping[str, str], name: str, family_name: str, default: str) -> str:
    """An address of the family that is wanted, which chooses among all addresses."""
    address, family = _spelled(name, given.get(name, default)), given.get(family_name, "ANY")
    if family not in _FAMILIES:
        raise SettingsError(f"{family_name}: {family!r} is none of {', '.join(_FAMILIES)}")
    wanted = _FAMILIES[family]
    if wanted is None or (":" in address) == (":" in wanted):
        return address
    if address in {"0.0.0.0", "::"}:
        return wanted
    raise SettingsError(f"{family_name}: {address}, which {name} says, is not of the family {family}")


def _spelled(name: str, text: str) -> str:
    """An address in its one spelling, for others to compare. An IPv4 address in the form of IPv6 is an IPv4 address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise SettingsError(f"{name}: {text!r} is not an IP address") from None
    return str(getattr(address, "ipv4_mapped", None) or address)


def host_and_port(given: Mapping[str, str], name: str) -> str | None:
    """Of the form host:port; None where it is not given."""
    text = given.get(name)
    host, _, port = (text or "").rpartition(":")
    if text is not None and not (host and _is_port(port)):
        raise SettingsError(f"{name}: {text!r} is not of the form host:port")
    return text


def ports(given: Mapping[str, str], name: str) -> tuple[int, ...]:
    """A port of HTTP and one of HTTPS, or the first alone."""
    parts = given[name].split(",") if name in given else []
    if len(parts) > 2 or len(set(parts)) < len(parts) or not all(map(_is_port, parts)):
        raise SettingsError(f"{name}: {given[name]!r} is not the port of HTTP, a comma, and another one of HTTPS")
    return tuple(map(int, parts))


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) < 65536


def https(given: Mapping[str, str], name: str, default: str) -> str:
    """A URL of https; empty where the variable says so."""
    text = given.get(name, default)
    if text and not _HTTPS.fullmatch(text):
        raise SettingsError(f"{name}: {text!r} is not of the form https://host[:port]/path")
    return text


def whole(given: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """A whole number in these bounds."""
    text = given.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise SettingsError(f"{name}: {text!r} is not a whole number from {least} to {most}")
    return int(text)


def seconds(given: Mapping[str, str], name: str, default: float, least: float = 0) -> float:
    """A number of seconds, up to a day; an s may follow it."""
    text = given.get(name)
    try:
        seconds = default if text is None else float(text.removesuffix("s"))
    except ValueError:
        seconds = -1.0
    if not least <= seconds <= 86400:
        raise SettingsError(f"{name}: {text!r} is not a number of seconds from {least:g} to 86400")
    return seconds


def boolean(given: Mapping[str, str], name: str, default: bool) -> bool:
    """True or false, in the words that Go takes, and a few more."""
    text = given.get(name)
    if text is None:
        return default
    if text.lower() not in _BOOLEANS:
        raise SettingsError(f"{name}: {text!r} is neither true nor false")
    return _BOOLEANS[text.lower()]


def level(given: Mapping[str, str], name: str, default: LogLevel) -> LogLevel:
    """From which level on is logged, by Envoy's and Emissary's names too."""
    text = given.get(name, default)
    if text.lower() not in _LEVELS:
        raise SettingsError(f"{name}: {text!r} is none of {', '.join(_LEVELS)}")
    return _LEVELS[text.lower()]
