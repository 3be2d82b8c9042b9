"""Pods of a Gateway's own: a Deployment of Dragoman for it alone, which is what we run ourselves but for that.

What its pods are is read from what made our own pod (its ReplicaSet, say), so that there is nothing to keep equal: a
new image, other resources or variables come with whoever leads next, who is a pod of the new kind. The Service of the
Gateway owns the Deployment, and so the API server takes both away.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from process import logs
from reporter.asking import Asking, FailedError
from reporter.objects import JSONObject
from reporter.services import GATEWAY, OWNER, SELECTED_BY, Wish

VARIABLE: Final = "DRAGOMAN_GATEWAY"
"""What tells a pod whose it is, as `namespace/name`: `process.settings` reads it."""

_OTHERS: Final = "kubectl.kubernetes.io/"
_FOLDERS: Final = {"ReplicaSet": "replicasets", "DaemonSet": "daemonsets"}
_OF_THE_NODE: Final = ("hostPort", "hostIP")
_LOW_PORTS: Final = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
"""Gateways want ports like 80, and who serves them is not root. The pod has a network of its own: they are nobody's."""

log = logs.get("provisioning")


class NoTemplateError(Exception):
    """What our own pod is made of cannot be had; the message says why."""


class Pods:
    """One term's Deployments."""

    def __init__(self, asking: Asking, namespace: str, owner: str, pod: str) -> None:
        self._asking = asking
        self._namespace, self._owner, self._pod = namespace, owner, pod
        self._own: JSONObject | None = None

    async def make(self, wish: Wish, gateway: str, service: str) -> None:
        """Make that of a Gateway, of which the Service has this uid. FailedError, NoTemplateError."""
        if self._own is None:
            self._own = await self._template()
        document = document_of(wish, gateway, service, self._own, self._namespace, self._owner)
        await self._asking.apply(self._path(wish.name), document)

    async def withdraw(self, name: str) -> None:
        """Take away that of a Gateway whose Service stays. FailedError."""
        await self._asking.delete(self._path(name))

    def _path(self, name: str) -> str:
        return f"/apis/apps/v1/namespaces/{self._namespace}/deployments/{name}"

    async def _template(self) -> JSONObject:
        """That of our own pod."""
        try:
            pod = await self._asking.find(f"/api/v1/namespaces/{self._namespace}/pods/{self._pod}")
            owners = ((pod or {}).get("metadata") or {}).get("ownerReferences") or ()
            made_by = next((each for each in owners if each.get("controller") and each["kind"] in _FOLDERS), None)
            if made_by is None:
                raise NoTemplateError(f"nothing is known to have made the pod {self._pod} that could make others")
            folder = f"/apis/apps/v1/namespaces/{self._namespace}/{_FOLDERS[made_by['kind']]}"
            found = await self._asking.find(f"{folder}/{made_by['name']}")
        except FailedError as error:
            raise NoTemplateError(str(error)) from error
        if found is None:
            raise NoTemplateError(f"the {made_by['kind']} {made_by['name']} that made us is gone")
        template: JSONObject = found["spec"]["template"]
        return template


def document_of(
    wish: Wish, gateway: str, service: str, own: Mapping[str, Any], namespace: str, owner: str
) -> JSONObject:
    """The Deployment to apply for a Gateway.

    How many pods it has is not said: one, until somebody scales it.

    Args:
        wish: what its Service is to be.
        gateway: its name, as `namespace/name`.
        service: the uid of the Service.
        own: the template of our own pod.
        namespace: ours.
        owner: which of several gateways in our namespace we are.
    """
    selector = {SELECTED_BY: wish.name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": wish.name,
            "namespace": namespace,
            "labels": dict(wish.labels),
            "annotations": {**wish.annotations, GATEWAY: gateway, OWNER: owner},
            "ownerReferences": [{"apiVersion": "v1", "kind": "Service", "name": wish.name, "uid": service}],
        },
        "spec": {
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": selector},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": _for(gateway, selector, own),
        },
    }


def _for(gateway: str, selector: Mapping[str, str], own: Mapping[str, Any]) -> JSONObject:
    """The template of our own pod, for a Gateway. Of its labels none stays: by them Services of ours find our pods."""
    annotations = (own.get("metadata") or {}).get("annotations") or {}
    spec: JSONObject = copy.deepcopy(own["spec"])
    for field in ("hostNetwork", "nodeName"):
        spec.pop(field, None)
    for container in spec["containers"]:
        variables = [*(container.get("env") or ()), {"name": VARIABLE, "value": gateway}]
        container["env"] = _of_each(variables, "name")
        ports = _of_each(container.get("ports") or (), "containerPort", "protocol")
        container["ports"] = [{key: said for key, said in each.items() if key not in _OF_THE_NODE} for each in ports]
    for term in _repelling(spec.get("affinity") or {}):
        said = term.get("labelSelector")
        if said and _selects(said, (own.get("metadata") or {}).get("labels") or {}):
            term["labelSelector"] = {"matchLabels": dict(selector)}  # else our pods and these would keep each other off
    for constraint in spec.get("topologySpreadConstraints") or ():
        constraint["labelSelector"] = {"matchLabels": dict(selector)}
    context = spec.setdefault("securityContext", {})
    others = [each for each in context.get("sysctls") or () if each["name"] != _LOW_PORTS["name"]]
    context["sysctls"] = [*others, dict(_LOW_PORTS)]
    kept = {key: text for key, text in annotations.items() if not key.startswith(_OTHERS)}
    return {"metadata": {"labels": dict(selector), "annotations": kept}, "spec": spec}


def _of_each(items: Iterable[JSONObject], *names: str) -> list[JSONObject]:
    """The last item of each name, which is the one that counts: the API server applies no list that has two."""
    found: dict[tuple[Any, ...], JSONObject] = {}
    for each in items:
        key = tuple([each.get(name) for name in names])
        found.pop(key, None)
        found[key] = each
    return list(found.values())


def _repelling(affinity: JSONObject) -> Iterator[JSONObject]:
    """The terms about pods that a pod is not to be beside."""
    said = affinity.get("podAntiAffinity") or {}
    yield from said.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
    for each in said.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
        yield each["podAffinityTerm"]


def _selects(selector: JSONObject, labels: Mapping[str, str]) -> bool:
    """Whether a selector of pods takes one with these labels."""
    holds: dict[str, Callable[[str, list[str]], bool]] = {
        "In": lambda key, values: labels.get(key) in values,
        "NotIn": lambda key, values: labels.get(key) not in values,
        "Exists": lambda key, _: key in labels,
        "DoesNotExist": lambda key, _: key not in labels,
    }
    return (selector.get("matchLabels") or {}).items() <= labels.items() and all(
        holds[each["operator"]](each["key"], each.get("values") or [])
        for each in selector.get("matchExpressions") or ()
    )
