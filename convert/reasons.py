"""Whether an answer that is another was told to be. Pure."""

from collections.abc import Callable, Mapping
from typing import Final

from convert.fields import OF_BACKENDS
from convert.to_gateway.doors import ACTION
from convert.to_gateway.matches import NOT_CONVERTED
from convert.values import Converted, Told, key_of
from diff.probes import Probe
from translator.ir import ObjectKey

MODULES: Final = "getambassador.io/Module/"
_CALLS: Final = "application/grpc"
_OF_CALLS: Final = "gateway.networking.k8s.io/GRPCRoute/"
_OF_ROUTING: Final = ("getambassador.io/Mapping/", MODULES, "networking.k8s.io/Ingress/", "gateway.networking.k8s.io/")
_MOVING: Final = frozenset(
    {"spec.hostname", "spec.rewrite", "spec.precedence", "spec.host_rewrite", "spec.rules", "spec.parentRefs"}
)
"""Fields of which a remark says that requests go elsewhere, or as something else."""
_OF_CONNECTIONS: Final = ("spec.port", "spec.host", "spec.weight", "spec.listeners", "spec.parentRef", "spec.rules")
"""Begins the fields of which a remark may say that connections go elsewhere."""
_BESIDE: Final = frozenset(["spec.shadow", *[f"spec.{name}" for name in OF_BACKENDS]])
"""Fields that are said otherwise of how a Service is reached, or of who gets copies."""


class Reasons:
    """Why an answer is another, where that was told."""

    def __init__(self, converted: Converted, namespace: str) -> None:
        self._of = {key_of(made.document, namespace): made.of for made in converted.made}
        self._replaced = converted.replaced
        self._told: dict[ObjectKey, list[Told]] = {}
        for each in converted.told:
            self._told.setdefault(each.object, []).append(each)

    def of_connection(self, owners: tuple[ObjectKey | None, ObjectKey | None], *, goes_elsewhere: bool) -> Told | None:
        """What was told that explains what becomes of a connection; `owners` are as those of a request.

        That it goes elsewhere is explained by an object that is not converted, or by what is said of names, ports and
        shares.
        """
        sources = [source for owner in owners if owner for source in (owner, *self._of.get(owner, ()))]
        for source in dict.fromkeys(sources):
            for told in self._told.get(source, ()):
                stays = told.lost and source not in self._replaced
                moves = told.path.startswith(_OF_CONNECTIONS)
                if stays or moves or (told.lost and not goes_elsewhere):
                    return told
        return None

    def of(
        self, probe: Probe, owners: tuple[ObjectKey | None, ObjectKey | None], *, goes_elsewhere: bool
    ) -> Told | None:
        """What was told that explains it, if anything was.

        Args:
            probe: what was asked.
            owners: the objects by which it is answered, before and after.
            goes_elsewhere: whether it is answered by another Service, as another path or so, or at all.
        """
        sources = [source for owner in owners if owner for source in (owner, *self._of.get(owner, ()))]
        sources += [key for key in self._told if key.startswith(MODULES)]
        if not sources:  # answered by nobody
            sources = [told.object for some in self._told.values() for told in some if told.path in _NARROW]
        for told in [told for source in dict.fromkeys(sources) for told in self._told.get(source, ())]:
            is_left = told.reason.endswith(NOT_CONVERTED) and owners[1] is None
            is_converted = told.object in self._replaced and not is_left
            if explains(told, probe, is_converted=is_converted, goes_elsewhere=goes_elsewhere):
                return told
        return None


def explains(told: Told, probe: Probe, *, is_converted: bool, goes_elsewhere: bool) -> bool:
    """Whether a remark is about a request.

    Of an object that is not converted any is; one about the edge of a path is about no other paths; and that a request
    goes elsewhere is explained by nothing that is only about how it is sent there.
    """
    path = probe.request.target.partition("?")[0]
    if told.edge:
        return path.startswith(told.edge) and path[len(told.edge) : len(told.edge) + 1] != "/"
    narrow = _is_no_call if told.object.startswith(_OF_CALLS) else _NARROW.get(told.path)
    if not told.lost and narrow is not None:
        return narrow(probe)
    if told.lost and not is_converted:
        return True
    if told.reason.endswith(NOT_CONVERTED):
        return False
    about = told.lost or told.path in _BESIDE
    return told.path in _MOVING or (about and not goes_elsewhere and told.object.startswith(_OF_ROUTING))


def _is_no_call(probe: Probe) -> bool:
    return not dict(probe.request.headers).get("content-type", "").startswith(_CALLS)


_NARROW: Final[Mapping[str, Callable[[Probe], bool]]] = {
    "spec.grpc": _is_no_call,
    ACTION: lambda probe: probe.request.port is not None,
    "spec.tls": lambda probe: probe.request.scheme == "https",
}
"""Of some fields, which requests a remark is about."""
