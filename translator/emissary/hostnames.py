"""Host names and their globs: what a Host serves, what a Mapping asks for, and whether some name could be both.

`*` counts only as the first or the last character. Names are compared without regard to case, as DNS does; ports are
text like any other.
"""

from translator.checks import host_glob
from translator.decode import Invalid, quote


def mapping_hostname(text: str) -> str:
    """The check of a Mapping's hostname: in lower case, with `*` alone, at the beginning or at the end."""
    return host_hostname(text) if text else text


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


def spellings(hostname: str) -> tuple[str, ...]:
    """How else a request may name an exact host: with any port, and with the final dot of the root; as globs."""
    name = without_port(hostname)
    if is_glob(hostname):
        return ()
    port = hostname[len(name) :] or ":*"
    base = name.removesuffix(".")
    plain = () if hostname != name else (base, f"{base}.")
    return tuple([each for each in (*plain, f"{base}{port}", f"{base}.{port}") if each != hostname])


def server_names(hostname: str) -> tuple[str, ...] | None:
    """How Envoy is told of the name in TLS, `()` for every name; None when it cannot be.

    Source: Envoy, FilterChainMatch.server_names: a wildcard stands for whole labels, at the beginning.
    """
    name = without_port(hostname)
    if name == "*":
        return ()
    return (name,) if "*" not in name or name.startswith("*.") else None
