"""The schemas of statuses: conditions as everywhere in Kubernetes, and the fields that Emissary's users know.

Unknown fields are kept, so that a newer Dragoman may say more under older CRDs, and two may run side by side.
"""

from typing import Any, Final

_CONDITION: Final[dict[str, Any]] = {
    "type": "object",
    "description": "One thing that is so or not.",
    "required": ["type", "status", "lastTransitionTime", "reason", "message"],
    "properties": {
        "type": {"type": "string", "maxLength": 316, "description": "What: such as Accepted or Programmed."},
        "status": {"type": "string", "enum": ["True", "False", "Unknown"], "description": "Whether it is so."},
        "observedGeneration": {
            "type": "integer",
            "format": "int64",
            "minimum": 0,
            "description": "The metadata.generation that this is about.",
        },
        "lastTransitionTime": {
            "type": "string",
            "format": "date-time",
            "description": "When `status` was last another.",
        },
        "reason": {"type": "string", "minLength": 1, "maxLength": 1024, "description": "Why, in a word for programs."},
        "message": {"type": "string", "maxLength": 32768, "description": "Why, in a sentence for people."},
    },
}


def _text(doc: str) -> dict[str, Any]:
    return {"type": "string", "description": doc}


def _status(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": "What became of it; written by Dragoman.",
        "x-kubernetes-preserve-unknown-fields": True,
        "properties": {
            "conditions": {
                "type": "array",
                "description": "What is so: each type of condition once.",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
                "items": _CONDITION,
            },
            "observedGeneration": {
                "type": "integer",
                "format": "int64",
                "description": "The metadata.generation that was last looked at.",
            },
            **fields,
        },
    }


STATE_STATUS: Final = _status(
    {
        "state": _text("Emissary's word for it: Running or Inactive."),
        "reason": _text("The first of its problems; empty when there is none."),
    }
)

HOST_STATUS: Final = _status(
    {
        "state": _text("Emissary's word for it: Initial, Pending, Ready or Error."),
        "tlsCertificateSource": _text("Unknown, None, Other or ACME."),
        "phaseCompleted": _text("The last step towards a certificate that was taken."),
        "phasePending": _text("The step towards a certificate that is being taken."),
        "errorReason": _text("Why the state is Error."),
        "errorTimestamp": {"type": "string", "format": "date-time", "description": "When it became so."},
        "errorBackoff": _text("How long until the next try."),
    }
)
