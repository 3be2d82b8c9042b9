"""Asks every pod of a gateway through the API server, each by its own `dragoman why`, which runs in the pod.

Only there are the sockets at which Envoy is asked. Imported when it is asked for, since what speaks with an API server
takes longer to import than `dragoman why` to answer.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from cli.replicas import Replica, replica_of
from kubeapi.connection import ConfigurationError, Connection, UnreachableError
from kubeapi.executing import run_in_pod
from process.settings import Settings

PROGRAM: Final = ("dragoman", "why")
AT_A_TIME: Final = 8
"""Pods that are asked at once: each of them starts a process."""

_DEFAULT: Final = "kubectl.kubernetes.io/default-container"


class ReplicasError(Exception):
    """The pods cannot be found; the message says why."""


@dataclass(frozen=True, slots=True)
class Pods:
    """Which pods are asked: those of a context of the kubeconfig (None: the current one), by namespace and labels."""

    context: str | None
    namespace: str
    selector: str


async def ask(pods: Pods, arguments: Sequence[str], settings: Settings) -> list[Replica]:
    """What each pod answers, in the order of their names. ReplicasError: there is none, or they cannot be seen."""
    try:
        async with Connection.open(replace(settings, kube_context=pods.context)) as api:
            found = await _running(api, pods)
            limit = asyncio.Semaphore(AT_A_TIME)
            command = (*PROGRAM, *arguments, "-o", "json")
            return list(await asyncio.gather(*(_ask(api, pods, pod, command, limit) for pod in found)))
    except (ConfigurationError, UnreachableError) as error:
        raise ReplicasError(f"the API server cannot be asked: {error}") from None


async def _running(api: Connection, pods: Pods) -> list[Mapping[str, Any]]:
    path = f"/api/v1/namespaces/{pods.namespace}/pods"
    answer = await api.request("GET", path, params={"labelSelector": pods.selector})
    if not answer.ok:
        raise ReplicasError(f"the pods of {pods.namespace} cannot be listed: {answer.message}")
    listed = orjson.loads(answer.body).get("items", ())
    found = [pod for pod in listed if pod.get("status", {}).get("phase") == "Running"]
    if not found:
        raise ReplicasError(f"no pod of {pods.namespace} with {pods.selector} runs: say which by -n and --selector")
    return sorted(found, key=lambda pod: str(pod["metadata"]["name"]))


async def _ask(
    api: Connection, pods: Pods, pod: Mapping[str, Any], command: Sequence[str], limit: asyncio.Semaphore
) -> Replica:
    metadata = pod["metadata"]
    container = (metadata.get("annotations") or {}).get(_DEFAULT) or pod["spec"]["containers"][0]["name"]
    conditions = pod["status"].get("conditions") or ()
    is_ready = any((each.get("type"), each.get("status")) == ("Ready", "True") for each in conditions)
    async with limit:
        try:
            ran = await run_in_pod(api, pods.namespace, metadata["name"], container, command)
            return replica_of(metadata["name"], ran.code, ran.out, ran.errors, is_ready=is_ready)
        except UnreachableError as error:
            return Replica(metadata["name"], None, str(error), is_ready)
