"""What services are told of clients' certificates, in the header x-forwarded-client-cert."""

from typing import Final, Literal, TypeAlias

from envoyapi.network_http_connection_manager_v3 import (
    HttpConnectionManagerForwardClientCertDetails,
    HttpConnectionManagerSetCurrentClientCertDetails,
)
from translator.features.http.part import Named, Part
from translator.values import dataclass

Forwarding: TypeAlias = Literal["SANITIZE", "FORWARD_ONLY", "APPEND_FORWARD", "SANITIZE_SET", "ALWAYS_FORWARD_ONLY"]
Detail: TypeAlias = Literal["subject", "cert", "chain", "dns", "uri"]

_FORWARDING: Final = {each.name: each for each in HttpConnectionManagerForwardClientCertDetails}


@dataclass(frozen=True, slots=True)
class ClientCertificates:
    """`forwarding`, in Envoy's words: what becomes of a header that came, and whether ours is added or takes its place.

    `details`: what ours says beside the certificate's digest and the names that it was checked by.
    """

    forwarding: Forwarding
    details: tuple[Detail, ...] = ()


def part(certificates: ClientCertificates, _: Named) -> Part:
    """What Envoy's HttpConnectionManager says of it."""
    wanted = set(certificates.details)
    details = HttpConnectionManagerSetCurrentClientCertDetails(
        subject=True if "subject" in wanted else None,
        cert="cert" in wanted,
        chain="chain" in wanted,
        dns="dns" in wanted,
        uri="uri" in wanted,
    )
    return Part(
        manager={
            "forward_client_cert_details": _FORWARDING[certificates.forwarding],
            "set_current_client_cert_details": details if wanted else None,
        }
    )
