"""Which Secrets are asked for, by which way, and what of them is published."""

from typing import Any

from model_apiserver import World
from worlds import HOST, world

from watcher.asking import Ask
from watcher.kinds import SECRET, Target


def test_only_secrets_that_are_referred_to_are_published_and_only_what_is_tls_of_them() -> None:
    run = world(HOST, SECRET)
    for name in ("n0", "n1", "other"):
        run.model.put(SECRET, name, 1)
    run.model.put(HOST, "h", 1)
    run.run(5)
    assert [key for key in run.objects if "Secret" in key] == ["core/Secret/a/n1"]
    assert run.objects["core/Secret/a/n1"]["data"] == {"tls.crt": "1"}
    run.model.put(HOST, "h", 3)
    run.run(1)
    assert [key for key in run.objects if "Secret" in key] == ["core/Secret/a/n0"]
    run.model.put(SECRET, "n0", 8)
    run.run(1)
    assert run.objects["core/Secret/a/n0"]["data"] == {"tls.crt": "8"}
    run.model.delete(HOST, "h")
    run.run(1)
    assert run.objects == {}


def one_by_one(run: World) -> None:
    """The model lets Secrets be seen by name only."""
    refusal = run.model.refusal

    def refuse(target: Target, ask: Ask) -> tuple[int, str] | None:
        return (403, "secrets is forbidden") if target.kind is SECRET and not target.name else refusal(target, ask)

    run.model.refusal = refuse  # type: ignore[method-assign]
    page, stream = run.model.page, run.model.stream

    def chosen(found: dict[str, Any], target: Target) -> dict[str, Any]:
        return {name: made for name, made in found.items() if not target.name or name == target.name}

    def of_one(target: Target, ask: Ask, now: float) -> Any:
        everything = run.model.objects
        run.model.objects = {**everything, "secrets": chosen(everything.get("secrets", {}), target)}
        if target.kind is not SECRET:
            run.model.objects = everything
        try:
            return stream(target, ask, now)
        finally:
            run.model.objects = everything

    run.model.stream = of_one  # type: ignore[method-assign]
    assert page


def test_where_secrets_may_not_be_listed_each_one_is_watched_by_its_name() -> None:
    run = world(HOST, SECRET)
    one_by_one(run)
    for name in ("n0", "n1", "other"):
        run.model.put(SECRET, name, 1)
    run.model.put(HOST, "h", 1)
    run.run(5)
    assert sorted(run.objects) == ["core/Secret/a/n1", HOST.key("a", "h")]
    assert run.problems == {}
    assert [target.params for target in run.cluster.reflectors if target.name] == [
        {"fieldSelector": "metadata.name=n1"}
    ]
    run.model.put(HOST, "h", 3)
    run.run(2)
    assert sorted(run.objects) == ["core/Secret/a/n0", HOST.key("a", "h")]
    run.model.delete(HOST, "h")
    run.run(2)
    assert run.objects == {}
    assert [target for target in run.cluster.reflectors if target.name] == []


def test_the_first_view_waits_for_the_secrets_that_are_watched_by_name() -> None:
    run = world(HOST, SECRET)
    one_by_one(run)
    run.model.put(SECRET, "n1", 1)
    run.model.put(HOST, "h", 1)
    for _ in range(10):
        run.run(0.5)
        assert set(run.published) in (set(), {"core/Secret/a/n1", HOST.key("a", "h")})
    assert run.published


def test_rights_that_come_and_go_change_nothing_that_is_published() -> None:
    run = world(HOST, SECRET)
    run.model.put(SECRET, "n1", 1)
    run.model.put(HOST, "h", 1)
    run.run(5)
    before, publications = run.objects, run.publications
    target = Target(SECRET)
    one_by_one(run)
    for names in (["n1"], []):
        run.streams.pop(target, None)
        run.cluster.reflectors[target].doubt(run.now, 0)
        run.run(40)
        assert run.objects == before
        assert [found.name for found in run.cluster.reflectors if found.name] == names
        vars(run.model).pop("refusal", None)
    assert run.publications == publications
