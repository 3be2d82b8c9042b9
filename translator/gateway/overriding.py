"""Who is told that somebody else has the last word: policies for less than an override, and routes.

By GEP-713 a policy of which nothing counts is not programmed, since it is overridden; one of which something does is
programmed in part. Of rules about addresses nothing is lost: they hold beside the override's.
"""

from collections.abc import Iterable, Iterator

from translator.decode import Problem
from translator.gateway.attached import WHOLE
from translator.gateway.attachment import Attachment
from translator.gateway.conditions import Condition, false, named, true
from translator.gateway.gateways import Gateways
from translator.gateway.kinds.targets import Place
from translator.gateway.names import GATEWAY, LISTENER_SET
from translator.gateway.route_policies import RoutePolicies
from translator.gateway.rules import Rule
from translator.gateway.treatment import NOTHING, Said
from translator.ir import ObjectKey
from translator.tables import Table, read


class Overriding:
    """What of RoutePolicies is overridden. The method is for rules that a sweep runs."""

    def __init__(
        self, policies: RoutePolicies, gateways: Gateways, attachments: Table[ObjectKey, tuple[Attachment, ...]]
    ) -> None:
        self._policies = policies
        self._gateways = gateways
        self._attachments = attachments

    def condition(self, key: ObjectKey, place: Place) -> Condition | None:
        """What is said of a policy at a target; None where it has its word."""
        judged = read(self._policies.judged, key)
        if judged is None or not judged.said.names:
            return None
        said = judged.said.names
        own = NOTHING if judged.overrides else self._policies.of(place).last
        ways = [way.against(own) for way in self._ways(place)]
        lost = [said & _taken(way) for way in ways]
        if not any(lost):
            return None
        fields, by = frozenset[str]().union(*lost), sorted({each for way in ways for each in self._by(way, said)})
        who = named([policy.split("/", 2)[2] for policy in by])
        message = f"{named(sorted(fields))}: the last word has the RoutePolicy {who}"
        if said == lost[0].intersection(*lost):
            return false("Programmed", "Overridden", message)
        return true("Programmed", "PartiallyProgrammed", message)

    def _by(self, way: Said, said: frozenset[str]) -> Iterator[ObjectKey]:
        for policy in way.policies:
            judged = read(self._policies.judged, policy)
            if judged is not None and _taken(judged.said) & said:
                yield policy

    def _ways(self, place: Place) -> list[Said]:
        """The last words about more than a place, for each way on which its requests come in."""
        key, section = place
        if key.startswith(f"{GATEWAY}/"):
            return [self._policies.of((key, WHOLE)).last if section else NOTHING]
        if key.startswith(f"{LISTENER_SET}/"):
            found = read(self._gateways.sets, key)
            whole = self._policies.of((key, WHOLE)).last if section else NOTHING
            return [whole if found is None else self._policies.of((found.gateway, WHOLE)).last.against(whole)]
        spots = [spot.key for each in read(self._attachments, key) or () for spot in each.spots]
        whole = self._policies.of((key, WHOLE)).last if section else NOTHING
        return [self._policies.of_listener(each).last.against(whole) for each in dict.fromkeys(spots)] or [whole]


def _taken(last: Said) -> frozenset[str]:
    """The fields in which the word of others does not count."""
    return last.names if last.addresses == () else last.names - Said(addresses=()).names


def own_words(rule: Rule, generals: Iterable[Said]) -> Iterator[Problem]:
    """What a rule says itself that does not count; `generals` are the last words about more."""
    last = [each.against(rule.words.last) for each in generals]
    said = (
        ("timeouts.request", "timeout_ms", rule.timeouts.request is not None),
        ("retry", "retry_policy", rule.retry is not None),
        ("filters", "cors", rule.treatment.cors is not None),
    )
    for path, field, is_said in said:
        by = sorted({policy for each in last if field in each.names for policy in each.policies}) if is_said else []
        if by:
            who = named([policy.split("/", 2)[2] for policy in by])
            what = "CORS has no effect" if field == "cors" else "has no effect"
            message = f"{what}: the last word has the RoutePolicy {who}"
            yield Problem(f"spec.rules[{rule.place}].{path}", message, stops=False)
