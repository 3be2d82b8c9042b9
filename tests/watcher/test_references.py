"""Which Secrets an object may mean, by what is written in it."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translator.emissary.secret_names import secret_ref
from watcher.kinds import SECRET, Target
from watcher.references import Readings, certificates_of, secrets_of


def meant(**fields: object) -> frozenset[Readings]:
    return secrets_of("own", orjson.dumps({"spec": fields}))


def one(*names: tuple[str, str]) -> frozenset[Readings]:
    return frozenset([frozenset(names)])


def test_a_name_with_a_dot_is_also_read_as_one_with_a_namespace_unless_that_is_said() -> None:
    assert meant(secret="example.com-tls") == one(("own", "example.com-tls"), ("com-tls", "example"))
    assert meant(tlsSecret={"name": "a.b"}) == one(("own", "a.b"), ("b", "a"))
    assert meant(tlsSecret={"name": "example.com-tls", "namespace": "other"}) == one(("other", "example.com-tls"))
    assert meant(tls={"ca_secret": "ca"}) == one(("own", "ca"))


@pytest.mark.parametrize(
    "namespace", ["../../../healthz?x=", "..", ".", "a/b", "a.b", "A", "-a", "a" * 64, 5, {"a": 1}]
)
def test_what_no_namespace_can_be_called_means_no_secret(namespace: object) -> None:
    assert meant(tlsSecret={"name": "x", "namespace": namespace}) == frozenset()


@pytest.mark.parametrize("name", ["a,b", "a=b", "../x", "a b", "A", "a\n", "a..", ".a", "", "a" * 254, 5, None, ["a"]])
def test_what_no_secret_can_be_called_means_none(name: object) -> None:
    assert meant(tlsSecret={"name": name}) == meant(secret=name) == frozenset()


def test_of_a_name_that_can_be_read_in_one_way_only_that_one_counts() -> None:
    assert meant(secret="x.UPPER") == frozenset()
    assert meant(secret="a.b.c/d") == frozenset()
    assert meant(secret=f"a.{'b' * 64}") == one(("own", f"a.{'b' * 64}"))


@given(st.text("ab.-A", min_size=1, max_size=6), st.booleans())
def test_the_secret_that_the_translator_takes_a_name_for_is_among_those_that_are_read(text: str, dots: bool) -> None:
    taken = secret_ref(text, "own", namespacing=dots)
    exactly = meant(tlsSecret={"name": taken.name, "namespace": taken.namespace})
    assert exactly <= {frozenset([name]) for readings in meant(secret=text) for name in readings}


def test_a_namespace_stays_one_part_of_the_path() -> None:
    assert Target(SECRET, "a/../b?c=").path == "/api/v1/namespaces/a%2F..%2Fb%3Fc%3D/secrets"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"auth-secret": "users"}, one(("own", "users"))),
        ({"auth-secret": "own/users"}, one(("own", "users"))),
        ({"auth-tls-secret": "own/ca"}, one(("own", "ca"))),
        ({"auth-secret": "other/users", "auth-tls-secret": "other/ca"}, frozenset()),
        ({"auth-secret": "../x", "auth-tls-secret": 5}, frozenset()),
        ({"proxy-ssl-secret": "own/x"}, frozenset({frozenset({("own", "x")})})),
    ],
)
def test_an_ingress_names_secrets_of_its_own_namespace_in_annotations(
    said: dict[str, object], meant: frozenset[Readings]
) -> None:
    annotations = {f"nginx.ingress.kubernetes.io/{name}": value for name, value in said.items()}
    document = {"metadata": {"annotations": annotations}, "spec": {"tls": [{"secretName": "tls"}]}}
    assert certificates_of("own", orjson.dumps(document)) == meant | one(("own", "tls"))
    assert certificates_of("own", b'{"metadata":5,"spec":null}') == frozenset()
