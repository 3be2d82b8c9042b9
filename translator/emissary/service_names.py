"""What a `service` field means: `[scheme://]host[:port]`, and which Kubernetes Service a host name stands for.

An unqualified name is one of the Mapping's own namespace. A name that is a Service we know becomes its endpoints; any
other is left to DNS, and an address stays an address.
"""

import ipaddress
import re
from typing import Final, Literal

from translator.decode import Invalid, quote
from translator.remembering import remembered, shared, text_size
from translator.values import dataclass

_LABEL: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?\Z")
_SERVICE: Final = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?P<host>\[[^\]/]*\]|[^:/\[\]]*)(?::(?P<port>[^/]*))?(?P<path>/.*)?\Z"
)


@dataclass(frozen=True, slots=True)
class ServiceName:
    """A service as it is written. `path` was written too, but means nothing."""

    scheme: Literal["http", "https"] | None
    host: str
    is_address: bool
    port: int | None
    path: str = ""


@remembered(text_size)
def parse(text: str) -> ServiceName:
    """Read a service.

    Raises:
        Invalid: when it cannot be a service, so that no one is sent anywhere by a guess.
    """
    found = _SERVICE.match(text)
    if found is None:
        raise Invalid(f"must be [scheme://]host[:port], not {quote(text)}")
    host = _host(found["host"], text)
    return ServiceName(_scheme(found["scheme"]), host, is_address(host), _port(found["port"]), path=found["path"] or "")


def service(text: str) -> str:
    """The text, when it can be read as a service: a check for fields, so that all that is wrong is told at once.

    A service has many Mappings, which share the text.

    Raises:
        Invalid: as `parse`.
    """
    parse(text)
    return shared(text)


def _scheme(text: str | None) -> Literal["http", "https"] | None:
    match text and text.lower():
        case None:
            return None
        case "http":
            return "http"
        case "https":
            return "https"
    raise Invalid(f"must have the scheme http or https, or none, not {quote(text or '')}")


def _host(host: str, text: str) -> str:
    if host.startswith("["):
        if not is_address(host[1:-1]):
            raise Invalid(f"must have an IPv6 address in its brackets, not {quote(host)}")
        return host[1:-1]
    if not host:
        raise Invalid(f"must name a host, not {quote(text)}")
    return _dns_name(host)


def _dns_name(text: str) -> str:
    """A name that a resolver may be asked for; underscores do occur in Kubernetes and elsewhere."""
    name = text.removesuffix(".")
    if not name or len(name) > 253 or not all(len(part) < 64 and _LABEL.match(part) for part in name.split(".")):
        raise Invalid(f"must be a host name, not {quote(text)}")
    return text


def _port(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise Invalid(f"must have a port from 1 to 65535, not {quote(text)}")
    return int(text)


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def kubernetes_service(host: str, namespace: str) -> tuple[str, str] | None:
    """The namespace and name of the Kubernetes Service that a host name would stand for, if there is one.

    Args:
        host: `service`, `service.namespace`, `service.namespace.svc` or that with the cluster's domain.
        namespace: where an unqualified name is looked up.
    """
    labels = host.lower().removesuffix(".").split(".")
    if len(labels) == 1:
        return None if labels == ["localhost"] else (namespace, labels[0])
    return (labels[1], labels[0]) if len(labels) == 2 or labels[2] == "svc" else None


def qualified(host: str, namespace: str, own: str) -> str:
    """The name that DNS is asked for, as our own pod would see it.

    Args:
        host: as it is written.
        namespace: where an unqualified name is looked up.
        own: the namespace that we run in.
    """
    plain = "." not in host and host.lower() != "localhost" and namespace != own
    return f"{host}.{namespace}" if plain else host
