"""What there is in a cluster: who comes and goes again leaves of it what was there before."""

import json
from typing import Any

from tests.e2e.cluster.client import ApiClient, ApiError

Item = tuple[str, str, str]
"""Resource with its group, namespace (none: the cluster's), name."""

_FLEETING = ("events", "events.events.k8s.io")


def inventory(api: ApiClient, namespace: str) -> set[Item]:
    """Every object of a namespace, and of the cluster; Events go by themselves."""
    found: set[Item] = set()
    for path, group in _groups(api):
        for resource in api.get(path)["resources"]:
            name = f"{resource['name']}.{group}" if group else resource["name"]
            if "list" not in resource["verbs"] or "/" in resource["name"] or name in _FLEETING:
                continue
            where = f"/namespaces/{namespace}" if resource["namespaced"] else ""
            for each in _listed(api, f"{path}{where}/{resource['name']}"):
                found.add((name, each["metadata"].get("namespace", ""), each["metadata"]["name"]))
    return found


def _listed(api: ApiClient, path: str) -> list[Any]:
    """All at a path; an API server that has just learnt of a kind asks for a moment more."""
    status = 429
    while status == 429:
        status, answer = api.request("GET", path)
    if status != 200:
        raise ApiError(status, answer.decode(errors="replace"))
    found: list[Any] = json.loads(answer)["items"]
    return found


def _groups(api: ApiClient) -> list[tuple[str, str]]:
    """Each group's path in the version that the API server prefers, and its name."""
    groups = api.get("/apis")["groups"]
    return [("/api/v1", ""), *((f"/apis/{each['preferredVersion']['groupVersion']}", each["name"]) for each in groups)]
