"""What a part takes after many changes is what it took before: nothing piles up, and what is free is given back."""

from tests.bench.sizing import use_of
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import mapping

PARTS = ("watcher", "translator", "adsserver", "diagnostics", "envoy")
MAPPINGS = 50
CHANGES = 60
MORE = 2.0
"""MiB that a part may have more; a status, a row or a record too many for each change would be several."""
PADDING = "x" * 60_000


def change(gateway: Gateway, number: int) -> None:
    """Each Mapping is another one, with a long text that is another one too."""
    text = "".join(
        mapping(f"m{each}", "some.test", "1.2.3.4:80", f"/m{each}/", add_response_headers={"x": f"{number}"})
        for each in range(MAPPINGS)
    )
    last = mapping("last", "some.test", f"v{number}.test", "/last/", host_redirect=True, docs={"path": PADDING})
    gateway.apply("mappings", text + last)


def follow(gateway: Gateway, numbers: range) -> None:
    for number in numbers:
        change(gateway, number)
        wait_until(lambda: f"v{number}.test" in gateway.request("some.test", "/last/").headers.get("location", ""))  # noqa: B023


def owned(gateway: Gateway) -> dict[str, float]:
    """MiB of each part."""
    return {part: use_of(wait_until(lambda: gateway.pid_of(part))).own for part in PARTS}  # noqa: B023


def test_memory_after_many_changes_is_what_it_was() -> None:
    with Gateway() as gateway:
        follow(gateway, range(CHANGES // 4))
        before = owned(gateway)
        follow(gateway, range(CHANGES, 2 * CHANGES))

        def grown() -> dict[str, float]:
            return {part: own - before[part] for part, own in owned(gateway).items() if own > before[part] + MORE}

        wait_until(lambda: not grown(), 60, what=lambda: f"what was taken for changes given back: {grown()}")
