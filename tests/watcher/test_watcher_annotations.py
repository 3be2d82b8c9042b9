"""Configuration in annotations: what is carried, what it inherits, what is told, and what an annotation may cost."""

from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.annotations import LONGEST, MOST_ALIASED, MOST_DOCUMENTS, MOST_TOLD
from watcher.glance import seen as glanced
from watcher.kinds import KINDS
from watcher.limits import Limits
from watcher.parsing import Content, parse
from watcher.trimming import seen

SERVICE = "core/Service/team/quote"
QUOTE = "apiVersion: ambassador/v1\nkind: Mapping\nname: quote\nprefix: /quote/\nservice: quote\n"


def service(annotation: object, **metadata: Any) -> dict[str, Any]:
    annotations = {"getambassador.io/config": annotation, "other": "stays"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "quote", "namespace": "team", "annotations": annotations, **metadata},
        "spec": {"ports": [{"port": 80}]},
    }


def content(*objects: dict[str, Any]) -> Content:
    text = orjson.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    return parse("a.json", text, "default", {}, Limits())


def carried(annotation: object, **metadata: Any) -> list[dict[str, Any]]:
    found = content(service(annotation, **metadata))
    assert found.problems == ()
    body = orjson.loads(found.objects[SERVICE].body)
    assert body["metadata"]["annotations"] == {"other": "stays"}
    said: list[dict[str, Any]] = body.get("carried", [])
    return said


def problems(annotation: object, **metadata: Any) -> list[str]:
    return [item["problem"] for item in carried(annotation, **metadata) if "problem" in item]


def test_a_flat_object_becomes_that_of_kubernetes() -> None:
    (item,) = carried(QUOTE + "labels: {ambassador: []}\nmetadata_labels: {own: 'yes'}\n", labels={"app": "q"})
    assert (item["document"], item["key"]) == (1, "getambassador.io/Mapping/team/quote")
    assert item["object"] == {
        "apiVersion": "getambassador.io/v1",
        "kind": "Mapping",
        "metadata": {"name": "quote", "namespace": "team", "labels": {"own": "yes"}},
        "spec": {"prefix": "/quote/", "service": "quote", "labels": {"ambassador": []}},
    }


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("ambassador/v0", "getambassador.io/v1"),
        ("getambassador.io/v0", "getambassador.io/v1"),
        ("ambassador/v2", "getambassador.io/v2"),
        ("getambassador.io/v3alpha1", "getambassador.io/v3alpha1"),
    ],
)
def test_versions_have_their_present_names(written: str, read: str) -> None:
    (item,) = carried(QUOTE.replace("ambassador/v1", written))
    assert item["object"]["apiVersion"] == read


def test_namespace_and_labels_are_inherited_where_there_are_none() -> None:
    text = "apiVersion: ambassador/v1\nkind: Mapping\nmetadata: {name: a%s}\nspec: {prefix: /}\n"
    one, other = carried(f"{text % ''}---\n{text % ', namespace: other, labels: {x: z}'}", labels={"app": "q"})
    assert one["object"]["metadata"] == {"name": "a", "namespace": "team", "labels": {"app": "q"}}
    assert other["object"]["metadata"] == {"name": "a", "namespace": "other", "labels": {"x": "z"}}


def test_a_bad_document_is_told_with_its_line_and_its_siblings_are_there() -> None:
    found = carried(f"{QUOTE}---\na: [\n---\nhello\n---\n---\n{QUOTE.replace('name: quote', 'name: 5')}---\n{QUOTE}")
    assert [(item["document"], item["line"], item.get("key", "")[-5:]) for item in found] == [
        (1, 1, "quote"),
        (2, 8, ""),
        (3, 8, ""),
        (5, 11, ""),
        (6, 17, "quote"),
    ]
    said = [item["problem"] for item in found if "problem" in item]
    assert said[0].startswith("it is not YAML")
    assert said[1:] == [
        "it is text, not an object with apiVersion, kind and metadata",
        "metadata.name is the number 5, not text: write it in quotes",
    ]


@pytest.mark.parametrize("version", ["v1", "apps/v1", "5", "getambassador/v1"])
def test_only_objects_of_ours_are_carried(version: str) -> None:
    (said,) = problems(QUOTE.replace("ambassador/v1", version).replace("Mapping", "Secret"))
    assert said.startswith("apiVersion must begin with getambassador.io/")


def test_a_host_that_cannot_be_read_shuts_its_names() -> None:
    text = f"apiVersion: ambassador/v2\nkind: Host\nname: a\nhostname: a.test\nnumber: {10**40}\n"
    wrong, instead = carried(text)
    assert "number of 133 bits" in wrong["problem"]
    assert instead["object"]["standsIn"] == "annotation"
    assert instead["object"]["spec"] == {"hostname": "a.test"}


def test_what_is_no_text_is_told() -> None:
    assert problems({"a": 1}) == ["is a mapping, not text"]


def test_an_annotation_costs_no_more_than_it_may() -> None:
    def doubled(levels: int) -> str:
        lines = "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, levels))
        return f"{QUOTE}a0: &a0 {'x' * 100}\n{lines}"

    assert problems("x" * (LONGEST + 1)) == ["is larger than 0.25 MiB"]
    assert problems("---\n" * (MOST_DOCUMENTS + 1)) == [f"has more than {MOST_DOCUMENTS} documents"]
    assert problems(doubled(30)) == [f"its aliases add more than {MOST_ALIASED / 2**20:g} MiB to it"]
    (said,) = problems("a: [" + "1, " * 66_000 + "1]")
    assert said == "it has more than 65,536 values"
    many = f"{QUOTE}---\n" * 300
    (said,) = problems(many, labels={f"l{n}": "x" * 60 for n in range(100)})
    assert said.startswith("the objects up to this one take too much, each with the labels that it inherits")


def test_only_the_first_mistakes_are_told() -> None:
    said = problems("hello\n---\n" * (MOST_TOLD + 5))
    assert len(said) == MOST_TOLD + 1
    assert said[-1] == "has 5 more mistakes"


def test_the_annotations_of_a_file_count_as_part_of_it() -> None:
    """Many small annotations whose aliases add much are as bad as a large one."""
    text = "\n".join((QUOTE, f"a: &a {'x' * 30_000}", "b: *a", "c: *a"))
    objects = [service(text, name=f"s{number}") for number in range(40)]
    found = content(*objects)
    told = [
        item["problem"]
        for record in found.objects.values()
        for item in orjson.loads(record.body).get("carried", ())
        if "problem" in item
    ]
    assert 0 < len(told) < 40
    assert sum(len(record.body) for record in found.objects.values()) < 5 << 20


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
FIELDS = ("apiVersion", "kind", "name", "namespace", "metadata", "spec", "metadata_labels", "generation", "prefix")


@given(
    documents=st.lists(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6) | VALUES, max_size=3),
    good=st.booleans(),
    noise=st.text(max_size=30),
)
@settings(max_examples=300, deadline=None)
def test_anything_in_an_annotation_is_an_object_or_is_told(documents: list[Any], good: bool, noise: str) -> None:
    written = [yaml.safe_dump(document, allow_unicode=True).removesuffix("...\n") for document in documents]
    said = carried("---\n".join([*written, noise + "\n", *([QUOTE] if good else [])]))
    for item in said:
        assert ("problem" in item) != ("object" in item)
        assert "key" not in item or item["key"].startswith("getambassador.io/")
    if good and not any(mark in noise for mark in "%.\r\x85\u2028\u2029"):
        assert any(item.get("key") == "getambassador.io/Mapping/team/quote" for item in said), said


def test_nobody_writes_what_is_carried_themselves() -> None:
    given = {**service(QUOTE), "carried": [{"key": "getambassador.io/Host/a/b", "object": {}}]}
    del given["metadata"]["annotations"]
    found = content(given)
    assert "carried" not in orjson.loads(found.objects[SERVICE].body)


@pytest.mark.parametrize("name", ["Service", "Ingress"])
def test_it_is_the_same_in_a_cluster(name: str) -> None:
    kind = next(kind for kind in KINDS if kind.name == name)
    metadata = {"name": "quote", "namespace": "team", "uid": "u", "annotations": {"getambassador.io/config": QUOTE}}
    found = seen(kind, {"metadata": metadata, "spec": {}})
    body = orjson.loads(found.record.body)
    assert [item["key"] for item in body["carried"]] == ["getambassador.io/Mapping/team/quote"]
    assert "annotations" not in body["metadata"]


def test_the_entrypoint_sees_it_too() -> None:
    body = orjson.loads(content(service(QUOTE)).objects[SERVICE].body)
    assert [found["kind"] for found in glanced(SERVICE, body)] == ["Mapping"]


def test_a_file_may_have_the_flat_form_too() -> None:
    found = parse("a.yaml", QUOTE.encode(), "default", {}, Limits())
    assert found.problems == ()
    (body,) = (orjson.loads(record.body) for record in found.objects.values())
    assert body["metadata"] == {"name": "quote", "namespace": "default"}
    assert body["spec"] == {"prefix": "/quote/", "service": "quote"}
