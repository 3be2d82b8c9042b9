"""A finding is at the line and column of its field, whatever the file looks like."""

import json

import pytest

from lint.positions import steps_of
from tests.lint.linting import ids, lint_texts, mapping, places

COMMENTED = """# one comment

apiVersion: getambassador.io/v3alpha1   # another one
kind: Mapping
metadata:
  name: quote
spec:
  # and one more
  hostname: "*"

  prefix: /quote/
  retry_policy:
      retry_on: never     # told here
  service: quote
"""


def test_comments_and_empty_lines_keep_places_right() -> None:
    assert places(lint_texts(COMMENTED), "DRG0203") == [(13, 7)]


def test_a_document_counts_from_the_files_first_line() -> None:
    text = mapping("first", "prefix: /a/", "service: a") + "# between\n" + COMMENTED.replace("# one comment", "---")
    assert places(lint_texts(text), "DRG0203") == [(22, 7)]


def test_documents_that_share_a_piece_are_told_apart() -> None:
    """After `...` and `%` the reader does not cut a text."""
    text = "%YAML 1.1\n" + mapping("first", "prefix: /a/", "service: a") + "...\n---\n" + COMMENTED
    assert places(lint_texts(text), "DRG0203") == [(24, 7)]


def test_what_is_missing_is_told_where_it_should_be() -> None:
    assert places(lint_texts(mapping("quote", "service: quote")), "DRG0205") == [(5, 1)]
    assert places(lint_texts(mapping("quote", "service: quote").partition("spec:")[0]), "DRG0205") == [(2, 1), (2, 1)]


def test_items_of_lists_and_odd_keys() -> None:
    lines = ("prefix: /quote/", "service: quote", "headers:", '  "x y": a', "allow_upgrade:", "- websocket", "- 7")
    found = lint_texts(mapping("quote", *lines))
    assert places(found, "DRG0206") == [(10, 5)]
    assert places(found, "DRG0202") + places(found, "DRG0203") == [(13, 5)]


def test_flow_style_on_one_line() -> None:
    text = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: q}\n"
    text += 'spec: {hostname: "*", prefix: /q/, service: q, weight: 200}\n'
    assert places(lint_texts(text), "DRG0204") == [(4, 48)]


def test_json_files() -> None:
    spec = {"hostname": "*", "prefix": "/q/", "service": "q", "weight": 200}
    document = {"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping", "metadata": {"name": "q"}, "spec": spec}
    found = lint_texts({"a.json": json.dumps(document, indent=2)})
    assert places(found, "DRG0204") == [(11, 5)]


def test_an_item_of_a_list_of_objects() -> None:
    items = "".join(
        f"- apiVersion: getambassador.io/v3alpha1\n  kind: Mapping\n  metadata: {{name: {name}}}\n"
        f'  spec:\n    hostname: "*"\n    prefix: /{name}/\n    service: a\n    weight: {weight}\n'
        for name, weight in (("a", 100), ("b", 200))
    )
    found = lint_texts(f"apiVersion: v1\nkind: List\nitems:\n{items}")
    assert places(found, "DRG0204") == [(19, 5)]


def test_the_flat_form() -> None:
    text = "apiVersion: ambassador/v1\nkind: Mapping\nname: quote\nprefix: /quote/\nservice: quote\nweight: 200\n"
    assert places(lint_texts(text), "DRG0204") == [(6, 1)]


def test_what_is_merged_in_is_told_where_it_is_written() -> None:
    text = mapping("a", "prefix: /a/", "service: a", "load_balancer: &common {policy: nonsense}")
    text = text.replace("spec:\n", "spec:\n  <<: {weight: 200}\n")
    assert places(lint_texts(text), "DRG0204") == [(6, 8)]


CARRIER = """apiVersion: v1
kind: Service
metadata:
  name: quote
  annotations:
    getambassador.io/config: %s
      ---
      apiVersion: getambassador.io/v3alpha1
      kind: Mapping
      name: quote
      hostname: "*"
      prefix: /quote/
      weight: 200
      service: quote
      ---
      apiVersion: getambassador.io/v3alpha1
      kind: Mapping
      name: other
      prefix: [
spec:
  ports: [{port: 80}]
"""


def test_fields_of_carried_objects_in_a_literal_block() -> None:
    found = lint_texts(CARRIER % "|")
    assert places(found, "DRG0204") == [(13, 7)]
    assert [place for place, _ in places(found, "DRG0103")] == [20]


def test_fields_of_carried_objects_elsewhere_are_told_at_the_annotation() -> None:
    config = json.dumps("apiVersion: ambassador/v1\nkind: Mapping\nname: a\nprefix: /a/\nservice: a\nweight: 200\n")
    text = CARRIER.partition("%s")[0] + config + "\nspec:\n  ports: [{port: 80}]\n"
    assert places(lint_texts(text), "DRG0204") == [(6, 30)]


def test_the_syntax_error_is_told_where_the_parser_saw_it() -> None:
    found = lint_texts("kind: Mapping\nmetadata:\n  name: a\n bad: b\n")
    assert ids(found) == ["DRG0102"]
    assert found[0].place.line == 4
    assert found[0].place.column > 1
    assert places(lint_texts({"a.json": '{"kind": \n  nonsense}'}), "DRG0102") == [(2, 3)]


def test_an_object_that_is_there_twice_is_told_at_the_second() -> None:
    one = mapping("a", "prefix: /a/", "service: a")
    found = lint_texts({"a.yaml": one, "b.yaml": f"# here\n{one}"})
    assert [(each.place.file.rpartition("/")[2], each.place.line) for each in found] == [("b.yaml", 5)]


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("spec.hosts[2]", ("spec", "hosts", 2)),
        ('spec.headers["x.y"].a', ("spec", "headers", "x.y", "a")),
        ("metadata.annotations[getambassador.io/config]", ("metadata", "annotations", "getambassador.io/config")),
        ("data[tls.crt]", ("data", "tls.crt")),
        ("spec.add-x_1", ("spec", "add-x_1")),
        ("", ()),
    ],
)
def test_paths_are_read_as_problems_write_them(path: str, steps: tuple[str | int, ...]) -> None:
    assert steps_of(path) == steps
