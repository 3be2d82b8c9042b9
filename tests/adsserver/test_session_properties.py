"""Any edits, any Envoy, any moment of a crash: Envoy ends with what is wanted, and nothing breaks on the way there.

A model of Envoy (tests/support/model_envoy.py) judges each step: no route before its clusters, no cluster taken away
under a route. At the end everything that Envoy did not refuse must be there, and nothing else.
"""

import json
from collections import deque
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from adsserver.ledger import Ledger
from adsserver.messages import Response
from adsserver.resources import Catalog, Kind, split_key
from adsserver.round import Timing
from adsserver.session import Session
from snapshot import Changes, Record
from tests.support.model_envoy import Held, ModelEnvoy, content_of, secret_saying

TIMING = Timing()
CLUSTERS = [f"cluster-{number}" for number in range(4)]
ROUTES = [f"route-{number}" for number in range(3)]
LISTENERS = [f"listener-{number}" for number in range(2)]
SECRETS = [f"secret-{number}" for number in range(2)]

badness = st.sampled_from([None] * 6 + ["rules", "meaning"])


class Adsserver(RuleBasedStateMachine):
    """A snapshot, an adsserver and an Envoy, with the messages between them on their way."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.edition = self.streams = 0
        self.wanted: dict[str, Record] = {}
        self.saved: dict[str, Record] = {}
        self.envoy = ModelEnvoy(TIMING, self.publishes)
        self.to_envoy: deque[tuple[Response, float]] = deque()

    # -- the world

    def secret(self, *, bad: str | None) -> Record:
        said = self.body(bad=bad)
        return Record(said.version, secret_saying(said.body))

    def publishes(self, cluster: str) -> bool:
        """Whether there is such a cluster that could be sent: it is wanted, and was not refused."""
        key = f"cluster/{cluster}"
        return key in self.wanted and (key, self.wanted[key].version) not in self.envoy.told

    def body(self, **content: Any) -> Record:
        self.edition += 1
        notes = {"endpoints": content["eds"]} if content.get("eds") else {}
        return Record(f"v{self.edition}", json.dumps(content).encode(), notes)

    @initialize(running=st.booleans())
    def begin(self, running: bool) -> None:
        """Either nothing was ever published, or a small gateway runs."""
        self.start_server()
        self.envoy.connect()
        if not running:
            return
        self.publish(
            {f"cluster/{name}": self.body(eds=f"{name}-endpoints", stuck=False, bad=None) for name in CLUSTERS[:2]}
        )
        self.publish({f"endpoint/{name}-endpoints": self.body(bad=None) for name in CLUSTERS[:2]})
        self.publish({f"route/{name}": self.body(clusters=[CLUSTERS[0]], bad=None) for name in ROUTES[:2]})
        self.publish({f"secret/{SECRETS[0]}": self.secret(bad=None)})
        self.publish({f"listener/{LISTENERS[0]}": self.body(rds=ROUTES[:2], sds=SECRETS[:1], bad=None)})
        self.settle()

    @rule(
        name=st.sampled_from(CLUSTERS),
        eds=st.sampled_from(["own", "shared", None]),
        stuck=st.sampled_from([False] * 5 + [True]),
        bad=badness,
    )
    def put_cluster(self, name: str, eds: str | None, stuck: bool, bad: str | None) -> None:
        source = {"own": f"{name}-endpoints", "shared": "shared-endpoints", None: None}[eds]
        changes: dict[str, Record | None] = {f"cluster/{name}": self.body(eds=source, stuck=stuck, bad=bad)}
        if source and f"endpoint/{source}" not in self.wanted:
            changes[f"endpoint/{source}"] = self.body(bad=None)
        self.publish(changes)

    @rule(name=st.sampled_from(CLUSTERS), bad=badness)
    def put_endpoints(self, name: str, bad: str | None) -> None:
        if f"endpoint/{name}-endpoints" in self.wanted:
            self.publish({f"endpoint/{name}-endpoints": self.body(bad=bad)})

    @rule(name=st.sampled_from(ROUTES), clusters=st.sets(st.sampled_from(CLUSTERS), max_size=2), bad=badness)
    def put_route(self, name: str, clusters: set[str], bad: str | None) -> None:
        there = sorted(cluster for cluster in clusters if f"cluster/{cluster}" in self.wanted)
        self.publish({f"route/{name}": self.body(clusters=there, bad=bad)})

    @rule(
        name=st.sampled_from(LISTENERS),
        routes=st.sets(st.sampled_from(ROUTES), max_size=2),
        secrets=st.sets(st.sampled_from(SECRETS), max_size=2),
        bad=badness,
    )
    def put_listener(self, name: str, routes: set[str], secrets: set[str], bad: str | None) -> None:
        rds = sorted(route for route in routes if f"route/{route}" in self.wanted)
        sds = sorted(secret for secret in secrets if f"secret/{secret}" in self.wanted)
        self.publish({f"listener/{name}": self.body(rds=rds, sds=sds, bad=bad)})

    @rule(name=st.sampled_from(SECRETS), bad=badness)
    def put_secret(self, name: str, bad: str | None) -> None:
        self.publish({f"secret/{name}": self.secret(bad=bad)})

    @rule(name=st.sampled_from(SECRETS), bad=badness, listener=st.sampled_from(LISTENERS))
    def put_secret_and_listener(self, name: str, bad: str | None, listener: str) -> None:
        """Nobody is to pay for the Secret: the listener is as good as before."""
        changes: dict[str, Record | None] = {f"secret/{name}": self.secret(bad=bad)}
        there = self.wanted.get(f"listener/{listener}")
        if there:
            changes[f"listener/{listener}"] = self.body(**json.loads(there.body))
        self.publish(changes)

    @rule(
        listener=st.sampled_from(LISTENERS),
        old=st.sampled_from(ROUTES),
        new=st.sampled_from(ROUTES),
        away=st.sampled_from(CLUSTERS),
        to=st.sampled_from(CLUSTERS),
    )
    def move_port(self, listener: str, old: str, new: str, away: str, to: str) -> None:
        """A listener gets other routes and these another cluster, in one commit; who is connected keeps the old ones."""
        there = self.wanted.get(f"listener/{listener}")
        if not there or len({old, new}) < 2 or len({away, to}) < 2:
            return
        changes: dict[str, Record | None] = {
            f"cluster/{to}": self.body(eds=None, stuck=False, bad=None),
            f"route/{new}": self.body(clusters=[to], bad=None),
            f"route/{old}": None,
            f"cluster/{away}": None,
        }
        for key, record in self.wanted.items():
            content = json.loads(record.body) if key.startswith(("listener/", "route/")) else {}
            if old in content.get("rds", ()) or key == f"listener/{listener}":
                rds = sorted({new, *content["rds"]} - {old})
                changes[key] = self.body(**content | {"rds": rds})
            elif away in content.get("clusters", ()) and key not in changes:
                changes[key] = self.body(clusters=sorted({*content["clusters"], to} - {away}), bad=content["bad"])
        self.publish({key: record for key, record in changes.items() if record or key in self.wanted})

    @rule()
    def drains_end(self) -> None:
        self.envoy.end_drains()

    @rule(old=st.sampled_from(CLUSTERS), new=st.sampled_from(CLUSTERS), bad=badness, bad_route=badness)
    def move_routes(self, old: str, new: str, bad: str | None, bad_route: str | None) -> None:
        """The classic: a new cluster, the routes move to it, the old one goes, all in one commit."""
        if old == new or f"cluster/{old}" not in self.wanted:
            return
        changes: dict[str, Record | None] = {f"cluster/{new}": self.body(eds=f"{new}-endpoints", stuck=False, bad=bad)}
        changes[f"endpoint/{new}-endpoints"] = self.body(bad=None)
        for key, record in self.wanted.items():
            content = json.loads(record.body) if key.startswith("route/") else {}
            if old in content.get("clusters", ()):
                clusters = sorted({new if each == old else each for each in content["clusters"]})
                changes[key] = self.body(clusters=clusters, bad=bad_route)
        changes[f"cluster/{old}"] = None
        self.publish(changes)

    @rule(
        key=st.sampled_from(
            [f"cluster/{name}" for name in CLUSTERS]
            + [f"route/{name}" for name in ROUTES]
            + [f"listener/{name}" for name in LISTENERS]
            + [f"secret/{name}" for name in SECRETS]
        )
    )
    def remove(self, key: str) -> None:
        """A resource goes, and with it every mention of it."""
        if key not in self.wanted:
            return
        kind, name = key.split("/", 1)
        users = {"cluster": ("route", "clusters"), "route": ("listener", "rds"), "secret": ("listener", "sds")}
        user, field = users.get(kind, ("", ""))
        changes: dict[str, Record | None] = {key: None}
        for other, record in self.wanted.items() if user else ():
            content = json.loads(record.body) if other.startswith(f"{user}/") else {}
            if name in content.get(field, ()):
                content[field].remove(name)
                changes[other] = self.body(**content)
        self.publish(changes)

    @rule()
    def drop_unused_endpoints(self) -> None:
        used = {json.loads(record.body)["eds"] for key, record in self.wanted.items() if key.startswith("cluster/")}
        self.publish(
            {key: None for key in self.wanted if key.startswith("endpoint/") and key.split("/", 1)[1] not in used}
        )

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

    def send(self, responses: list[Response]) -> None:
        for entry in (entry for response in responses for entry in response.entries):
            assert (entry.key, entry.version) not in self.envoy.told, f"{entry} goes again after it was refused"
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
        while self.to_envoy or self.envoy.out:
            self.envoy_works(1000)
            self.server_works(1000)

    @rule(seconds=st.sampled_from([0.05, 0.3, 1.1, 6.0]))
    def time_passes(self, seconds: float) -> None:
        if seconds > TIMING.patience:
            self.messages_flow()  # who lives reads what he is told within so many seconds
        end = self.now + seconds
        while self.session.deadline is not None and self.session.deadline <= end:
            before, self.now = self.now, max(self.now, self.session.deadline)
            self.send(self.session.on_timer(self.now))
            assert self.session.deadline is None or self.session.deadline > self.now or before < self.now
        self.now = end

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
        self.envoy = ModelEnvoy(TIMING, self.publishes)
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
        self.save()
        self.server_dies()
        self.settle()
        self.judge()
        sent_again = set(self.envoy.sent_again) - self.may_go_again()
        assert not sent_again, "sent again after a restart though nothing had changed"

    def may_go_again(self) -> set[str]:
        """What is refused, once more for a Secret's sake, or the last good one of it; a cluster brings its endpoints."""
        refused = {key for key, record in self.saved.items() if record.notes.get("refused")}
        clusters = [json.loads(self.wanted[key].body) for key in refused if key.startswith("cluster/")]
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
            if kind is Kind.LISTENER:
                latest.update(self.envoy.warming_listeners)
            for key, record in self.wanted.items():
                self.judge_there(kind, key, record, latest)
            for name in latest if kind in (Kind.CLUSTER, Kind.LISTENER) else ():
                assert kind.key(name) in self.wanted or self.is_kept(name), f"{kind}/{name} is still there"

    def judge_there(self, kind: Kind, key: str, record: Record, latest: dict[str, Held]) -> None:
        found = split_key(key)
        assert found
        if found[0] is not kind or (
            kind not in (Kind.CLUSTER, Kind.LISTENER) and found[1] not in self.envoy.interest[kind]
        ):
            return
        envoy_has = latest.get(found[1])
        content = content_of(kind, record.body)
        if content["bad"]:
            assert envoy_has is None or envoy_has.version != record.version
            refused = self.ledger.changes(self.now).get(key) or self.saved.get(key)
            assert refused is not None, f"{key} refused, and nobody told"
            assert refused.notes["refused"] == record.version
        elif self.envoy.spoilt.isdisjoint(content.get("sds", ())):
            assert envoy_has is not None, f"{key} is missing"
            assert envoy_has.version == record.version, f"{key}: {envoy_has} instead of {record}"

    def is_kept(self, name: str) -> bool:
        """Whether something that Envoy keeps, since it refused a newer version, may use this."""
        return bool(self.ledger.kept())


TestAdsserver = Adsserver.TestCase
TestAdsserver.settings = settings(
    max_examples=1500,
    stateful_step_count=50,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
