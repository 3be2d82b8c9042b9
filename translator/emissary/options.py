"""What a process is told at its start that changes what objects mean."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of the whole process.

    Args:
        ambassador_id: only objects that name this id are read (AMBASSADOR_ID).
        namespace: our own namespace; unqualified names of a Mapping there stay as they are (AMBASSADOR_NAMESPACE).
        bind_address: the address of every port that is opened (AMBASSADOR_ENVOY_BIND_ADDRESS).
        strict_selectors: a Host's selector wants all its labels, and the hostname as well; else any of the labels,
            or the hostname, is enough (not DISABLE_STRICT_LABEL_SELECTORS).
        service_namespaces: the namespaces of which every Service is known, None for all: only there a name can be told
            to be no Service. Empty for a folder, where a service is often a name of DNS.
        diagnostics: address and port where health and diagnostics are served, for the routes that lead there.
    """

    ambassador_id: str = "default"
    namespace: str = "default"
    bind_address: str = "0.0.0.0"
    strict_selectors: bool = True
    service_namespaces: frozenset[str] | None = frozenset()
    diagnostics: tuple[str, int] = ("127.0.0.1", 8877)
