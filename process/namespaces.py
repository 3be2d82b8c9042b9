"""Variables that name namespaces, ours and those whose objects count or are counted, and one Gateway in one of them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from process.variables import SettingsError

_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN: Final = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


def own_namespace(given: Mapping[str, str], account: Path | None) -> str | None:
    """Ours, as it is told or as the service account says; None: nobody says."""
    if "AMBASSADOR_NAMESPACE" in given or account is None:
        return given.get("AMBASSADOR_NAMESPACE")
    try:
        return (account / "namespace").read_text().strip() or None
    except OSError:
        return None


def namespaces(given: Mapping[str, str], single: tuple[str, ...]) -> tuple[str, ...]:
    """The namespaces whose objects count: those that are named, or `single`, which may not be given beside them."""
    text = given.get("DRAGOMAN_NAMESPACES", "")
    if text and single:
        raise SettingsError("DRAGOMAN_NAMESPACES: AMBASSADOR_SINGLE_NAMESPACE is set too; give one of them")
    named = tuple(dict.fromkeys(name for name in (part.strip() for part in text.split(",")) if name))
    for name in named:
        if not _NAMESPACE.fullmatch(name):
            raise SettingsError(f"DRAGOMAN_NAMESPACES: {name!r} is not the name of a namespace")
    return named or single


def route_stats(given: Mapping[str, str], name: str) -> frozenset[str]:
    """The namespaces whose routes are counted; `*` is all."""
    text = given.get(name, "none")
    if text.lower() in ("all", "none"):
        return frozenset("*") if text.lower() == "all" else frozenset()
    named = frozenset(filter(None, (part.strip() for part in text.split(","))))
    for each in sorted(named):
        if not _NAMESPACE.fullmatch(each):
            raise SettingsError(
                f"{name}: {each!r} is not the name of a namespace; say all, none, or names of namespaces"
            )
    return named


def gateway(given: Mapping[str, str], name: str) -> str:
    """The one Gateway that is served, as `namespace/name`; empty: none is named."""
    text = given.get(name, "")
    namespace, _, own = text.partition("/")
    if text and not (_NAMESPACE.fullmatch(namespace) and _SUBDOMAIN.fullmatch(own)):
        raise SettingsError(f"{name}: {text!r} is not the namespace and the name of a Gateway, with a / between")
    return text
