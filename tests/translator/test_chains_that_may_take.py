"""Which chains of a listener are worth asking Envoy about: never fewer than it may choose."""

import pytest

from translator import ir
from translator.explaining import chains_for


def chain(*names: str, tls: bool = True, http: bool = True) -> ir.FilterChain:
    body = ir.HttpChain(ir.HttpOptions(), ()) if http else ir.TcpChain((), "")
    return ir.FilterChain("c", "l", names, ir.TlsTermination(()) if tls else None, body)


@pytest.mark.parametrize(
    ("one", "scheme", "asked", "expected"),
    [
        (chain(tls=False), "http", "", True),
        (chain(tls=False), "https", "a.test", True),
        (chain(), "http", "", False),
        (chain(), "https", "", True),
        (chain("a.test"), "https", "A.test", True),
        (chain("A.test"), "https", "a.test", True),
        (chain("a.test"), "https", "b.test", False),
        (chain("*.test"), "https", "b.a.test", True),
        (chain("*.a.test"), "https", "a.test", False),
        (chain("b.test", "*"), "https", "a.test", True),
        (chain("a.test", tls=False, http=False), "https", "a.test", True),
        (chain("a.test", tls=False, http=False), "http", "a.test", False),
    ],
)
def test_a_chain_may_take_a_connection(one: ir.FilterChain, scheme: str, asked: str, *, expected: bool) -> None:
    assert chains_for([one], scheme, asked) == [one] * expected


def test_clear_text_is_kept_apart_where_tls_is_looked_for() -> None:
    clear, ends, passes = chain(tls=False), chain("a.test"), chain(tls=False, http=False)
    assert chains_for([clear, ends], "https", "b.test") == []
    assert chains_for([passes, ends], "https", "b.test") == [passes]
    assert chains_for([clear, ends], "http", "b.test") == [clear]
