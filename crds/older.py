"""The CRDs with v1 and v2 beside v3alpha1, one converted into another by the webhook.

The older versions have no schema of their own: whatever is written there is kept, converted, and judged as v3alpha1.
v3alpha1 is what is stored, so that nothing has to be converted for Dragoman itself.
"""

import copy
from dataclasses import replace
from typing import Any, Final

from conversion import OLDER, versions_of
from crds.definitions import Version, current, definition, object_of
from crds.kinds import SERVED, Column, Served

CONVERSION: Final = {
    "strategy": "Webhook",
    "webhook": {
        "conversionReviewVersions": ["v1"],
        "clientConfig": {
            "service": {"namespace": "dragoman", "name": "dragoman-webhook", "port": 443, "path": "/convert"}
        },
    },
}
_ANYTHING: Final = {
    "type": "object",
    "description": "As in Emissary's documentation of that version.",
    "x-kubernetes-preserve-unknown-fields": True,
}
_PATHS: Final = {("Mapping", ".spec.hostname"): ".spec.host"}
"""Of what columns show, what older versions call otherwise."""


def definitions_with_older_versions() -> list[dict[str, Any]]:
    """The CRDs of the kinds that are served; those that never had another version are as they are without."""
    return [_definition(kind) for kind in SERVED]


def _definition(kind: Served) -> dict[str, Any]:
    older = [version for version in reversed(versions_of(kind.name)) if version in OLDER]
    versions = [current(kind), *(Version(version, object_of(kind, _ANYTHING), _columns(kind)) for version in older)]
    return definition(kind, versions, copy.deepcopy(CONVERSION) if older else None)


def _columns(kind: Served) -> tuple[Column, ...]:
    return tuple([replace(one, path=_PATHS.get((kind.name, one.path), one.path)) for one in kind.columns])
