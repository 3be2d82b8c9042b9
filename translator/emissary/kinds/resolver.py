"""The resolvers: how the name of a service becomes addresses."""

import re
from dataclasses import field
from typing import ClassVar, Final

from translator.decode import Invalid, quote, rule
from translator.values import dataclass

_ADDRESS: Final = re.compile(
    r"(?:https?://)?(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+|\$\{?[A-Za-z_][A-Za-z0-9_]*\}?)"
    r"(?::(?:[0-9]{1,5}|\$\{?[A-Za-z_][A-Za-z0-9_]*\}?))?/?"
)


def _address(text: str) -> str:
    if text and not _ADDRESS.fullmatch(text):
        raise Invalid(f"must be [http://]host[:port], where a part may be $NAME of the environment, not {quote(text)}")
    return text.removesuffix("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesServiceResolverSpec:
    """Services are reached by their names in DNS, so that Kubernetes chooses the endpoint."""

    SILENT: ClassVar[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesEndpointResolverSpec:
    """Services are reached at their endpoints, as they are where no resolver is named."""

    SILENT: ClassVar[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsulResolverSpec:
    """Services are those of Consul's catalog, reached at their healthy instances."""

    SILENT: ClassVar[frozenset[str]] = frozenset()

    address: str = field(
        default="",
        metadata=rule(
            "Where Consul is, `[http://]host[:port]`; a part may be $NAME of the environment. Absent:"
            " CONSUL_HTTP_ADDR of the environment, else 127.0.0.1:8500.",
            check=_address,
        ),
    )
    datacenter: str = field(
        metadata=rule("The datacenter that is asked for.", pattern="[A-Za-z0-9_-]+", hint="letters, digits, - and _")
    )
