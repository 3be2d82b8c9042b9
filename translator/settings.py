"""What of the process's settings matters to translation."""

from process.settings import Settings
from translator.emissary.options import Options


def options_of(settings: Settings) -> Options:
    """What of the settings matters to translation."""
    return Options(
        ambassador_id=settings.ambassador_id,
        namespace=settings.namespace,
        bind_address=settings.bind_address,
        strict_selectors=settings.strict_selectors,
        service_namespaces=_service_namespaces(settings),
        diagnostics=(_reachable(settings.diagnostics_address), settings.diagnostics_port),
    )


def _service_namespaces(settings: Settings) -> frozenset[str] | None:
    """The namespaces of which every Service is among the objects; None: all."""
    if settings.config_dir is not None or settings.label_selector or settings.field_selector:
        return frozenset()
    return frozenset(settings.namespaces) or None


def _reachable(address: str) -> str:
    """The address at which Envoy, on the same host, finds a server bound to `address`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
