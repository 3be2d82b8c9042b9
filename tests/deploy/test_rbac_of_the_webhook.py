"""What the manifests of older versions allow is what the webhook asks for, as an API server writes it down."""

from pathlib import Path

import pytest

from conversion.kinds import versions_of
from crds.kinds import SERVED
from tests.deploy.reading import DEPLOY, Permission, permissions
from tests.deploy.test_rbac_is_used import MERGE, asked, audited, covers
from tests.support.envoy import wait_until
from tests.webhook.running_webhook import Webhook, install, secret, trusts

pytestmark = pytest.mark.kubernetes

CRDS = "customresourcedefinitions.apiextensions.k8s.io"


def not_seen() -> set[Permission]:
    """CRDs of Emissary's that are not installed here are looked for, and not patched."""
    rbac = permissions(DEPLOY / "older-versions/rbac.yaml")
    served = {kind.plural for kind in SERVED if len(versions_of(kind.name)) > 1}
    return {
        one for one in rbac if one.resource == CRDS and one.verb == "patch" and one.name.split(".")[0] not in served
    }


def test_nothing_is_missing_and_nothing_is_too_much(tmp_path: Path) -> None:
    with audited(tmp_path) as (api, log), Webhook(api) as webhook:
        install(api, webhook.url)
        webhook.wait_trusted()
        made = secret(webhook)
        assert made is not None
        path = "/api/v1/namespaces/dragoman/secrets/dragoman-webhook"
        api.ask("PATCH", path, {"data": {"tls.key": None}}, content_type=MERGE)
        wait_until(
            lambda: (
                set(trusts(api).values()) == {(secret(webhook) or made)["data"]["ca.crt"]} != {made["data"]["ca.crt"]}
            ),
            60,
            what=f"the Secret made anew; the log:\n{webhook.log()}",
        )
        assert webhook.end() == 0
        allowed, forbidden = asked(log)
    given = permissions(DEPLOY / "older-versions/rbac.yaml")
    unused = {one for one in given if not any(covers(one, request) for request in allowed)}
    assert set(map(str, unused)) == set(map(str, not_seen()))
    assert forbidden == set()
