"""Certificates that have ended, or end soon, and those that are not for the name that they are shown for."""

import datetime as dt
from collections.abc import Iterator
from typing import Final

from cryptography import x509

from lint.findings import Code, Found
from lint.rules.world import Rule, World
from translator.emissary.hostnames import matches, server_of
from translator.ir import ObjectKey
from translator.kubernetes.secret import Certificate, certificate_of

SOON: Final = dt.timedelta(days=30)
HOST: Final = "getambassador.io/Host"
SECRET: Final = "core/Secret"  # noqa: S105 -- a kind

ENDED: Final = Code(
    id="DRG0611",
    title="certificate that has ended, or has not begun",
    severity="error",
    why="Envoy shows the certificate all the same, and clients refuse it.",
    mend="Replace the certificate.",
)
ENDS: Final = Code(
    id="DRG0612",
    title="certificate that ends soon",
    severity="warning",
    why=f"The certificate ends within {SOON.days} days. Envoy shows it beyond that time, and clients refuse it then.",
    mend="Replace the certificate, or see to it that whoever renews it does.",
)
NAME: Final = Code(
    id="DRG0613",
    title="certificate for other names",
    severity="warning",
    why="The certificate of a Host lists names (subjectAltName), and none of them stands for the Host's hostname: "
    "clients "
    "refuse it.",
    mend="Name another Secret, or replace the certificate by one for the hostname.",
)


def find(world: World) -> Iterator[Found]:
    """What is to be told of the certificates in Secrets, and of the Hosts that show them."""
    shown: dict[ObjectKey, x509.Certificate] = {}
    for key in world.of_kind(SECRET):
        found = certificate_of(world.document(key))
        certificate = _first_of(found) if found else None
        if certificate is not None:
            shown[key] = certificate
            yield from _of_time(world, key, certificate)
    for key in world.of_kind(HOST) if shown else ():
        yield from _of_name(world, key, shown)


RULE: Final = Rule((ENDED, ENDS, NAME), find)


def _first_of(found: Certificate) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(found.chain) if found.chain and not found.problem else None
    except ValueError:
        return None  # told as a problem of the Secret, or taken by Envoy and by no other reader


def _of_time(world: World, key: ObjectKey, certificate: x509.Certificate) -> Iterator[Found]:
    path = next((f"{field}[tls.crt]" for field in ("data", "stringData") if _has(world, key, field)), "data")
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if ends < world.now:
        yield Found(ENDED, key, path, f"has ended on {ends:%Y-%m-%d}")
    elif begins > world.now:
        yield Found(ENDED, key, path, f"does not begin before {begins:%Y-%m-%d %H:%M} UTC")
    elif ends < world.now + SOON:
        yield Found(ENDS, key, path, f"ends on {ends:%Y-%m-%d}, in {(ends - world.now).days} days")


def _has(world: World, key: ObjectKey, field: str) -> bool:
    entries = world.document(key).get(field)
    return isinstance(entries, dict) and bool(entries.get("tls.crt"))


def _of_name(world: World, key: ObjectKey, shown: dict[ObjectKey, x509.Certificate]) -> Iterator[Found]:
    spec, named = world.spec(key), world.spec(key).get("tlsSecret")
    hostname, namespace = spec.get("hostname"), key.split("/")[2]
    if not isinstance(named, dict) or not isinstance(hostname, str):
        return
    certificate = shown.get(f"{SECRET}/{named.get('namespace') or namespace}/{named.get('name')}")
    names = _names_of(certificate) if certificate else []
    server = server_of(hostname.lower())
    if names and server != "*" and not any(_stands_for(name, server) for name in names):
        listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        yield Found(NAME, key, "spec.tlsSecret", f"names a certificate for {listed}, not for {server}")


def _names_of(certificate: x509.Certificate) -> list[str]:
    try:
        listed = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    addresses = [str(address) for address in listed.get_values_for_type(x509.IPAddress)]
    return [*(name.lower() for name in listed.get_values_for_type(x509.DNSName)), *addresses]


def _stands_for(name: str, server: str) -> bool:
    """Whether a name of a certificate stands for one that is served; its `*` is one label."""
    if name == server:
        return True
    return name.startswith("*.") and matches(name, server) and server.count(".") == name.count(".")
