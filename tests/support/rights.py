"""What a user of a test's API server may do: as much of what the watcher wants as a test says."""

from typing import Any

from tests.support.apiserver import ApiServer


def grant(api: ApiServer, namespace: str, user: str, rules: list[dict[str, Any]]) -> None:
    """What the user may do in the namespace; made or changed."""
    roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    made = {"metadata": {"name": user}, "rules": rules}
    if api.request("PUT", f"{roles}/roles/{user}", made)[0] == 404:
        api.ask("POST", f"{roles}/roles", made)
    binding = {
        "metadata": {"name": user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user},
        "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}],
    }
    api.request("POST", f"{roles}/rolebindings", binding)


def may_see(*resources: str, group: str = "getambassador.io", names: tuple[str, ...] = ()) -> dict[str, Any]:
    """A rule: to read these, all or those of the names."""
    rule: dict[str, Any] = {"apiGroups": [group], "resources": list(resources), "verbs": ["get", "list", "watch"]}
    return rule | ({"resourceNames": list(names)} if names else {})


EVERYTHING = [
    may_see("*"),
    may_see("services", "secrets", group=""),
    may_see("endpointslices", group="discovery.k8s.io"),
    may_see("ingresses", "ingressclasses", group="networking.k8s.io"),
]
