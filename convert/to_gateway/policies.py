"""What holds for all Mappings, as a policy of the Gateways: timeouts, retries, CORS, who gets in ... Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from convert.fields import MODULE_UNSAID
from convert.resolvers import leads_to_pods
from convert.values import Document, Made, at, copied
from convert.world import World
from translator.ir import ObjectKey

_COPIED: Final = ("retry_policy", "cors")
_MOST_TARGETS: Final = 16
AUTH: Final = "getambassador.io/AuthService"


def policies_of(world: World, gateways: list[tuple[str, str]], *, has_auth: bool) -> Iterator[Made]:
    """A RoutePolicy for the Gateways of each namespace."""
    said = _said(world, has_auth=has_auth)
    by_space: dict[str, list[str]] = {}
    for space, name in gateways:
        by_space.setdefault(space, []).append(name)
    for space, names in by_space.items():
        for start in range(0, len(names), _MOST_TARGETS):
            part = names[start : start + _MOST_TARGETS]
            metadata = {
                "name": world.free("RoutePolicy", space, part[0]),
                **({"namespace": space} if space != world.options.namespace else {}),
            }
            spec = {"targetRefs": [{"kind": "Gateway", "name": name} for name in part], **said}
            document = {
                "apiVersion": "getambassador.io/v3alpha1",
                "kind": "RoutePolicy",
                "metadata": metadata,
                "spec": spec,
            }
            yield Made(document, ())


def _said(world: World, *, has_auth: bool) -> Document:
    """The default of timeouts is Emissary's, which is another than a route's."""
    key, module = world.module_key, world.module
    config = world.spec(key).get("config") if key else None
    written: dict[str, Any] = config if isinstance(config, dict) else {}
    said: Document = {"timeout_ms": module.cluster_request_timeout_ms}
    if written.get("cluster_request_timeout_ms") is not None:
        where = "spec.config.cluster_request_timeout_ms"
        said["timeout_ms"] = copied(module.cluster_request_timeout_ms, key, where)
    for name in _COPIED:
        if written.get(name):
            said[name] = copied(written[name], key, f"spec.config.{name}")
    for name, entries in (("ip_allow", module.ip_allow), ("ip_deny", module.ip_deny)):
        if entries:
            said[name] = at(_right(world, key, name, entries, written.get(name)), key, f"spec.config.{name}")
    if has_auth:
        said["external_auth"] = True
    if module.gzip is not None:
        said["compress"] = True
    _tell(world, key, written)
    return said


def _right(world: World, key: ObjectKey, name: str, entries: Sequence[Mapping[str, str]], written: Any) -> list[Any]:
    """The entries that are right: a wrong one is left out of the Module's, and would stop a policy."""
    right = [dict(each) for each in entries if each]
    if not right:
        said = "has no entry that is right, so that nobody gets in: of a policy that refuses all requests as well (500)"
        world.notes.lost(key, f"spec.config.{name}", said, "mend it first")
        return list(written)
    if isinstance(written, list) and len(right) < len(written):
        said = "has entries that are wrong, and left out"
        world.notes.otherwise(key, f"spec.config.{name}", said, "nothing")
    return right


def _tell(world: World, key: ObjectKey, written: dict[str, Any]) -> None:
    """What the Module says for Mappings alone, and no policy says; the rest is for all, and stays there."""
    for name, value in written.items():
        if name == "resolver" and isinstance(value, str) and leads_to_pods(world, value, world.options.namespace):
            continue
        if name in MODULE_UNSAID and value not in (None, False):
            reason, instead = MODULE_UNSAID[name]
            world.notes.lost(key, f"spec.config.{name}", reason, instead)
