"""An object of one version as an object of another."""

from typing import Any

from conversion.kinds import CURRENT, GROUP, OLDER, PARTS, versions_of
from conversion.memory import recalled, remembering
from conversion.parts import Fields, converted


class UnconvertibleError(ValueError):
    """An object has no such version; the message is a sentence that names neither."""


def convert(document: Any, version: str) -> Fields:
    """The object in another version of getambassador.io; what was given is left alone, and shared where equal.

    Args:
        document: the object, as JSON; its fields may be anything.
        version: `v1`, `v2` or `v3alpha1`.

    Raises:
        UnconvertibleError: when it is no object of ours, or its kind does not exist in one of the versions.
    """
    written = _version_of(document, version)
    out: Fields = {**document, "apiVersion": f"{GROUP}/{version}"}
    if written == version or (written in OLDER and version in OLDER):
        return out
    upgrading = version == CURRENT
    metadata, memory = recalled(out["metadata"], CURRENT if upgrading else OLDER[-1])
    if isinstance(spec := out.get("spec"), dict):
        done = converted(spec, PARTS[out["kind"]], memory, upgrading=upgrading)
        out["spec"] = done.spec
        metadata = remembering(metadata, OLDER[-1] if upgrading else CURRENT, done.originals)
    out["metadata"] = metadata
    return out


def _version_of(document: Any, wanted: str) -> str:
    """The version that an object is of, if it can be converted to the wanted one."""
    if not isinstance(document, dict):
        raise UnconvertibleError("it is not an object")
    group, _, written = str(document.get("apiVersion")).partition("/")
    kind, metadata = document.get("kind"), document.get("metadata")
    if group != GROUP:
        raise UnconvertibleError(f"its apiVersion is {document.get('apiVersion')!r}, not {GROUP}/...")
    if not isinstance(kind, str):
        raise UnconvertibleError("it has no kind")
    known = versions_of(kind)
    for version in (written, wanted):
        if version not in known:
            raise UnconvertibleError(f"{kind} has no version {version!r}, only {', '.join(known)}")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("annotations") or {}, dict):
        raise UnconvertibleError("its metadata, or the annotations there, is not a mapping")
    return written
