"""What has to be applied so that the status of an Ingress says what it should, Kubernetes' own or Knative's.

To the API server the addresses are one value, and so are Knative's conditions: who writes them writes all. Conditions
of other types are written as they were found; other fields are left to whoever owns them.
"""

from typing import Final

from reporter.objects import JSONObject, conditions_of

_SAID: Final = ("status", "reason", "message")
_SINCE: Final = "lastTransitionTime"


def ingress_to_apply(live: JSONObject, wanted: JSONObject, now: str) -> JSONObject | None:
    """The status to apply; None when `live` says all that is wanted. `now`: RFC 3339."""
    there, should = conditions_of(live), conditions_of(wanted)
    differs = any(_said(there.get(name, {})) != _said(condition) for name, condition in should.items())
    fields = {name: value for name, value in wanted.items() if name != "conditions"}
    if not differs and all(live.get(name) == value for name, value in fields.items()):
        return None
    if not should:
        return fields
    conditions = [
        condition | {_SINCE: _since(there.get(name, {}), condition, now)} for name, condition in should.items()
    ]
    return {**fields, "conditions": [*conditions, *(each for name, each in there.items() if name not in should)]}


def has_addresses(live: JSONObject) -> bool:
    """Whether a status says where clients come in."""
    balancer = live.get("loadBalancer")
    return isinstance(balancer, dict) and bool(balancer.get("ingress"))


def _said(condition: JSONObject) -> JSONObject:
    return {name: condition[name] for name in _SAID if condition.get(name)}


def _since(there: JSONObject, condition: JSONObject, now: str) -> str:
    before = there.get(_SINCE) if there.get("status") == condition["status"] else None
    return before if isinstance(before, str) and before else now
