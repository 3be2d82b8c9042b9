"""Bodies come back as they were, whatever they are; what is alike takes hardly any room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshot.packing import packed, unpacked
from snapshot.record import Record, checksum_of, decode, encode, header_of

STATUS = (
    b'{"state":"ok","problems":[],"uid":"8f1f242a-fd36-4fff-8afd-b2b93018989a","status":{"conditions":[{"type":'
    b'"Accepted","status":"True","reason":"Accepted","message":"It is valid.","observedGeneration":3},{"type":'
    b'"ResolvedRefs","status":"True","reason":"Resolved","message":"All references resolved.","observedGeneration":3},'
    b'{"type":"Programmed","status":"True","reason":"Programmed","message":"Envoy has accepted it.",'
    b'"observedGeneration":3}],"state":"Running","reason":""}}'
)


@given(st.binary(max_size=300), st.booleans(), st.integers(0, 40))
def test_a_body_comes_back_as_it_was(tail: bytes, is_json: bool, times: int) -> None:
    body = (b"{" if is_json else b"") + tail * times
    record = Record("v", body, {"uid": "u"})
    value = encode(b"key", record)
    assert decode(b"key", value) == record
    assert header_of(value) == header_of(encode(b"key", Record("v", b"", {"uid": "u"})))
    assert checksum_of(value) == checksum_of(encode(b"key", record))


def test_what_is_alike_takes_hardly_any_room() -> None:
    made = packed(STATUS)
    assert made is not None
    assert len(made) < len(STATUS) / 6
    assert unpacked(made) == STATUS


@pytest.mark.parametrize("body", [b"", b"{}", b"[" + b"1," * 100 + b"1]", b"x" * 500])
def test_what_is_short_or_no_object_stays_as_it_is(body: bytes) -> None:
    assert packed(body) is None


def test_what_nobody_packed_is_told() -> None:
    made = packed(STATUS)
    assert made is not None
    for wrong in (b"", b"\xff" * 20, made[:-3], made + b"more"):
        with pytest.raises(ValueError, match=r"."):
            unpacked(wrong)
