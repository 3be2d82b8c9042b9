"""Host names and their globs: what a Host serves, what a Mapping asks for, and whether some name could be both.

`*` counts only as the first or the last character. Names are compared without regard to case, as DNS does; ports are
text like any other.
"""

from functools import lru_cache

from translator.checks import host_glob
from translator.decode import Invalid, quote
from translator.remembering import shared


def mapping_hostname(text: str) -> str:
    """The check of a Mapping's hostname: in lower case, with `*` alone, at the beginning or at the end.

    Many Mappings have the same one, which is in memory once.
    """
    return shared(host_hostname(text)) if text else text


def host_hostname(text: str) -> str:
    """The check of a Host's hostname, which may carry a port."""
    if text.startswith("."):
        raise Invalid(f"must not begin with a dot, as {quote(text)} does: use {quote('*' + text)} for every name below")
    return host_glob(text).lower()


def is_glob(hostname: str) -> bool:
    """Whether a checked host name stands for more than one."""
    return "*" in hostname


def overlap(one: str, other: str) -> bool:
    """Whether some name could be both: the rule of Emissary for a Host and a Mapping."""
    if one == other or "*" in (one, other):
        return True
    if is_glob(one) and is_glob(other):
        return _globs_overlap(one, other)
    if is_glob(one):
        return matches(one, other)
    return is_glob(other) and matches(other, one)


def matches(glob: str, name: str) -> bool:
    """Whether a glob stands for a name; its `*` never stands for nothing, unless it is all of it."""
    if glob == "*":
        return True
    if len(name) < len(glob):
        return False
    return name.endswith(glob[1:]) if glob[0] == "*" else name.startswith(glob[:-1])


def _globs_overlap(one: str, other: str) -> bool:
    if one[0] == "*" and other[0] == "*":
        return one.endswith(other[1:]) or other.endswith(one[1:])
    if one[-1] == "*" and other[-1] == "*":
        return one.startswith(other[:-1]) or other.startswith(one[:-1])
    return True


def covers(glob: str, hostname: str) -> bool:
    """Whether every name that a hostname stands for is one that a glob stands for."""
    if glob in {hostname, "*"}:
        return True
    if not is_glob(glob) or hostname == "*":
        return False
    if not is_glob(hostname):
        return matches(glob, hostname)
    return (glob[0] == hostname[0] == "*" and hostname.endswith(glob[1:])) or (
        glob[-1] == hostname[-1] == "*" and hostname.startswith(glob[:-1])
    )


def without_port(hostname: str) -> str:
    """The name that a client asks for in TLS."""
    name, colon, port = hostname.rpartition(":")
    return name if colon and port.isdigit() and not name.endswith(":") else hostname


def server_of(hostname: str) -> str:
    """The name without a port and without the final dot of the root: as DNS and TLS know it."""
    return without_port(hostname).removesuffix(".")


@lru_cache(maxsize=16_384)
def spellings(hostname: str, ports: tuple[str, ...] = ()) -> tuple[str, ...]:
    """How else a request may name the same: with a port, an empty one, the final dot of the root; as globs for Envoy.

    No glob can say `*.example.com` with any port: there only `ports` (`:8443`) are said, and the others are left.
    """
    base = server_of(hostname)
    if base.endswith("*"):
        return ()  # the beginning of a name stands for whatever follows
    port = hostname[len(without_port(hostname)) :]
    ends = (port,) if port else ("", *ports) if is_glob(base) else ("", ":", ":*", *ports)
    return tuple([each for end in ends for each in (f"{base}{end}", f"{base}.{end}") if each != hostname])


def wider(hostname: str) -> tuple[str, ...]:
    """The globs that TLS knows, longest first, which stand for every name that a hostname stands for, but are wider."""
    text = server_of(hostname).removeprefix("*")
    found = []
    dot = -1 if text.endswith("*") else text.find(".", 1)
    while dot >= 0:
        found.append("*" + text[dot:])
        dot = text.find(".", dot + 1)
    return tuple(found) if hostname == "*" else (*found, "*")


def rank(hostname: str) -> tuple[int, int]:
    """Of hostnames that stand for one name, the smallest has it.

    Source: Envoy, VirtualHost.domains: exact names, then the longest suffix, then the longest prefix, then `*`.
    """
    if not is_glob(hostname):
        return 0, 0
    return (3, 0) if hostname == "*" else (1 if hostname[0] == "*" else 2, -len(hostname))


def server_names(hostname: str) -> tuple[str, ...] | None:
    """How Envoy is told of the name in TLS, `()` for every name; None when it cannot be.

    Source: Envoy, FilterChainMatch.server_names: a wildcard stands for whole labels, at the beginning.
    """
    name = without_port(hostname)
    if name == "*":
        return ()
    return (name,) if "*" not in name or name.startswith("*.") else None
