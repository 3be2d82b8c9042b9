"""Any edits, any Envoy, any moment of a crash: Envoy ends with what is wanted, and nothing breaks on the way there.

A model of Envoy (tests/support/model_envoy.py) judges each step: no route before its clusters, no cluster taken away
under a route. At the end everything that Envoy did not refuse must be there, and nothing else.
"""

import json
from collections import deque
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from translated import CLUSTERS, LISTENERS, ROUTES, SECRETS, Translated

from adsserver.ledger import Ledger
from adsserver.messages import Response
from adsserver.resources import Catalog, Kind, split_key
from adsserver.round import Timing
from adsserver.session import Session
from snapshot import Changes, Record
from tests.support.model_envoy import FILTER, LAYER, WILD, ModelEnvoy
from tests.support.model_resources import Held, content_of

TIMING = Timing()
MOST_TURNS = 200
"""More than any change needs: what goes on for longer would go on for ever."""


class Adsserver(Translated):
    """A snapshot, an adsserver and an Envoy, with the messages between them on their way."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.streams = 0
        self.saved: dict[str, Record] = {}
        self.envoy = ModelEnvoy(TIMING, self.publishes, self.is_bad)
        self.to_envoy: deque[tuple[Response, float]] = deque()

    # -- the world

    def publishes(self, key: str) -> bool:
        """Whether there is such a resource that could be sent: it is wanted, and was not refused."""
        return key in self.wanted and (key, self.wanted[key].version) not in self.envoy.told

    def is_bad(self, route: str) -> bool:
        """Whether a route is wanted that Envoy refuses."""
        record = self.wanted.get(f"route/{route}")
        return record is not None and bool(json.loads(record.body)["bad"])

    @initialize(running=st.booleans())
    def begin(self, running: bool) -> None:
        """Either nothing was ever published, or a small gateway runs."""
        self.wanted[f"extension/{FILTER}"] = self.filter()
        self.wanted[f"runtime/{LAYER}"] = self.body(bad=None)
        self.start_server()
        self.envoy.connect()
        if not running:
            return
        self.publish(
            {f"cluster/{name}": self.body(eds=f"{name}-endpoints", stuck=False, bad=None) for name in CLUSTERS[:2]}
        )
        self.publish({f"endpoint/{name}-endpoints": self.body(bad=None) for name in CLUSTERS[:2]})
        self.publish({f"route/{name}": self.body(clusters=[CLUSTERS[0]], bad=None, on=False) for name in ROUTES[:2]})
        self.publish({f"secret/{SECRETS[0]}": self.secret(bad=None)})
        self.publish({f"listener/{LISTENERS[0]}": self.body(rds=ROUTES[:2], sds=SECRETS[:1], bad=None)})
        first, shard = f"index-{LISTENERS[1]}", self.shards([None], set(CLUSTERS[:1]))
        names = [key.split("/", 1)[1] for key in shard if key.startswith("scope/")]
        self.publish(
            {
                **shard,
                f"scope/{first}": self.scope(first),
                f"route/{first}": self.body(clusters=[], scopes=names, bad=None, on=False),
                f"listener/{LISTENERS[1]}": self.body(rds=[], sds=[], srds=first, bad=None),
            }
        )
        self.settle()

    def publish(self, changes: dict[str, Record | None]) -> None:
        for key, record in changes.items():
            if record is None:
                self.wanted.pop(key, None)
            else:
                self.wanted[key] = record
            self.envoy.told = {told for told in self.envoy.told if told[0] != key}
        edits = self.catalog.apply(Changes(1, changes, whole=False))
        for names in edits.values():
            for entry in names.values():
                if entry:
                    self.ledger.review(entry)
        self.send(self.session.on_change(edits, self.now))

    # -- messages and time

    @rule()
    def drains_end(self) -> None:
        self.envoy.end_drains()

    def send(self, responses: list[Response]) -> None:
        for entry in (entry for response in responses for entry in response.entries):
            told = (entry.key, entry.version)
            is_again = told in self.envoy.told - self.envoy.forgiven
            assert not is_again, f"{entry} goes again after it was refused"
        if self.ledger.is_urgent:
            self.save()
        self.to_envoy.extend((response, self.now) for response in responses)

    @rule()
    def save(self) -> None:
        for key, record in self.ledger.changes(self.now).items():
            if record is None:
                self.saved.pop(key, None)
            else:
                self.saved[key] = record
        self.ledger.saved()

    @rule(count=st.integers(1, 4))
    def envoy_works(self, count: int) -> None:
        for _ in range(min(count, len(self.to_envoy))):
            self.envoy.receive(*self.to_envoy.popleft())

    @rule(count=st.integers(1, 4))
    def server_works(self, count: int) -> None:
        for _ in range(min(count, len(self.envoy.out))):
            self.send(self.session.on_request(self.envoy.say(), self.now))

    @rule()
    def messages_flow(self) -> None:
        """Both work until nothing is on its way."""
        for _ in range(MOST_TURNS):
            if not self.to_envoy and not self.envoy.out:
                return
            self.envoy_works(1000)
            self.server_works(1000)
        pytest.fail(f"no end of messages, the last: {list(self.envoy.out)} {list(self.to_envoy)}")

    @rule(seconds=st.sampled_from([0.05, 0.3, 1.1, 6.0]))
    def time_passes(self, seconds: float) -> None:
        if seconds > TIMING.patience:
            self.messages_flow()  # who lives reads what he is told within so many seconds
        end = self.now + seconds
        while self.session.deadline is not None and self.session.deadline <= end:
            before, self.now = self.now, max(self.now, self.session.deadline)
            self.envoy.end_drains(self.now - TIMING.drain + 1e-6)
            self.send(self.session.on_timer(self.now))
            assert self.session.deadline is None or self.session.deadline > self.now or before < self.now
        self.now = end
        self.envoy.end_drains(self.now - TIMING.drain + 1e-6)

    # -- failures

    def start_server(self) -> None:
        self.catalog = Catalog()
        sequence = 1 if self.wanted else 0
        self.catalog.apply(Changes(sequence, dict(self.wanted), whole=True))
        self.ledger = Ledger.load(self.catalog, dict(self.saved))
        self.begin_session()

    def begin_session(self) -> None:
        self.streams += 1
        self.session = Session(self.catalog, self.ledger, TIMING, str(self.streams))

    @rule()
    def connection_breaks(self) -> None:
        self.to_envoy.clear()
        self.begin_session()
        self.envoy.connect()

    @rule(
        stale=st.sets(st.sampled_from(CLUSTERS + ROUTES + LISTENERS)),
        ghosts=st.sets(st.sampled_from(["ghost-1", "ghost-2"])),
    )
    def envoy_comes_from_elsewhere(self, stale: set[str], ghosts: set[str]) -> None:
        """It shows versions that we do not know, of resources that we may not know."""
        for kind, versions in self.envoy.versions.items():
            for name in stale & versions.keys():
                versions[name] = "elsewhere"
                if name in self.envoy.active[kind]:
                    self.envoy.active[kind][name] = replace(self.envoy.active[kind][name], version="elsewhere")
        content = {"eds": None, "stuck": False, "bad": None}
        for name in ghosts:
            self.envoy.active[Kind.CLUSTER][name] = Held("elsewhere", content, self.now)
            self.envoy.versions[Kind.CLUSTER][name] = "elsewhere"
            self.envoy.wants_listeners = True
        self.connection_breaks()

    @rule()
    def server_dies(self) -> None:
        self.to_envoy.clear()
        self.start_server()
        self.envoy.connect()

    @rule()
    def envoy_dies(self) -> None:
        self.to_envoy.clear()
        self.begin_session()
        told = self.envoy.told
        self.envoy = ModelEnvoy(TIMING, self.publishes, self.is_bad)
        self.envoy.told = told
        self.envoy.connect()

    # -- what holds

    def quiet(self) -> None:
        """Until nobody has anything to say."""
        for _ in range(400):
            self.messages_flow()
            if self.session.deadline is None:
                return
            self.time_passes(max(self.session.deadline - self.now, 0.01))
        pytest.fail("no end of messages")

    def teardown(self) -> None:
        self.publish({"endpoint/last": self.body(bad=None)})
        self.settle()
        self.judge()
        if self.edition % 4 == 0:
            self.scopes_go_and_come_back()
        self.save()
        self.server_dies()
        self.settle()
        self.judge()
        sent_again = set(self.envoy.sent_again) - self.may_go_again()
        assert not sent_again, "sent again after a restart though nothing had changed"

    def scopes_go_and_come_back(self) -> None:
        """Drains end, Envoy drops its scopes, and one listener has scoped routes again."""
        for listener in LISTENERS:
            self.leave_scopes(listener)
        self.settle()
        self.judge()
        self.put_scopes(LISTENERS[0], [None], set(), kept=0, again=False, bad=None, bad_routes=None)
        self.settle()
        self.judge()

    def may_go_again(self) -> set[str]:
        """What is refused, once more for a Secret's sake, or its last good one; a cluster brings its endpoints."""
        refused = {key for key, record in self.saved.items() if record.notes.get("refused")}
        refused |= {key for key, record in self.wanted.items() if record.notes.get("use") == "idle"}  # which may wait
        if not self.envoy.scopes.has_users:  # Envoy shows scopes that it may have dropped
            refused |= {key for key in self.wanted if key.startswith("scope/")}
        clusters = [json.loads(self.wanted[key].body) for key in refused & self.wanted.keys() if "cluster/" in key]
        return refused | {f"endpoint/{cluster['eds']}" for cluster in clusters}

    def settle(self) -> None:
        self.quiet()
        for _ in range(len(CLUSTERS)):
            self.envoy.finish_warming()
            self.envoy.end_drains()
            self.quiet()
        assert not self.envoy.warming, "a cluster waits for ever"

    def judge(self) -> None:
        for kind, entries in self.envoy.active.items():
            latest: dict[str, Held] = dict(entries)
            if kind is Kind.CLUSTER:
                latest.update(self.envoy.warming)
            waiting = self.envoy.warming_listeners.values()
            assert all(self.envoy.scopes.needed_by(each) is not None for each in waiting), "scopes are waited for"
            if kind is Kind.SCOPE and not self.envoy.scopes.has_users:
                continue
            if kind is Kind.LISTENER:
                latest.update(self.envoy.warming_listeners)
            for key, record in self.wanted.items():
                self.judge_there(kind, key, record, latest)
            for name in latest if kind in WILD else ():
                assert kind.key(name) in self.wanted or self.is_kept(name), f"{kind}/{name} is still there"

    def judge_there(self, kind: Kind, key: str, record: Record, latest: dict[str, Held]) -> None:
        found = split_key(key)
        assert found
        if found[0] is not kind or (kind not in WILD and found[1] not in self.envoy.interest[kind]):
            return
        envoy_has = latest.get(found[1])
        content = content_of(kind, record.body)
        if content["bad"]:
            assert envoy_has is None or envoy_has.version != record.version
            refused = self.ledger.changes(self.now).get(key) or self.saved.get(key)
            assert refused is not None, f"{key} refused, and nobody told"
            assert refused.notes["refused"] == record.version
        elif record.notes.get("use") == "idle" and self.envoy.interest[Kind.ROUTE] - self.published(Kind.ROUTE):
            pass  # a listener that Envoy keeps has routes that may use the filter
        elif self.envoy.spoilt.isdisjoint(content.get("sds", ())):
            assert envoy_has is not None, f"{key} is missing"
            assert envoy_has.version == record.version, f"{key}: {envoy_has} instead of {record}"

    def published(self, kind: Kind) -> set[str]:
        """The names of a kind that are wanted."""
        return {name for key in self.wanted for found, name in [key.split("/", 1)] if found == kind}

    def is_kept(self, name: str) -> bool:
        """Whether something that Envoy keeps, since it refused a newer version, may use this."""
        has_old_routes = self.envoy.interest[Kind.ROUTE] - self.published(
            Kind.ROUTE
        )  # which a listener of old asks for
        return bool(self.ledger.kept() or has_old_routes)


TestAdsserver = Adsserver.TestCase
TestAdsserver.settings = settings(
    max_examples=1000,
    stateful_step_count=50,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
