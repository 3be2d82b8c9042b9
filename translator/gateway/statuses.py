"""What the statuses of GatewayClasses, Gateways and routes say: the part that is ours, without times. Pure.

What Envoy says of them comes later: see `translator.gateway_statuses`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson

from translator.gateway.attachment import Attachment
from translator.gateway.conditions import Condition, false, listed, true
from translator.gateway.kinds.gateway import Address, GatewaySpec
from translator.gateway.kinds.gateway_class import GatewayClassSpec
from translator.gateway.kinds.shared import Object
from translator.gateway.names import CONTROLLER
from translator.gateway.problems import in_words
from translator.gateway.termination import resolved
from translator.gateway.understanding import Understood
from translator.gateway.verdicts import Verdict

_FEATURES: Final = """
BackendTLSPolicy BackendTLSPolicySANValidation
Gateway GatewayAddressEmpty GatewayBackendClientCertificate GatewayFrontendClientCertificateValidation
GatewayFrontendClientCertificateValidationInsecureFallback GatewayHTTPListenerIsolation
GatewayHTTPSListenerDetectMisdirectedRequests GatewayInfrastructure GatewayPort8080
GatewayRouteHostnameIntersectionPrecedence GatewayStaticAddresses ListenerSet
GRPCRoute GRPCRouteNamedRouteRule GRPCRouteRequestHeaderModifier
HTTPRoute HTTPRoute303RedirectStatusCode HTTPRoute307RedirectStatusCode HTTPRoute308RedirectStatusCode
HTTPRouteBackendProtocolH2C HTTPRouteBackendProtocolWebSocket HTTPRouteBackendRequestHeaderModification
HTTPRouteBackendTimeout HTTPRouteBackendURLRewrite HTTPRouteCORS HTTPRouteDestinationPortMatching
HTTPRouteHostRewrite HTTPRouteMethodMatching HTTPRouteNamedRouteRule HTTPRouteParentRefPort
HTTPRoutePathRedirect HTTPRoutePathRewrite HTTPRoutePortRedirect HTTPRouteQueryParamMatching
HTTPRouteRequestMirror HTTPRouteRequestMultipleMirrors HTTPRouteRequestPercentageMirror
HTTPRouteRequestTimeout HTTPRouteResponseHeaderModification HTTPRouteRetryCodes
HTTPRouteRetryConnectionError HTTPRouteSchemeRedirect
ReferenceGrant
TCPRoute
TLSRoute TLSRouteModeMixed TLSRouteModeTerminate
UDPRoute
"""
FEATURES: Final = tuple(sorted(_FEATURES.split()))
"""What of Gateway API is served, in its words. Each has a test, which docs/gateway-api.md names."""

MOST_ADDRESSES: Final = 16
"""In a status, by the API's own limit."""

TYPES: Final = frozenset({"IPAddress", "Hostname"})
Addresses = tuple[tuple[str, str], ...]
"""Types and values."""


UNADDRESSED: Final = Condition(
    "Programmed", "False", "AddressNotAssigned", "no Service that leads to us has an address yet"
)
FALLS_BACK: Final = Condition(
    "InsecureFrontendValidationMode",
    "True",
    "ConfigurationChanged",
    "AllowInsecureFallback lets clients in that show any certificate, or none",
)
TAKES_DEFAULTS: Final = Condition(
    "DefaultGateway", "True", "DefaultGateway", "routes with useDefaultGateways All need not name it"
)
_SAID: Final = "its Gateway takes no ListenerSets of this namespace: see its allowedListeners"
NOT_ALLOWED: Final = (
    false("Accepted", "NotAllowed", _SAID, "spec.parentRef"),
    false("Programmed", "NotAllowed", _SAID),
)


def class_conditions(found: Object[GatewayClassSpec]) -> tuple[Condition, ...]:
    """What is said of a GatewayClass of ours."""
    if found.spec is None:
        return (false("Accepted", "Invalid", in_words(found.problems)),)
    if found.spec.parameters_ref is not None:
        said = "names parameters, of which there are none for this controller"
        return (false("Accepted", "InvalidParameters", said, "spec.parametersRef"),)
    return (true("Accepted"),)


def class_status(conditions: Sequence[Condition]) -> bytes:
    """The status of a GatewayClass."""
    return orjson.dumps({"conditions": listed(conditions), "supportedFeatures": [{"name": name} for name in FEATURES]})


def refusal_of(gateway: Object[GatewaySpec]) -> Condition | None:
    """Why a Gateway is not served as a whole, if it is not."""
    spec = gateway.spec
    if spec is None:
        return false("Accepted", "Invalid", in_words(gateway.problems))
    if spec.infrastructure.parameters_ref is not None:
        said = "names parameters, of which there are none for this controller"
        return false("Accepted", "InvalidParameters", said, "spec.infrastructure.parametersRef")
    for place, address in enumerate(spec.addresses):
        if address.type not in TYPES:
            said = f"{address.type} is not served, only IPAddress and Hostname"
            return false("Accepted", "UnsupportedAddress", said, f"spec.addresses[{place}].type")
    return None


def given(wanted: Iterable[Address], ours: Addresses) -> tuple[Addresses, Condition | None]:
    """The addresses of a Gateway, and what is said of those that it cannot have.

    Args:
        wanted: what it asks for; nothing, and any address will do.
        ours: those by which clients come in.
    """
    named = [(each.type, each.value) for each in wanted if each.value]
    missing = [value for kind, value in named if (kind, value) not in ours]
    found = tuple([each for each in named if each in ours])
    if missing:
        said = f"{', '.join(missing)}: no Service that leads to us has this address"
        return found, false("Programmed", "AddressNotUsable", said, "spec.addresses")
    return found or ours, None


def gateway_conditions(
    refusal: Condition | None, verdicts: Sequence[Verdict], address: Condition | None, more: Iterable[Condition]
) -> tuple[Condition, ...]:
    """What is said of a Gateway.

    Args:
        refusal: why it is not served as a whole.
        verdicts: its listeners.
        address: what is wrong with its addresses.
        more: conditions of parts of it.
    """
    bad = [each for each in verdicts if each.accepted.status == "False"]
    named = ", ".join(each.listener.spec.name for each in bad)
    said = f"the listeners {named} are not accepted" if len(bad) > 1 else f"the listener {named} is not accepted"
    if refusal is not None:
        accepted = refusal
    elif bad and len(bad) == len(verdicts):
        accepted = false("Accepted", "ListenersNotValid", said)
    else:
        accepted = true("Accepted", "ListenersNotValid", said) if bad else true("Accepted")
    if accepted.status == "False":
        programmed = false("Programmed", "Invalid", "it is not accepted")
    elif not any(each.is_served for each in verdicts):
        programmed = false("Programmed", "Invalid", "none of its listeners is served")
    else:
        programmed = address or true("Programmed")
    return (accepted, programmed, *more)


def gateway_status(
    conditions: Sequence[Condition],
    listeners: list[dict[str, Any]],
    addresses: Addresses,
    sets: int,
    service: dict[str, Any] | None = None,
) -> bytes:
    """The status of a Gateway, of which so many ListenerSets are accepted.

    `service` is the Service that it is to have: no part of its status, but for who writes both.
    """
    return orjson.dumps(
        {
            **({"service": service} if service is not None else {}),
            "conditions": listed(conditions),
            "listeners": listeners,
            "addresses": [{"type": kind, "value": value} for kind, value in addresses[:MOST_ADDRESSES]],
            "attachedListenerSets": sets,
        }
    )


def set_conditions(gateway: Sequence[Condition], verdicts: Sequence[Verdict]) -> tuple[Condition, ...]:
    """What is said of a ListenerSet that its Gateway takes, of which those are the conditions."""
    parents = {each.type: each for each in gateway}
    if parents["Accepted"].status == "False" and parents["Accepted"].reason != "ListenersNotValid":
        said = "its Gateway is not accepted"
        return false("Accepted", "ParentNotAccepted", said), false("Programmed", "ParentNotAccepted", said)
    bad = [each.listener.spec.name for each in verdicts if not each.is_served]
    said = f"not served: {', '.join(bad)}"
    if len(bad) == len(verdicts):
        return false("Accepted", "ListenersNotValid", said), false("Programmed", "ListenersNotValid", said)
    accepted = true("Accepted", "ListenersNotValid", said) if bad else true("Accepted")
    if parents["Programmed"].reason in {"AddressNotAssigned", "AddressNotUsable"}:
        return accepted, false("Programmed", "ParentNotProgrammed", parents["Programmed"].message)
    return accepted, true("Programmed", message=said if bad else "")


def set_status(conditions: Sequence[Condition], listeners: list[dict[str, Any]]) -> bytes:
    """The status of a ListenerSet."""
    return orjson.dumps({"conditions": listed(conditions), "listeners": listeners})


def route_conditions(attachment: Attachment, understood: Understood | None) -> tuple[Condition, ...]:
    """What is said of a route at a parent."""
    accepted, references = attachment.accepted, true("ResolvedRefs")
    if understood is None:
        return accepted, references
    if understood.references:
        references = resolved(understood.references)
    if not understood.dropped:
        return accepted, references
    said = "; ".join(f"{each.path} {each.message}" for each in understood.dropped)
    if understood.is_unserved:
        return (accepted if accepted.status == "False" else false("Accepted", "UnsupportedValue", said)), references
    return accepted, references, true("PartiallyInvalid", "UnsupportedValue", f"Dropped Rule: {said}")


def route_status(attachments: Iterable[Attachment], understood: Understood | None) -> bytes:
    """The status of a route."""
    return orjson.dumps(
        {
            "parents": [
                {
                    "parentRef": each.ref.json(),
                    "controllerName": CONTROLLER,
                    "conditions": listed(route_conditions(each, understood)),
                }
                for each in attachments
            ]
        }
    )


def addresses_of(said: Iterable[Mapping[str, Any]]) -> Addresses:
    """The addresses of a load balancer, as a Service's status has them."""
    found = [
        (kind, str(each[field]))
        for each in said
        for field, kind in (("ip", "IPAddress"), ("hostname", "Hostname"))
        if each.get(field)
    ]
    return tuple(dict.fromkeys(found))
