"""What the statuses of Ingresses say, Kubernetes' own and Knative's: where clients come in, and if they are served.

    Ingress     loadBalancer: what our own Service says; nothing where that has no address
    Knative's   LoadBalancerReady    a Service leads to us
                NetworkConfigured    Envoy has accepted all that it gives
                Ready                both

docs/statuses.md is the page for people. The times of conditions are added by who writes them.
"""

from typing import Any, Final

import orjson

from translator.conditions import sentences
from translator.derived import INGRESS
from translator.kubernetes.own_services import LABEL, PUBLIC
from translator.statuses import ReportedProblem, Status

_WORST: Final = ("True", "Unknown", "False")
NO_SERVICE: Final = f"No Service with the label {LABEL}: {PUBLIC} leads to Dragoman's pods."


def ingress_status(kind: str, status: Status) -> dict[str, Any] | None:
    """The status of an Ingress of a kind `<group>/<Kind>`; empty where nothing is so, None where nobody knows."""
    said: Any = orjson.loads(status.address)
    if said is None:
        return None
    if kind == INGRESS:
        return {"loadBalancer": {"ingress": said}} if said else {}
    return _knative(said["public"], said["local"], status)


def ingress_news(status: Status) -> list[dict[str, str]]:
    """What Events tell of an Ingress of Kubernetes' own, whose status has no place for it: each problem by itself."""
    return [{"reason": _told_as(problem), "message": sentences([problem])} for problem in status.problems]


def _told_as(problem: ReportedProblem) -> str:
    """A condition's reason: of what is in force all the same, that it was warned of, unless there is a better word."""
    if problem.by == "envoy":
        return "RefusedByEnvoy"
    return "Warned" if problem.reason == "Invalid" and not problem.stops else problem.reason


def _knative(public: str, local: str, status: Status) -> dict[str, Any]:
    generation = status.subject.edition.generation if status.subject else None
    balanced, configured = _balanced(public), _configured(status)
    found: dict[str, Any] = {
        "conditions": [
            _condition("LoadBalancerReady", balanced),
            _condition("NetworkConfigured", configured),
            _condition("Ready", max(balanced, configured, key=lambda verdict: _WORST.index(verdict[0]))),
        ]
    }
    if generation is not None:
        found["observedGeneration"] = generation
    if public:
        found["loadBalancer"] = {"ingress": [{"domainInternal": public}]}
    if local:
        found["privateLoadBalancer"] = {"ingress": [{"domainInternal": local}]}
    return found


def _balanced(public: str) -> tuple[str, str, str]:
    return ("True", "", "") if public else ("False", "NoService", NO_SERVICE)


def _configured(status: Status) -> tuple[str, str, str]:
    amiss = [problem for problem in status.problems if problem.stops or problem.reason == "NotAttached"]
    if amiss:
        reason = "RefusedByEnvoy" if amiss[0].by == "envoy" else amiss[0].reason
        return "False", reason, sentences(amiss, status.more)
    if status.waits:
        return "Unknown", "Pending", "Envoy has not answered yet."
    return "True", "", sentences(status.problems, status.more) if status.problems else ""


def _condition(kind: str, verdict: tuple[str, str, str]) -> dict[str, str]:
    so, reason, message = verdict
    found = {"type": kind, "status": so, "reason": reason, "message": message}
    return {name: value for name, value in found.items() if value}
