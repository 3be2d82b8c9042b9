"""Whatever an API server does, in the end what is published is what a fresh list says."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from model_apiserver import FAULTS, Model, World

from watcher.kinds import KINDS, SECRET, Target

MAPPING, HOST, SERVICE = (next(kind for kind in KINDS if kind.name == name) for name in ("Mapping", "Host", "Service"))
WATCHED = (MAPPING, HOST, SERVICE, SECRET)
TARGETS = tuple(Target(kind) for kind in WATCHED)
NAMES = ("n0", "n1", "n2", "n3", "n4")

edits = st.tuples(st.sampled_from(WATCHED), st.sampled_from(NAMES), st.none() | st.integers(1, 9))
deeds = st.one_of(
    st.tuples(st.just("edit"), st.lists(edits, min_size=1, max_size=4)),
    st.tuples(st.just("fault"), st.sampled_from(FAULTS)),
    st.tuples(st.just("pass"), st.sampled_from((0.5, 2.0, 10.0, 60.0, 400.0))),
    st.tuples(st.just("compact"), st.none()),
    st.tuples(st.just("restore"), st.lists(edits, min_size=1, max_size=4)),
    st.tuples(st.just("forbid"), st.sampled_from(WATCHED)),
    st.tuples(st.just("absent"), st.sampled_from(WATCHED)),
    st.tuples(st.just("restart"), st.none()),
)


def truth(model: Model) -> dict[str, Any]:
    """The keys that should be published, and the generation or data of each."""
    found: dict[str, Any] = {}
    referred = {host["spec"]["tlsSecret"]["name"] for host in model.objects.get("hosts", {}).values()}
    for kind in WATCHED:
        for name, made in model.objects.get(kind.plural, {}).items():
            if kind is not SECRET or name in referred:
                found[kind.key("a", name)] = made["metadata"]["resourceVersion"], made["metadata"]["generation"]
    return found


def told(world: World) -> dict[str, Any]:
    return {key: record.notes["generation"] for key, record in world.published.items() if "dragoman/" not in key}


def act(world: World, deed: str, given: Any) -> World:
    model = world.model
    if deed == "edit":
        for kind, name, value in given:
            model.delete(kind, name) if value is None else model.put(kind, name, value)
    elif deed == "fault":
        model.fault = given
    elif deed == "pass":
        world.run(given, tick=0.5 if given <= 10 else 5.0)
    elif deed == "compact":
        model.compact()
    elif deed == "restore":  # what was changed since the copy was made is undone
        copy = model.copy()
        act(world, "edit", given)
        world.run(2.0)
        model.restore(copy, world.now)
        model.compacted = min(model.compacted, model.version)
        world.run(6.0)
    elif deed == "forbid":
        model.forbidden ^= {given.plural}
    elif deed == "absent":
        model.absent ^= {given.plural}
    elif deed == "restart":
        remembered = {k: r for k, r in world.published.items() if "dragoman/" not in k} if world.publications else None
        again = World(TARGETS, 7, model, remembered)
        again.now, again.published, again.live = world.now, dict(world.published), dict(world.live)
        again.publications = world.publications
        return again
    return world


@settings(max_examples=300)
@given(st.lists(deeds, max_size=25), st.integers(0, 3))
def test_any_history_ends_equal_to_a_fresh_list(history: list[tuple[str, Any]], seed: int) -> None:
    world = World(TARGETS, seed)
    for deed, what in history:
        world = act(world, deed, what)
    model = world.model
    model.fault, model.forbidden, model.absent = "none", set(), set()
    world.run(300.0, tick=2.0)
    expected = truth(model)
    assert told(world) == {key: generation for key, (_, generation) in expected.items()}
    assert {key: record.notes["resourceVersion"] for key, record in world.live.items()} == {
        key: version for key, (version, _) in expected.items() if key.startswith("getambassador.io/")
    }
    assert world.problems == {}
    sequence = world.publications
    world.run(1000.0, tick=5.0)
    assert world.publications == sequence, "nothing changed, and something was published"


hard_times = deeds.filter(lambda deed: deed[0] not in ("restart", "restore", "absent"))


@settings(max_examples=150)
@given(st.lists(hard_times, max_size=15))
def test_the_first_view_is_never_a_part(history: list[tuple[str, Any]]) -> None:
    """What stood from the start on, of every kind, is in whatever is published first."""
    world = World(TARGETS)
    for kind in WATCHED:
        world.model.put(kind, "n0", 3)
    lasting = {kind.key("a", "n0") for kind in WATCHED}
    for deed, what in history:
        if world.publications:
            break
        world = act(world, deed, [edit for edit in what if edit[1] != "n0"] if deed == "edit" else what)
    if world.publications:
        forbidden = {"core/Secret/a/n0"} if SECRET.plural in world.model.forbidden else set()
        assert lasting - forbidden <= set(world.published)
