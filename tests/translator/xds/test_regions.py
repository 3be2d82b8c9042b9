"""Regions of paths: each route is in every region where it can be asked for, and none has too many."""

from hypothesis import given
from hypothesis import strategies as st

from translator.xds.regions import WHOLE, Region, Regions, regions_of

BEGINNINGS = st.lists(st.text("/ab\U0010ffff", max_size=6), max_size=60)


def region_for(regions: Regions, path: str) -> str:
    """Where Envoy looks for a path: at the longest prefix."""
    return max((region.prefix for region in regions.all if path.startswith(region.prefix)), key=len)


@given(BEGINNINGS, st.integers(1, 8), st.text("/ab\U0010ffff", max_size=9))
def test_a_route_is_where_its_paths_are_looked_for(beginnings: list[str], most: int, path: str) -> None:
    regions = regions_of(beginnings, most)
    here = region_for(regions, path)
    for beginning in beginnings:
        if path.startswith(beginning):
            assert here in regions.of(beginning)


@given(BEGINNINGS, st.integers(1, 8))
def test_a_route_is_in_a_region_once_and_only_where_it_can_match(beginnings: list[str], most: int) -> None:
    regions = regions_of(beginnings, most)
    prefixes = [region.prefix for region in regions.all]
    for beginning in beginnings:
        found = list(regions.of(beginning))
        assert len(set(found)) == len(found)
        own = region_for(regions, beginning)
        assert set(found) == {own, *(prefix for prefix in prefixes if prefix.startswith(beginning))}


@given(BEGINNINGS, st.integers(1, 8))
def test_a_region_knows_those_below_it(beginnings: list[str], most: int) -> None:
    regions = regions_of(beginnings, most)
    below = {prefix: region.prefix for region in regions.all for prefix in region.below}
    assert below.keys() == {region.prefix for region in regions.all} - {""}
    for prefix, above in below.items():
        others = [each.prefix for each in regions.all if each.prefix != prefix and prefix.startswith(each.prefix)]
        assert above == max(others, key=len)


@given(BEGINNINGS, st.integers(1, 8), st.randoms())
def test_the_order_of_routes_does_not_count(beginnings: list[str], most: int, random: object) -> None:
    mixed = list(beginnings)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert regions_of(mixed, most) == regions_of(beginnings, most)


def test_ten_thousand_routes_are_some_ninety_regions() -> None:
    beginnings = [f"/app-{number}/" for number in range(10_000)]
    regions = regions_of(beginnings)
    assert 80 <= len(regions.all) <= 160
    sizes = {region.prefix: 0 for region in regions.all}
    for beginning in beginnings:
        for prefix in regions.of(beginning):
            sizes[prefix] += 1
    assert max(sizes.values()) <= 128


def test_a_route_more_leaves_all_other_regions_as_they_are() -> None:
    beginnings = [f"/app-{number}/" for number in range(10_000)]
    before, after = regions_of(beginnings), regions_of([*beginnings, "/app-77/more"])
    assert len(set(before.all) ^ set(after.all)) <= 4


def test_routes_that_match_everywhere_make_no_regions() -> None:
    """Each region would hold all of them."""
    everywhere = [""] * 2000 + [f"/app-{number}/" for number in range(2000)]
    assert regions_of(everywhere) == WHOLE


def test_few_routes_are_one_region() -> None:
    assert regions_of(["/a", "/b"]).all == (Region(""),)
