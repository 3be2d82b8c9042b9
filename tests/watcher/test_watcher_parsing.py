"""A file's bytes to objects: keys, canonical bodies, what is left out, and which problems are told where."""

import orjson
import pytest

from snapshot import Record
from watcher import parsing
from watcher.documents import Budget
from watcher.limits import Limits
from watcher.parsing import Content, Memo, parse
from watcher.sources import Problem
from watcher.yaml_text import read_yaml

MAPPING = b"""\
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: quote}
spec: {prefix: /quote/}
"""


def content(text: bytes, name: str = "a.yaml", memo: Memo | None = None) -> Content:
    return parse(name, text, "default", memo if memo is not None else {}, Limits())


def bodies(found: Content) -> dict[str, object]:
    return {key: orjson.loads(record.body) for key, record in found.objects.items()}


def test_an_ingress_of_the_group_that_it_had_once_is_the_same_object() -> None:
    text = b"kind: Ingress\napiVersion: extensions/v1beta1\nmetadata: {name: web}\n"
    key, other = (
        "networking.k8s.io/Ingress/default/web",
        b"---\nkind: Job\napiVersion: extensions/v1\nmetadata: {name: a}\n",
    )
    found = content(text + other)
    assert set(found.objects) == {key, "extensions/Job/default/a"}
    assert bodies(found)[key]["apiVersion"] == "extensions/v1beta1"  # type: ignore[index]
    again = content(text + b"---\n" + text.replace(b"extensions", b"networking.k8s.io"))
    assert f"{key} is in this file already" in again.problems[0].message


def test_an_object_has_its_key_its_namespace_and_where_it_came_from() -> None:
    found = content(b"# a comment\n---\n" + MAPPING + b"---\n" + MAPPING.replace(b"quote}", b"other, namespace: team}"))
    assert bodies(found) == {
        "getambassador.io/Mapping/default/quote": {
            "apiVersion": "getambassador.io/v3alpha1",
            "kind": "Mapping",
            "metadata": {"name": "quote", "namespace": "default"},
            "spec": {"prefix": "/quote/"},
        },
        "getambassador.io/Mapping/team/other": {
            "apiVersion": "getambassador.io/v3alpha1",
            "kind": "Mapping",
            "metadata": {"name": "other", "namespace": "team"},
            "spec": {"prefix": "/quote/"},
        },
    }
    assert [record.notes for record in found.objects.values()] == [{"source": "a.yaml#1"}, {"source": "a.yaml#2"}]
    assert found.problems == ()
    assert found.whole


def test_core_objects_have_the_group_core_and_lose_status_and_managed_fields() -> None:
    text = b"""\
{apiVersion: v1, kind: Service, status: {loadBalancer: {}},
 metadata: {name: s, managedFields: [{manager: kubectl}], labels: {app: s}}}"""
    assert bodies(content(text)) == {
        "core/Service/default/s": {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"labels": {"app": "s"}, "name": "s", "namespace": "default"},
        }
    }


def test_lists_are_their_items_however_nested_and_typed() -> None:
    text = b"""\
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Secret, metadata: {name: a}}
- apiVersion: v1
  kind: SecretList
  items: [{metadata: {name: b}}, {metadata: {name: c, namespace: x}}]
"""
    assert list(content(text).objects) == ["core/Secret/default/a", "core/Secret/default/b", "core/Secret/x/c"]


def test_only_the_meaning_makes_the_version() -> None:
    """Layout, comments and the order of keys are not worth a commit; the file an object is in is."""
    changed = b"# why\nkind:   Mapping\nspec:\n  prefix: '/quote/'\nmetadata:\n    name: quote\n"
    changed += b"apiVersion: getambassador.io/v3alpha1\n"

    def version(text: bytes, name: str = "a.yaml") -> str:
        (record,) = content(text, name).objects.values()
        return record.version

    assert version(changed) == version(MAPPING)
    assert version(b"---\n---\n" + MAPPING) == version(MAPPING)
    assert version(MAPPING, "b.yaml") != version(MAPPING)
    assert version(MAPPING.replace(b"/quote/", b"/quota/")) != version(MAPPING)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"kind: Mapping\n", "apiVersion is missing; metadata is missing"),
        (b"apiVersion: v1\nkind: X\nmetadata: {}\n", "metadata.name is missing"),
        (
            b"apiVersion: v1\nkind: X\nmetadata: {name: 5, namespace: true}\n",
            (
                "metadata.name is the number 5, not text: write it in quotes; "
                "metadata.namespace is true, not text: write it in quotes"
            ),
        ),
        (b"apiVersion: v1\nkind: X\nmetadata: {name: a/b}\n", "metadata.name cannot be 'a/b'"),
        (b"apiVersion: a/b/c\nkind: ''\nmetadata: {name: a}\n", "apiVersion cannot be 'a/b/c'; kind is empty"),
        (b"just text\n", "it is text, not an object with apiVersion, kind and metadata"),
        (b"- a\n", "it is a list, not an object with apiVersion, kind and metadata"),
        (
            b"apiVersion: v1\nkind: List\nitems: [{kind: A}, 7]\n",
            (
                "items[0].apiVersion is missing; items[0].metadata is missing|"
                "items[1] is the number 7, not an object with apiVersion, kind and metadata"
            ),
        ),
        (
            b"apiVersion: v1\nkind: X\nmetadata: {name: a}\nsize: 99999999999999999999\n",
            "core/X/default/a: size is a number of 67 bits; JSON's have 64 at most",
        ),
        (
            b"apiVersion: %b.io/v1\nkind: X\nmetadata: {name: %b}\n" % (b"g" * 250, b"n" * 253),
            "metadata: group, kind, namespace and name have more than 511 bytes together",
        ),
    ],
)
def test_a_document_that_is_no_object_says_all_that_is_wrong(text: bytes, message: str) -> None:
    found = content(MAPPING + b"---\n" + text)
    assert list(found.objects) == ["getambassador.io/Mapping/default/quote"]
    assert found.problems == tuple(Problem(said, 2, 5) for said in message.split("|"))
    assert not found.whole


def test_a_document_that_is_not_yaml_does_not_hide_its_neighbours() -> None:
    found = content(MAPPING + b"---\na: [\n---\n" + MAPPING.replace(b"quote}", b"other}"))
    assert [record.notes["source"] for record in found.objects.values()] == ["a.yaml#1", "a.yaml#3"]
    assert [(problem.document, problem.line) for problem in found.problems] == [(2, 7)]
    assert not found.whole


def test_the_same_object_twice_in_a_file_is_told_and_the_first_counts() -> None:
    found = content(MAPPING + b"---\n" + MAPPING.replace(b"/quote/", b"/second/"))
    assert bodies(found)["getambassador.io/Mapping/default/quote"]["spec"] == {"prefix": "/quote/"}  # type: ignore[index]
    message = "getambassador.io/Mapping/default/quote is in this file already, in document 1"
    assert found.problems == (Problem(message, 2, 5),)
    assert found.whole


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    found = content(b"#" * (Limits().file + 1))
    assert found.problems == (Problem("it is larger than 8 MiB (DRAGOMAN_CONFIG_FILE_MIB)"),)
    assert not found.whole


def test_json_files_are_one_document_with_tabs_and_all() -> None:
    found = content(b'{\n\t"apiVersion": "v1", "kind": "Secret",\n\t"metadata": {"name": "a---b"}}', "x/a.json")
    assert [record.notes for record in found.objects.values()] == [{"source": "x/a.json#1"}]


@pytest.mark.parametrize("prefix", [b"%YAML 1.1\n---\n", b"--- # directives follow\n"])
def test_borders_that_reach_across_documents_are_understood(prefix: bytes) -> None:
    found = content(prefix + MAPPING + b"...\n---\n" + MAPPING.replace(b"quote}", b"other}"))
    assert list(found.objects) == ["getambassador.io/Mapping/default/quote", "getambassador.io/Mapping/default/other"]


def test_a_line_of_dashes_in_text_is_text() -> None:
    text = MAPPING.replace(b"{prefix: /quote/}", b"{}") + b"text: |\n  ---\n  a\nlong: ----\n"
    (body,) = bodies(content(text)).values()
    assert body["text"] == "---\na\n"  # type: ignore[index]


def test_only_documents_whose_bytes_changed_are_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [MAPPING.replace(b"quote}", b"quote-%d}" % number) for number in range(50)]
    first = content(b"---\n".join(documents))
    parsed: list[bytes] = []

    def counting(text: bytes, budget: Budget) -> object:
        parsed.append(text)
        return read_yaml(text, budget)

    monkeypatch.setattr(parsing, "read_yaml", counting)
    documents[7] = documents[7].replace(b"/quote/", b"/seven/")
    text = b"---\n".join([*documents, b"# new\n" + MAPPING.replace(b"quote}", b"new}")])
    second = content(text, memo=first.memo)
    assert len(parsed) == 2
    fresh = content(text)
    assert second.objects == fresh.objects
    assert {key for key, record in second.objects.items() if record != first.objects.get(key)} >= {
        "getambassador.io/Mapping/default/quote-7",
        "getambassador.io/Mapping/default/new",
    }


def test_records_are_what_the_snapshot_stores() -> None:
    (record,) = content(MAPPING).objects.values()
    assert isinstance(record, Record)
    assert record.body == orjson.dumps(orjson.loads(record.body), option=orjson.OPT_SORT_KEYS)
