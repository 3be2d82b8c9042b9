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
        diagnostics=(_reachable(settings.diagnostics_address), settings.diagnostics_port),
    )


def _reachable(address: str) -> str:
    """The address at which Envoy, on the same host, finds a server bound to `address`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
