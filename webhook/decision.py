"""What is in the cluster -> what to do about it, and what to serve with. Pure: the shells read, make and write.

    Secret, CRDs, the time --decide--> Make: certificates are to be made, and written to the Secret
                                       Restore: the Secret is to be written again as it was
                                       Patch: a CRD is to trust what the Secret says
                                       nothing: all is as it should be

Whoever holds the lease acts; to act twice, or two at a time, harms nobody: each write names the version of the object
that the decision was about, so that the second is refused, looks again, and finds nothing to do.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from webhook.authority import BrokenError, Material, Pair, authorities, is_due, names_of, still_valid

SETTLED: Final = 30.0
"""Seconds from when all CRDs are seen to trust an authority until all API servers are taken to have heard of it."""


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
        if self.url:
            host = self.url.partition("://")[2].partition("/")[0]
            found.add(host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0])
        return frozenset(found)

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
    """The Secret as it is; `material` None: it cannot be used, for this reason."""

    version: str
    material: Material | None
    reason: str = ""

    @classmethod
    def of(cls, version: str, data: Mapping[str, bytes]) -> "Secret":
        """A Secret with its entries, decoded."""
        try:
            return cls(version, Material.of(data))
        except BrokenError as error:
            return cls(version, None, str(error))


@dataclass(frozen=True, slots=True)
class World:
    """What was seen: the CRDs that are converted by us, and the Secret, if there is one."""

    definitions: tuple[Definition, ...]
    secret: Secret | None


@dataclass(frozen=True, slots=True)
class Make:
    """Make certificates. `material` None: an authority too; else it signs.

    `trusted` are authorities to go on trusting, `version` is the Secret's (None: there is none).
    """

    reason: str
    names: frozenset[str]
    trusted: tuple[bytes, ...]
    version: str | None
    material: Material | None
    previous: Pair | None


@dataclass(frozen=True, slots=True)
class Restore:
    """Write this to the Secret."""

    reason: str
    material: Material
    version: str | None


@dataclass(frozen=True, slots=True)
class Patch:
    """Let a CRD trust this."""

    name: str
    version: str
    bundle: bytes


Act: TypeAlias = Make | Restore | Patch


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
        return (_without_secret(world, remembered, names, now),)
    material = secret.material
    reason = _due(material, names, now)
    if reason:
        renews_authority = is_due(material.bundle[0], now)
        trusted = still_valid((*material.bundle, *_trusted(world)), now)
        signer = None if renews_authority else material
        return (Make(reason, names, trusted, secret.version, signer, material.serving),)
    return tuple(
        Patch(one.name, one.version, b"".join(material.bundle))
        for one in world.definitions
        if one.bundle != material.bundle
    )


def _due(material: Material, names: frozenset[str], now: dt.datetime) -> str:
    if is_due(material.bundle[0], now):
        return "the authority is to be renewed"
    if is_due(material.serving.certificate, now):
        return "the certificate is to be renewed"
    if not names <= names_of(material.serving.certificate):
        return "the certificate is for other names"
    return ""


def _without_secret(world: World, remembered: Material | None, names: frozenset[str], now: dt.datetime) -> Act:
    """The Secret is gone or broken: as it was, if we know that; else all anew, and what serves now stays trusted."""
    secret = world.secret
    version = secret.version if secret else None
    reason = f"the Secret is broken: {secret.reason}" if secret else "there is no Secret"
    if remembered is not None and not _due(remembered, names, now):
        return Restore(reason, remembered, version)
    trusted = still_valid((*(remembered.bundle if remembered else ()), *_trusted(world)), now)
    return Make(reason, names, trusted, version, None, remembered.serving if remembered else None)


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


def serving(material: Material, trust: Trust, now: float) -> Pair:
    """What to serve with: the pair before the newest one, as long as an API server may not trust the newest yet."""
    settled = trust.authority == material.bundle[0] and trust.remaining(now) == 0.0
    return material.serving if settled or material.previous is None else material.previous


def _client(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    conversion = (definition.get("spec") or {}).get("conversion") or {}
    if conversion.get("strategy") != "Webhook":
        return {}
    client: Mapping[str, Any] = (conversion.get("webhook") or {}).get("clientConfig") or {}
    return client
