"""What has to be applied so that a status says what it should: nothing where it does, and with the times that it had.

Only the conditions and fields of ours are looked at. Those of others are neither compared nor written: server-side
apply leaves them to whoever owns them.
"""

from typing import Final

from reporter.objects import JSONObject, conditions_of

TYPES: Final = frozenset({"Accepted", "ResolvedRefs", "Programmed"})
FIELDS: Final = frozenset({"state", "reason", "tlsCertificateSource", "errorReason", "errorTimestamp"})

_SAID: Final = ("status", "reason", "message", "observedGeneration")
_SINCE: Final = "lastTransitionTime"


def status_to_apply(live: JSONObject, wanted: JSONObject, now: str) -> JSONObject | None:
    """The status to apply; None when `live` says all that is wanted. `now`: RFC 3339.

    Args:
        live: the status as it is, with whatever others wrote into it.
        wanted: as it should be, without times.
        now: the time of what has changed.
    """
    there, should = conditions_of(live), conditions_of(wanted)
    differs = any(_differ(there.get(name), condition) for name, condition in should.items())
    leftover = (TYPES & there.keys()) - should.keys()
    conditions = [condition | {_SINCE: _since(there.get(name), condition, now)} for name, condition in should.items()]
    fields = {name: value for name, value in wanted.items() if name != "conditions"}
    if fields.get("errorReason"):
        same = live.get("errorReason") == fields["errorReason"]
        fields["errorTimestamp"] = live["errorTimestamp"] if same and live.get("errorTimestamp") else now
    kept = {name: value for name, value in live.items() if name in FIELDS and value != ""}
    if not fields.get("errorReason"):
        kept.pop("errorTimestamp", None)  # it cannot be empty, and goes with the reason unless it is another writer's
    meant = {name: value for name, value in fields.items() if value != ""}
    if not differs and not leftover and kept == meant:
        return None
    return {**fields, "conditions": conditions}


def is_ours(status: JSONObject) -> bool:
    """Whether a status has conditions of the types that we write; another gateway's are of them too."""
    return bool(TYPES & conditions_of(status).keys())


def _differ(there: JSONObject | None, condition: JSONObject) -> bool:
    return there is None or not there.get(_SINCE) or any(there.get(name) != condition.get(name) for name in _SAID)


def _since(there: JSONObject | None, condition: JSONObject, now: str) -> str:
    before = there.get(_SINCE) if there and there.get("status") == condition["status"] else None
    return before if isinstance(before, str) and before else now
