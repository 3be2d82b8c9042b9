"""Each permission is written down, explained, and as small as it can be said."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.reading import DEPLOY, ROOT, Permission, documents, permissions, permissions_of, rules
from watcher.gateway_kinds import GATEWAY_CLASS, GATEWAY_KINDS
from watcher.kinds import KINDS, KNATIVE

GOLDEN = Path(__file__).parent
FILES = {
    "permissions.txt": DEPLOY / "rbac.yaml",
    "permissions-single-namespace.txt": DEPLOY / "single-namespace/rbac.yaml",
    "permissions-older-versions.txt": DEPLOY / "older-versions/rbac.yaml",
    "permissions-knative.txt": DEPLOY / "knative/rbac.yaml",
    "permissions-gateway-api.txt": DEPLOY / "gateway-api/rbac.yaml",
    "permissions-dedicated-addresses.txt": DEPLOY / "gateway-api/dedicated-addresses/rbac.yaml",
    "permissions-provisioned.txt": DEPLOY / "gateway-api/provisioned/rbac.yaml",
}
PAGE = (ROOT / "docs/rbac.md").read_text()


def golden(name: str) -> str:
    return "".join(f"{permission}\n" for permission in sorted(permissions(FILES[name])))


@pytest.mark.parametrize("name", FILES)
def test_the_permissions_are_those_of_the_golden_file(name: str) -> None:
    assert golden(name) == (GOLDEN / name).read_text(), "look at the difference, then run `make golden`"


@pytest.mark.parametrize("path", FILES.values())
def test_nothing_is_allowed_by_a_star(path: Path) -> None:
    for _, rule in rules(path):
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"], *rule.get("resourceNames", ())]
        assert rule.keys() <= {"apiGroups", "resources", "resourceNames", "verbs"}


@pytest.mark.parametrize("path", FILES.values())
def test_nothing_is_allowed_twice(path: Path) -> None:
    said = [permission for namespace, rule in rules(path) for permission in permissions_of(namespace, rule)]
    assert len(said) == len(set(said))


@pytest.mark.parametrize("path", FILES.values())
def test_only_statuses_events_leases_and_our_own_parts_are_written(path: Path) -> None:
    written = {p.resource for p in permissions(path) if p.verb not in {"get", "list", "watch"}}
    ours = {name for name in written if name.endswith(("getambassador.io/status", "gateway.networking.k8s.io/status"))}
    assert written - ours <= {
        "events",
        "leases.coordination.k8s.io",
        "customresourcedefinitions.apiextensions.k8s.io",
        "ingresses.networking.k8s.io/status",
        "ingresses.networking.internal.knative.dev/status",
        "secrets",
        "services",
        "deployments.apps",
    }
    for permission in permissions(path):
        is_held = permission.resource == "services" and (path.parent / "policy.yaml").exists()
        if (
            permission.resource in {"secrets", "services", "deployments.apps"}
            and permission.verb not in {"get", "list", "watch"}
            and not is_held
        ):
            assert permission.namespace == "dragoman"
        if permission.resource.startswith("customresourcedefinitions"):
            assert permission.name.endswith(".getambassador.io")


def test_one_namespace_alone_needs_nothing_of_the_cluster() -> None:
    found = documents(FILES["permissions-single-namespace.txt"])
    assert {each["kind"] for each in found} == {"ServiceAccount", "Role", "RoleBinding"}
    assert all(p.name != "*" for p in permissions(FILES["permissions-single-namespace.txt"]) if p.resource == "secrets")


def test_knatives_ingresses_may_be_listed_and_watched() -> None:
    allowed = {(p.resource, p.verb) for p in permissions(FILES["permissions-knative.txt"])}
    wanted = {(kind.resource, verb) for kind in KNATIVE for verb in ("list", "watch")}
    assert allowed == wanted | {(f"{kind.resource}/status", "patch") for kind in KNATIVE}


def test_what_gateway_api_needs_is_in_two_files() -> None:
    allowed = {
        (p.resource, p.verb)
        for path in (FILES["permissions-gateway-api.txt"], DEPLOY / "rbac.yaml")
        for p in permissions(path)
    }
    wanted = {(kind.resource, verb) for kind in GATEWAY_KINDS for verb in ("list", "watch")}
    told = [kind for kind in GATEWAY_KINDS if kind.is_told]
    wanted |= {pair for kind in told for pair in ((f"{kind.resource}/status", "patch"), (kind.resource, "get"))}
    assert wanted <= allowed
    own = {(p.resource, p.verb) for p in permissions(FILES["permissions-gateway-api.txt"])}
    assert own <= wanted


@pytest.mark.parametrize("path", [DEPLOY / "rbac.yaml", DEPLOY / "single-namespace/rbac.yaml"])
def test_what_is_watched_may_be_listed_and_watched(path: Path) -> None:
    allowed = {(p.resource, p.verb) for p in permissions(path)}
    watched = [kind for kind in (*KINDS, GATEWAY_CLASS) if not kind.is_everywhere or path.parent == DEPLOY]
    wanted = {(kind.resource, verb) for kind in watched for verb in ("list", "watch")}
    assert wanted <= allowed
    assert {pair for pair in allowed if pair[1] in {"list", "watch"}} == wanted


# The page


ROW = re.compile(r"^\| (everywhere|`[a-z-]+`) \| (.+?) \| ([a-z, ]+) \| (.+?) \| (.+?) \|$", re.MULTILINE)


def explained() -> dict[str, set[Permission]]:
    """The permissions of each table of the page, by the file that its heading names."""
    found: dict[str, set[Permission]] = {}
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        named = re.match(r"`(deploy/[a-z/-]+\.yaml)`", section)
        if named is not None:
            found[named[1]] = {permission for row in ROW.findall(section) for permission in of_row(*row)}
    return found


def of_row(where: str, resources: str, verbs: str, why: str, without: str) -> Iterator[Permission]:
    assert why.strip()
    assert without.strip()
    for text in re.findall(r"`([^`]+)`", resources):
        resource, _, name = text.partition(" ")
        for verb in verbs.split(", "):
            yield Permission("*" if where == "everywhere" else where.strip("`"), resource, name or "*", verb)


@pytest.mark.parametrize("path", FILES.values())
def test_the_page_explains_each_permission_and_no_other(path: Path) -> None:
    assert explained()[str(path.relative_to(ROOT))] == permissions(path)


@pytest.mark.parametrize("path", FILES.values())
def test_each_rule_has_its_reason_above_it(path: Path) -> None:
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if line.startswith("  - apiGroups:"):
            assert lines[number - 1].startswith("  # "), line
