"""What counts as a secure request at a Listener, and what becomes of the others.

    model    | secure
    SECURE   | always
    INSECURE | never
    XFP      | when x-forwarded-proto says https

Where nobody in front of us is trusted, Envoy sets x-forwarded-proto itself, from how the connection came: so on a TLS
chain every request is secure and on a clear text one none is, and no route need ask for the header.
"""

from typing import Literal

from translator import ir

Model = Literal["XFP", "SECURE", "INSECURE"]
Action = Literal["route", "redirect", "reject"]
Secure = Literal["always", "never", "forwarded"]

ACTIONS: dict[Literal["Redirect", "Reject", "Route"], Action] = {
    "Redirect": "redirect",
    "Reject": "reject",
    "Route": "route",
}


def secure_of(model: Model, options: ir.HttpOptions, *, tls: bool) -> Secure:
    """How a request is known to be secure on a chain.

    Source: Envoy, "HTTP header manipulation", x-forwarded-proto and use_remote_address.
    """
    if model != "XFP":
        return "always" if model == "SECURE" else "never"
    if options.trusts_a_proxy:
        return "forwarded"
    return "always" if tls else "never"


def is_shut(model: Model, action: Action) -> bool:
    """Whether a Host answers nothing at all at a Listener, so that it gets no chain there."""
    return model == "INSECURE" and action == "reject"
