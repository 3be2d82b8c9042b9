"""Rules about TLS to a service: `tls` may be a boolean in older versions; now the service's scheme says it.

`v2ExplicitTLS` keeps what was written, as Emissary does, so that its users' stored objects are understood.
"""

from typing import Any, Final

from conversion.parts import Fields, Part, Rule

_EXPLICIT: Final = "v2ExplicitTLS"
_SCHEMES: Final = ("https://", "http://")
_SAID: Final[tuple[tuple[Any, str], ...]] = ((True, "bool:true"), (False, "bool:false"), (None, "null"), ("", "string"))


def tls_to(service: str, *, schemes: bool = True) -> Part:
    """`tls` and the field that names the service. Without `schemes` older versions know no scheme there."""
    return Part(
        ("tls", service, _EXPLICIT),
        _upgrading(service, schemes=schemes),
        _downgrading(service, schemes=schemes),
        reads=("host_redirect",),
    )


def _upgrading(service: str, *, schemes: bool) -> Rule:
    def upgrade(fields: Fields) -> Fields:
        said = next((name for value, name in _SAID if "tls" in fields and _is(fields["tls"], value)), None)
        if said is None:
            return fields
        if said != "bool:true" or fields.get("host_redirect") is True:
            return {**_without(fields, "tls"), _EXPLICIT: {"tls": said}}
        given = fields.get(service)
        if not isinstance(given, str):
            return fields
        scheme, bare = _split(given)
        if scheme.lower() == "https://":
            return {service: given, _EXPLICIT: {"tls": said}}
        explicit = {"tls": said, "serviceScheme": scheme} if schemes else {"tls": said}
        return {service: f"https://{bare}", _EXPLICIT: explicit}

    return upgrade


def _downgrading(service: str, *, schemes: bool) -> Rule:
    def downgrade(fields: Fields) -> Fields:
        explicit = fields.get(_EXPLICIT)
        said = explicit.get("tls") if isinstance(explicit, dict) else None
        out = _without(fields, _EXPLICIT)
        if fields.get("tls"):
            return out
        value = next((value for value, name in _SAID if name == said), "absent")
        if value is True or (not schemes and value == "absent"):
            return _secured(fields, out, service, explicit if isinstance(explicit, dict) else {}, schemes=schemes)
        return out if value == "absent" else {**out, "tls": value}

    return downgrade


def _secured(fields: Fields, out: Fields, service: str, explicit: Fields, *, schemes: bool) -> Fields:
    """With `tls: true`, if TLS is still what is wanted."""
    given = fields.get(service)
    scheme, bare = _split(given) if isinstance(given, str) else ("", "")
    if fields.get("host_redirect") is True and explicit.get("tls") == "bool:true":
        return {**out, "tls": True}
    if scheme.lower() != "https://":
        return out
    written = explicit.get("serviceScheme") if schemes else ""
    return {**out, service: written + bare if isinstance(written, str) else given, "tls": True}


def _is(value: object, wanted: object) -> bool:
    return type(value) is type(wanted) and value == wanted


def _split(service: str) -> tuple[str, str]:
    scheme = next((scheme for scheme in _SCHEMES if service.lower().startswith(scheme)), "")
    return service[: len(scheme)], service[len(scheme) :]


def _without(fields: Fields, *names: str) -> Fields:
    return {name: value for name, value in fields.items() if name not in names}
