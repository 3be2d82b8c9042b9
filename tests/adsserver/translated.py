"""What the translator may publish, in any order: the edits of the property test, each as a rule."""

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from snapshot import Record
from tests.support.model_envoy import FILTER, LAYER
from tests.support.model_resources import secret_saying

CLUSTERS = [f"cluster-{number}" for number in range(4)]
ROUTES = [f"route-{number}" for number in range(3)]
LISTENERS = [f"listener-{number}" for number in range(2)]
SECRETS = [f"secret-{number}" for number in range(2)]

badness = st.sampled_from([None] * 6 + ["rules", "meaning"])


class Translated(RuleBasedStateMachine):
    """`wanted` is what is published; what an edit changes goes to `publish`."""

    def __init__(self) -> None:
        super().__init__()
        self.edition = 0
        self.is_on = False
        self.wanted: dict[str, Record] = {}
        self.past: dict[str, Record] = {}

    def publish(self, changes: dict[str, Record | None]) -> None:
        """Take over changes."""
        raise NotImplementedError

    def body(self, **content: Any) -> Record:
        self.edition += 1
        notes = {"endpoints": content["eds"]} if content.get("eds") else {}
        return Record(f"v{self.edition}", json.dumps(content).encode(), notes)

    def secret(self, *, bad: str | None) -> Record:
        said = self.body(bad=bad)
        return Record(said.version, secret_saying(said.body))

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

    def edit(self, changes: dict[str, Record | None]) -> None:
        """Publish changes, and in the same commit take back the scopes that no listener needs any more."""
        after = {key: record for key, record in {**self.wanted, **changes}.items() if record}
        contents = {
            key: json.loads(each.body) for key, each in after.items() if key.startswith(("listener/", "route/"))
        }
        firsts = {each["srds"] for key, each in contents.items() if key.startswith("listener/") and each.get("srds")}
        used = firsts | {name for first in firsts for name in contents[f"route/{first}"]["scopes"]}
        for key in after:
            name = key.split("/", 1)[1]
            if key.startswith(("scope/", "route/index-", "route/shard-")) and name not in used:
                changes[key] = None
        self.publish({key: record for key, record in changes.items() if record or key in self.wanted})

    def shards(self, bads: list[str | None], clusters: set[str]) -> dict[str, Record | None]:
        """New scopes with their routes; the first of each `bads` is whether the scope is bad."""
        there = sorted(cluster for cluster in clusters if f"cluster/{cluster}" in self.wanted)
        changes: dict[str, Record | None] = {}
        for bad in bads:
            name = f"shard-{self.edition}"
            changes[f"scope/{name}"] = self.scope(name, bad=bad)
            changes[f"route/{name}"] = self.body(clusters=there, bad=None, on=self.is_on)
        return changes

    def scope(self, name: str, *, bad: str | None = None) -> Record:
        said = self.body(routes=name, bad=bad)
        return Record(said.version, said.body, {"routes": name})

    @rule(
        listener=st.sampled_from(LISTENERS),
        scopes=st.lists(st.sampled_from([None] * 9 + ["rules"]), max_size=2),
        clusters=st.sets(st.sampled_from(CLUSTERS), max_size=2),
        kept=st.integers(0, 2),
        again=st.booleans(),
        bad=badness,
        bad_routes=badness,
    )
    def put_scopes(
        self,
        listener: str,
        scopes: list[str | None],
        clusters: set[str],
        kept: int,
        again: bool,
        bad: str | None,
        bad_routes: str | None,
    ) -> None:
        """A listener's index leads to new scopes, to some of those before, and to one that went, if there is any."""
        first = f"index-{listener}"
        changes = self.shards(scopes, clusters)
        for key in changes if bad_routes else ():
            if key.startswith("route/"):
                changes[key] = self.body(**json.loads(changes[key].body) | {"bad": bad_routes})  # type: ignore[union-attr]
        before = self.wanted.get(f"route/{first}")
        names = [key.split("/", 1)[1] for key in changes if key.startswith("scope/")]
        names += json.loads(before.body)["scopes"][:kept] if before else []
        shards = [name for name in self.past if name.startswith("shard-")]
        gone = [name for name in shards if f"scope/{name}" not in self.wanted] if again else []
        for name in gone[-1:]:
            names.append(name)
            changes[f"scope/{name}"] = self.past[name]
            changes[f"route/{name}"] = self.body(clusters=[], bad=None, on=self.is_on)
        changes[f"route/{first}"] = self.body(clusters=[], scopes=sorted(set(names)), bad=bad, on=self.is_on)
        if f"scope/{first}" not in self.wanted:
            changes[f"scope/{first}"] = self.past.get(first) or self.scope(first)
        there = self.wanted.get(f"listener/{listener}")
        if not there or json.loads(there.body).get("srds") != first:
            changes[f"listener/{listener}"] = self.body(rds=[], sds=[], srds=first, bad=None)
        for key, each in changes.items():
            if each and key.startswith("scope/") and not json.loads(each.body)["bad"]:
                self.past[key.split("/", 1)[1]] = each
        self.edit(changes)

    @rule(number=st.integers(0, 5), clusters=st.sets(st.sampled_from(CLUSTERS), max_size=2), bad=badness)
    def change_shard(self, number: int, clusters: set[str], bad: str | None) -> None:
        """The routes of a scope change."""
        there = sorted(cluster for cluster in clusters if f"cluster/{cluster}" in self.wanted)
        shards = [key for key in self.wanted if key.startswith("route/shard-")]
        for key in shards[number : number + 1]:
            self.publish({key: self.body(clusters=there, bad=bad, on=self.is_on)})

    @rule(listener=st.sampled_from(LISTENERS))
    def leave_scopes(self, listener: str) -> None:
        """A listener with scoped routes gets others, or none: the index and its scopes go."""
        there = self.wanted.get(f"listener/{listener}")
        if there and json.loads(there.body).get("srds"):
            self.edit({f"listener/{listener}": self.body(rds=[], sds=[], bad=None)})

    @rule(listener=st.sampled_from(LISTENERS), bad=badness)
    def change_scoped_listener(self, listener: str, bad: str | None) -> None:
        """It drains, and keeps its index."""
        there = self.wanted.get(f"listener/{listener}")
        if there:
            self.publish({f"listener/{listener}": self.body(**json.loads(there.body) | {"bad": bad})})

    @rule(name=st.sampled_from(CLUSTERS), bad=badness)
    def put_endpoints(self, name: str, bad: str | None) -> None:
        if f"endpoint/{name}-endpoints" in self.wanted:
            self.publish({f"endpoint/{name}-endpoints": self.body(bad=bad)})

    @rule(name=st.sampled_from(ROUTES), clusters=st.sets(st.sampled_from(CLUSTERS), max_size=2), bad=badness)
    def put_route(self, name: str, clusters: set[str], bad: str | None) -> None:
        there = sorted(cluster for cluster in clusters if f"cluster/{cluster}" in self.wanted)
        self.publish({f"route/{name}": self.body(clusters=there, bad=bad, on=self.is_on)})

    @rule(
        name=st.sampled_from(LISTENERS),
        routes=st.sets(st.sampled_from(ROUTES), max_size=2),
        secrets=st.sets(st.sampled_from(SECRETS), max_size=2),
        bad=badness,
    )
    def put_listener(self, name: str, routes: set[str], secrets: set[str], bad: str | None) -> None:
        rds = sorted(route for route in routes if f"route/{route}" in self.wanted)
        sds = sorted(secret for secret in secrets if f"secret/{secret}" in self.wanted)
        self.edit({f"listener/{name}": self.body(rds=rds, sds=sds, bad=bad)})

    def filter(self) -> Record:
        """The filter's configuration."""
        said = self.body(idle=not self.is_on, bad=None)
        return said if self.is_on else Record(said.version, said.body, {"use": "idle"})

    @rule(change=st.booleans())
    def switch_filter(self, change: bool) -> None:
        """The filter is switched on or off in all routes, or asks somebody else."""
        self.is_on = self.is_on != change
        changes: dict[str, Record | None] = {f"extension/{FILTER}": self.filter()}
        for key, record in self.wanted.items():
            if key.startswith("route/") and change:
                changes[key] = self.body(**json.loads(record.body) | {"on": self.is_on})
        self.publish(changes)

    @rule(bad=badness)
    def put_runtime(self, bad: str | None) -> None:
        self.publish({f"runtime/{LAYER}": self.body(bad=bad)})

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
        """A listener gets other routes and these another cluster, in one commit; connections keep the old ones."""
        there = self.wanted.get(f"listener/{listener}")
        if not there or len({old, new}) < 2 or len({away, to}) < 2:
            return
        changes: dict[str, Record | None] = {
            f"cluster/{to}": self.body(eds=None, stuck=False, bad=None),
            f"route/{new}": self.body(clusters=[to], bad=None, on=self.is_on),
            f"route/{old}": None,
            f"cluster/{away}": None,
        }
        for key, record in self.wanted.items():
            content = json.loads(record.body) if key.startswith(("listener/", "route/")) else {}
            if old in content.get("rds", ()) or key == f"listener/{listener}":
                rds = sorted({new, *content["rds"]} - {old})
                changes[key] = self.body(**content | {"rds": rds})
            elif away in content.get("clusters", ()) and key not in changes:
                changes[key] = self.body(**content | {"clusters": sorted({*content["clusters"], to} - {away})})
        self.edit(changes)

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
                changes[key] = self.body(**content | {"clusters": clusters, "bad": bad_route})
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
        self.edit(changes)

    @rule()
    def drop_unused_endpoints(self) -> None:
        used = {json.loads(record.body)["eds"] for key, record in self.wanted.items() if key.startswith("cluster/")}
        self.publish(
            {key: None for key in self.wanted if key.startswith("endpoint/") and key.split("/", 1)[1] not in used}
        )
