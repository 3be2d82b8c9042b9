"""`dragoman why --all-replicas`: every pod of a gateway is asked through the API server, and where they differ is told.

Each is asked by its own `dragoman why`, which runs in the pod: only there are the sockets at which Envoy is asked.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import click
import orjson

from kubeapi.connection import ConfigurationError, Connection, UnreachableError
from kubeapi.executing import Ran, run_in_pod
from process.settings import Settings
from process.text import escaped
from why.text import lines

PROGRAM: Final = ("dragoman", "why")
AT_A_TIME: Final = 8
"""Pods that are asked at once: each of them starts a process."""

_COMPARED: Final = ("served", "listener", "chain", "host", "rule", "answer", "others", "endpoints", "notes")
"""What two replicas should say alike; what went wrong before is each one's own."""
_DEFAULT: Final = "kubectl.kubernetes.io/default-container"


class ReplicasError(Exception):
    """The pods cannot be found; the message says why."""


@dataclass(frozen=True, slots=True)
class Replica:
    """What a pod answered: a report, or why there is none."""

    pod: str
    report: Mapping[str, Any] | None
    error: str | None = None


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
    async with limit:
        try:
            return replica_of(metadata["name"], await run_in_pod(api, pods.namespace, metadata["name"], container, command))
        except UnreachableError as error:
            return Replica(metadata["name"], None, str(error))


def replica_of(pod: str, ran: Ran) -> Replica:
    """What a pod said by what its command printed: it ends with 1 where nothing serves the request."""
    if ran.code in (0, 1):
        try:
            return Replica(pod, orjson.loads(ran.out))
        except orjson.JSONDecodeError:
            return Replica(pod, None, "its answer is no report: is it of the same version?")
    return Replica(pod, None, ran.errors.strip().removeprefix("Error: ") or f"its command ended with {ran.code}")


def groups_of(replicas: Sequence[Replica]) -> list[list[Replica]]:
    """Those that answer alike together, the most first."""
    found: dict[bytes, list[Replica]] = defaultdict(list)
    for each in replicas:
        if each.report is not None:
            found[_said(each.report)].append(each)
    return sorted(found.values(), key=lambda group: (-len(group), group[0].pod))


def _said(report: Mapping[str, Any]) -> bytes:
    return orjson.dumps([report.get(name) for name in _COMPARED], option=orjson.OPT_SORT_KEYS)


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """In what two reports differ."""
    return [name for name in _COMPARED if one.get(name) != other.get(name)]


def told(replicas: Sequence[Replica]) -> dict[str, Any]:
    """All of it, for programs."""
    groups = groups_of(replicas)
    first = groups[0][0].report if groups else None
    return {
        "alike": len(groups) == 1 and all(each.report is not None for each in replicas),
        "differ_in": sorted({name for group in groups[1:] for name in differences(first or {}, group[0].report or {})}),
        "replicas": [{"pod": each.pod, "report": each.report, "error": each.error} for each in replicas],
    }


def in_words(replicas: Sequence[Replica]) -> Iterator[str]:
    """What they say: the whole of those that are most, and of each that says something else."""
    groups = groups_of(replicas)
    for group in groups:
        named = escaped(", ".join(each.pod for each in group))
        first, report = groups[0][0].report or {}, group[0].report or {}
        if group is groups[0]:
            yield click.style(f"{len(group)} of {len(replicas)} replicas: {named}", bold=True)
        else:
            said = ", ".join(differences(first, report))
            yield click.style(f"otherwise, in {said}: {named}", fg="red", bold=True)
        yield from lines(report)
    for each in replicas:
        if each.error is not None:
            yield click.style(f"not asked: {escaped(each.pod)}: {escaped(each.error)}", fg="red")
