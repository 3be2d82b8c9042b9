"""What is in the cluster -> what to do about it, and what to serve with. Pure: the shells read, make and write.

    Secret, CRDs, the time --decide--> Make: certificates are to be made, and written to the Secret
                                       Retire: what was trusted only for the change is to be forgotten
                                       Patch: a CRD is to trust what the Secret says
                                       nothing: all is as it should be

Whoever holds the lease acts; to act twice, or two at a time, harms nobody: each write names the version of the object
that the decision was about, so that the second is refused, looks again, and finds nothing to do.
"""

import datetime as dt
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from webhook.authority import BrokenError, Material, Pair, authorities, is_due, names_of, signed_at, still_valid

SETTLED: Final = 30.0
"""Seconds from when all CRDs are seen to trust an authority until all API servers are taken to have heard of it."""
RETIRED: Final = dt.timedelta(days=1)
"""How long what served before is trusted beside what serves now."""


@dataclass(frozen=True, slots=True)
class Ours:
    """How a CRD says that we convert it: by our Service, or by a URL where the API server reaches no Services."""

    namespace: str
    service: str
    url: str = ""

    @property
    def names(self) -> frozenset[str]:
        """The names that the API server calls us by."""
        found = {f"{self.service}.{self.namespace}.svc"}
        host = urlsplit(self.url).hostname
        return frozenset(found | {_plain(host)} if host else found)

    def converts(self, definition: Mapping[str, Any]) -> bool:
        """Whether a CRD is converted by us."""
        client = _client(definition)
        service = client.get("service") or {}
        named = service.get("namespace") == self.namespace and service.get("name") == self.service
        return named or bool(self.url and client.get("url") == self.url)


@dataclass(frozen=True, slots=True)
class Definition:
    """A CRD that is converted by us: what it trusts."""

    name: str
    version: str
    bundle: tuple[bytes, ...] | None
    """None: nothing, or what cannot be read."""

    @classmethod
    def of(cls, definition: Mapping[str, Any], bundle: bytes) -> "Definition":
        """A CRD with its caBundle, decoded."""
        metadata = definition.get("metadata") or {}
        try:
            trusted = authorities(bundle) if bundle else None
        except BrokenError:
            trusted = None
        return cls(str(metadata.get("name")), str(metadata.get("resourceVersion")), trusted)


@dataclass(frozen=True, slots=True)
class Secret:
    """The Secret as it is. `reason`: what cannot be used; beside `material`, what served before, which is left out."""

    version: str
    material: Material | None
    reason: str = ""

    @classmethod
    def of(cls, version: str, data: Mapping[str, bytes]) -> "Secret":
        """A Secret with its entries, decoded."""
        material = None
        try:
            material = Material.of(data)
            return cls(version, material.with_previous(data))
        except BrokenError as error:
            return cls(version, material, str(error))


@dataclass(frozen=True, slots=True)
class World:
    """What was seen: the CRDs that are converted by us, and the Secret, if there is one."""

    definitions: tuple[Definition, ...]
    secret: Secret | None


@dataclass(frozen=True, slots=True)
class Make:
    """Make certificates. `signer` None: an authority too.

    `trusted` are authorities to go on trusting, `version` is the Secret's (None: there is none).
    """

    reason: str
    names: frozenset[str]
    trusted: tuple[bytes, ...]
    version: str | None
    signer: Material | None
    previous: Pair | None


@dataclass(frozen=True, slots=True)
class Retire:
    """Write this to the Secret: the same certificates, without those that served before."""

    material: Material
    version: str


@dataclass(frozen=True, slots=True)
class Patch:
    """Let a CRD trust this."""

    name: str
    version: str
    bundle: bytes


Act: TypeAlias = Make | Retire | Patch


def decide(world: World, remembered: Material | None, names: frozenset[str], now: dt.datetime) -> Sequence[Act]:
    """What the holder of the lease has to do.

    Args:
        world: what was seen.
        remembered: what the Secret held when it was last good, in the memory of this process.
        names: what the API server calls us.
        now: the time; if it says that something is due, ask a clock that the API server shares.
    """
    if not world.definitions:
        return ()
    secret = world.secret
    if secret is None or secret.material is None:
        reason = f"the Secret is broken: {secret.reason}" if secret else "there is no Secret"
        return (_make(reason, world, remembered, names, now, signer=None),)
    material = secret.material
    reason = _due(material, names, now)
    if reason:
        signer = None if is_due(material.bundle[0], now) else material
        return (_make(reason, world, material, names, now, signer=signer),)
    patches = tuple(
        Patch(one.name, one.version, b"".join(material.bundle))
        for one in world.definitions
        if one.bundle != material.bundle
    )
    if patches or (material.previous is None and len(material.bundle) == 1):
        return patches
    if signed_at(material.serving.certificate) + RETIRED > now:
        return ()
    return (Retire(replace(material, bundle=material.bundle[:1], previous=None), secret.version),)


def _due(material: Material, names: frozenset[str], now: dt.datetime) -> str:
    if is_due(material.bundle[0], now):
        return "the authority is to be renewed"
    if is_due(material.serving.certificate, now):
        return "the certificate is to be renewed"
    if not names <= names_of(material.serving.certificate):
        return "the certificate is for other names"
    return ""


def _make(
    reason: str, world: World, before: Material | None, names: frozenset[str], now: dt.datetime, signer: Material | None
) -> Make:
    """What serves now stays trusted, and goes on serving until what is new is trusted everywhere."""
    trusted = still_valid((*(before.bundle if before else ()), *_trusted(world)), now)
    previous = before.serving if before and still_valid([before.serving.certificate], now) else None
    return Make(reason, names, trusted, world.secret.version if world.secret else None, signer, previous)


def _trusted(world: World) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(one for definition in world.definitions for one in definition.bundle or ()))


@dataclass(frozen=True, slots=True)
class Trust:
    """Since when, in the caller's clock, all our CRDs are seen to trust an authority; None: they do not."""

    authority: bytes = b""
    since: float | None = None

    def seen(self, world: World, now: float) -> "Trust":
        """What is known after another look."""
        material = world.secret.material if world.secret else None
        if material is None:
            return self
        authority = material.bundle[0]
        if not all(authority in (one.bundle or ()) for one in world.definitions):
            return Trust(authority)
        return self if self.authority == authority and self.since is not None else Trust(authority, now)

    def remaining(self, now: float) -> float | None:
        """Seconds until the authority is settled; None while it is not trusted."""
        return None if self.since is None else max(0.0, self.since + SETTLED - now)


def serving(material: Material, trust: Trust, now: float, current: Pair | None) -> Pair:
    """What to serve with: what served before, as long as an API server may not trust the newest yet."""
    settled = trust.authority == material.bundle[0] and trust.remaining(now) == 0.0
    return material.serving if settled else material.previous or current or material.serving


def _plain(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host


def _client(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    conversion = (definition.get("spec") or {}).get("conversion") or {}
    if conversion.get("strategy") != "Webhook":
        return {}
    client: Mapping[str, Any] = (conversion.get("webhook") or {}).get("clientConfig") or {}
    return client
