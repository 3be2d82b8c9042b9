"""The schemas of statuses, made from what the translator writes into them.

Unknown fields are kept, so that a newer Dragoman may say more under older CRDs, and two may run side by side.
"""

from typing import Any, Final

from translator.decode import schema_of
from translator.status_fields import HostStatus, StateStatus

_OPEN: Final[dict[str, Any]] = {"x-kubernetes-preserve-unknown-fields": True}

STATE_STATUS: Final[dict[str, Any]] = schema_of(StateStatus) | _OPEN

HOST_STATUS: Final[dict[str, Any]] = schema_of(HostStatus) | _OPEN

_TEXT: Final[dict[str, Any]] = {"type": "string"}
_CONDITION: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("type", "status", "reason", "message", "lastTransitionTime"), _TEXT),
        "observedGeneration": {"type": "integer", "format": "int64"},
    },
}
_ANCESTOR: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A target of the policy, and what became of it there.",
    "properties": {
        "ancestorRef": {
            "type": "object",
            "properties": dict.fromkeys(("group", "kind", "namespace", "name", "sectionName"), _TEXT),
        },
        "controllerName": _TEXT,
        "conditions": {"type": "array", "maxItems": 8, "items": _CONDITION | _OPEN},
    },
}
POLICY_STATUS: Final[dict[str, Any]] = {
    "type": "object",
    "description": "What became of the policy, written by Dragoman.",
    "properties": {"ancestors": {"type": "array", "maxItems": 16, "items": _ANCESTOR | _OPEN}},
} | _OPEN
"""As Gateway API has it of policies (GEP-713)."""
