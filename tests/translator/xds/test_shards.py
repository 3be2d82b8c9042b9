"""Plans of shards: every host is in one, whose name is another when other requests belong there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from translator import ir
from translator.ir.hosts import bucketed
from translator.xds.regions import Region, Regions, regions_of
from translator.xds.shards import (
    Facts,
    Led,
    Piece,
    Protocols,
    Shard,
    buckets_of,
    carries,
    chains_of,
    cuts_of,
    index_name,
    is_large,
    placed,
    together,
    weight_of,
)

CHAIN = "default/l/cleartext"
NOTHING: Mapping[Piece, Protocols] = {}


@dataclass
class Plan:
    """The shards of a chain, what its index says of virtual hosts that are split, and of which it has all."""

    shards: list[Shard]
    split: dict[ir.VirtualHost, Led]
    direct: list[ir.VirtualHost]


def host(number: int, **fields: object) -> ir.VirtualHost:
    return replace(ir.VirtualHost(f"default/h{number}", f"h{number}.test", "never"), **fields)  # type: ignore[arg-type]


def plan(
    hosts: Iterable[ir.VirtualHost],
    count: int = 5,
    regions: Mapping[str, Regions] | None = None,
    protocols: Mapping[Piece, Protocols] = NOTHING,
) -> Plan:
    facts = Facts(lambda _: weight_of(count), (regions or {}).get, protocols.get)
    buckets = {bucket: placed(CHAIN, bucket, some, facts) for bucket, some in bucketed(hosts).items()}
    found = Plan([], {}, [])
    for bucket in buckets.values():
        found.shards += bucket.regions
        found.split |= bucket.split()
        found.direct += bucket.direct
    for cut in cuts_of({bucket: row.load for bucket, row in buckets.items()}):
        taken = [buckets[bucket] for bucket in buckets_of(cut) if bucket in buckets]
        found.shards.append(together(CHAIN, cut, taken, facts))
    return found


def names(found: Plan) -> set[str]:
    return {shard.name for shard in found.shards}


def test_every_host_is_in_one_shard_and_none_is_too_large() -> None:
    hosts = [host(number) for number in range(1000)]
    found = plan(hosts)
    placed = [part.host for shard in found.shards for part in shard.parts]
    assert sorted(placed, key=lambda each: each.hostname) == sorted(hosts, key=lambda each: each.hostname)
    assert max(len(shard.parts) for shard in found.shards) <= 32
    assert len(found.shards) <= 100


def test_a_host_that_comes_changes_few_shards() -> None:
    hosts = [host(number) for number in range(1000)]
    before = names(plan(hosts))
    for number in range(1000, 1050):
        after = names(plan([*hosts, host(number)]))
        assert len(before ^ after) <= 3, number
        assert before != after, "what a shard has is in its name"


def test_what_decides_where_requests_go_is_in_the_name() -> None:
    one = plan([host(1)])
    assert names(one) != names(plan([host(1, also=("other.test",))]))
    assert names(one) != names(plan([host(1)], protocols={Piece("default/h1"): ("websocket",)}))
    assert names(one) == names(plan([host(1, guards=(ir.Guard(),))], count=7))


def test_a_region_that_others_take_a_part_of_is_another_shard() -> None:
    many = [f"/app-{number}/" for number in range(1000)]
    before = plan([host(1)], regions={"default/h1": regions_of(many)})
    after = plan([host(1)], regions={"default/h1": regions_of([*many, *(f"/app-1{n}/x" for n in range(100))])})
    changed = {shard.parts[0].piece.region for shard in after.shards if shard.name not in names(before)}
    assert changed
    assert all((region or "").startswith("/app-1") or "/app-1".startswith(region or "") for region in changed)


def test_the_index_says_every_region_of_a_large_host() -> None:
    regions = Regions((Region("", ("/a",)), Region("/a")))
    found = plan([host(1), host(2)], regions={"default/h1": regions})
    ((large, led),) = found.split.items()
    assert large == host(1)
    assert [prefix for prefix, _, _ in led] == ["", "/a"]
    assert {name for _, name, _ in led} < names(found)


def test_who_has_no_routes_stays_in_the_index() -> None:
    assert carries(host(1))
    redirects = host(2, insecure="redirect")
    closed = ir.VirtualHost("", "x.test", "never", "reject")
    misdirected = ir.VirtualHost("", "*", "never", "misdirected")
    assert set(plan([host(1), redirects, closed, misdirected]).direct) == {redirects, closed, misdirected}
    assert carries(host(3, secure="forwarded", insecure="redirect"))


def test_a_weight_stays_for_most_changes() -> None:
    weights = [weight_of(count) for count in range(2000)]
    assert weights == sorted(weights)
    assert len(set(weights)) == 6
    assert weight_of(0) == 0
    assert not is_large(weight_of(127))
    assert is_large(weight_of(128))


def test_chains_are_known_again_by_their_scopes() -> None:
    found = plan([host(1)])
    assert chains_of([index_name(CHAIN), *names(found)]) == {CHAIN: True}
