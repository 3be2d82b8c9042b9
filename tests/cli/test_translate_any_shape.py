"""`dragoman translate` on a folder in which anything is anywhere: the others are there, and it says what is wrong."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.greeting import greeting
from cli.translate import translate, translated
from cli.tries import tries
from entrypoint.folder import demo_address
from process.settings import Settings
from tests.support.shapes import bystanders, family, misshapen, put
from watcher.glance import seen
from watcher.loading import load

ODD_TEXTS = [
    "NaN", "-Infinity", "1e999", "9" * 400, "9" * 5000, "99999999999999999999",
    '"\\ud800"', '{"\\udc00": 1}', "1.0", "-0.0",
    "[" * 200 + "]" * 200, "[" * 1200 + "]" * 1200, '{"a": 1, "a": 2}', '"\\u0000\\u001b\\u2028"',
]  # fmt: skip
"""What JSON's grammar, or a lenient reader of it, lets pass."""


def asked(settings: Settings) -> dict[str, Any]:
    """What is said of what there is to try."""
    return orjson.loads(orjson.dumps(asdict(tries(settings))))  # type: ignore[no-any-return]


def check(folder: Path, texts: dict[str, str]) -> list[dict[str, Any]]:
    """The problems of a folder with these files and bystanders, who do not feel it; nor does the entrypoint."""
    (folder / "by.yaml").write_text("\n---\n".join(map(json.dumps, bystanders())))
    for name, text in texts.items():
        (folder / name).write_text(text)
    given_settings = replace(Settings(), config_dir=folder)
    loaded = load(folder)
    document, stopped = translated(loaded, given_settings)
    assert [listener["name"] for listener in document["listeners"] if "elsewhere" in listener["name"]] == [
        "elsewhere/by"
    ]
    assert not [problem for problem in document["problems"] if "elsewhere" in problem["object"]]
    json.dumps(document).encode()
    for problem in document["problems"]:
        assert problem["object"]
        assert problem["message"]
        assert "bug" not in problem["message"]
    assert stopped is any(problem["stops"] for problem in document["problems"])
    demo_address([each for key, record in loaded.objects.items() for each in seen(key, orjson.loads(record.body))])
    assert greeting(given_settings, asked).replace("\n", "").isprintable()
    problems: list[dict[str, Any]] = document["problems"]
    return problems


@given(data=st.data(), kind=st.sampled_from(sorted(family())), ending=st.sampled_from(["json", "yaml"]))
@settings(max_examples=150)
def test_anything_anywhere_hurts_no_other(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, kind: str, ending: str
) -> None:
    document, path = data.draw(misshapen(kind))
    text = json.dumps(document)
    if data.draw(st.booleans()):
        text = json.dumps(put(document, path, "@@")).replace('"@@"', data.draw(st.sampled_from(ODD_TEXTS)))
    check(tmp_path_factory.mktemp("folder"), {f"odd.{ending}": text})


MAPPING = {"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping", "metadata": {"name": "a"}}


@pytest.mark.parametrize(
    ("text", "named", "said"),
    [
        ("spec: {1: x}", "odd.yaml", "the key 1 is read as a number; write it in quotes"),
        ("spec: {2026-01-01: x}", "Mapping/default/a", "spec.2026-01-01: unknown field"),
        ("spec: {prefix: 2026-01-01, service: a, hostname: '*'}", "Mapping/default/a", "spec.prefix: does not begin"),
        ("spec: {timeout_ms: .nan}", "odd.yaml", ".nan is a number that JSON does not have"),
        ("spec: {a: 99999999999999999999999}", "odd.yaml", "Mapping/default/a: spec.a is a number of 77 bits"),
        ("spec: {? [a] : x}", "odd.yaml", "a key is not text"),
        ("spec: [a]", "Mapping/default/a", "spec: must be a mapping, not a list"),
        ("spec: {prefix: [a], service: 5}", "Mapping/default/a", "spec.prefix: must be a string, not a list"),
        ("spec: {ambassador_id: 5}", "Mapping/default/a", "spec.ambassador_id: must be a string or a list, not"),
        ("metadata: {name: 5}", "odd.yaml", "metadata.name is the number 5, not text"),
        ("metadata: {name: a, namespace: [b]}", "odd.yaml", "metadata.namespace is a list, not text"),
        ("metadata: [a]", "odd.yaml", "metadata is a list, not a mapping"),
        ("metadata: {name: \"a\\u202Eb\"}", "odd.yaml", "metadata.name cannot be"),
        ("kind: 5", "odd.yaml", "kind is the number 5, not text"),
        ("apiVersion: {}", "odd.yaml", "apiVersion is a mapping, not text"),
        ("metadata: {name: a, labels: [b]}", "Mapping/default/a", "metadata.labels: must be a mapping, not a list"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, text: str, named: str, said: str) -> None:
    line = text.partition(":")[0]
    fields = yaml.safe_dump({name: value for name, value in MAPPING.items() if name != line})
    problems = check(tmp_path, {"odd.yaml": f"{fields}{text}\n"})
    sentences = {f"{problem['object']} {problem['path']}: {problem['message']}" for problem in problems}
    assert any(named in sentence and said in sentence for sentence in sentences), sentences


def test_a_failure_of_ours_is_told_and_the_rest_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "by.yaml").write_text("\n---\n".join(map(json.dumps, bystanders())))
    (tmp_path / "a.yaml").write_text(json.dumps(family()["Service"]))
    monkeypatch.setattr("translator.kubernetes.tables.service_of", lambda *_: 1 // 0)
    result = CliRunner().invoke(translate, ["-f", str(tmp_path)])
    assert result.exit_code == 1
    document = json.loads(result.output)
    assert len(document["listeners"]) == 1
    (told,) = document["problems"]
    assert told["object"] == "core/Service/default/web"
    assert "ZeroDivisionError" in told["message"]


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_nothing_that_is_printed_only_looks_like_text(tmp_path: Path, output: str) -> None:
    odd = "\x1b[31m\u202e\u2028\x9b\n"
    listener, host, mapping = bystanders()
    wrong = put(mapping, ("spec",), {"hostname": odd, "prefix": odd, odd: odd, "headers": {odd: odd}})
    named = put(mapping, ("metadata", "name"), odd)
    odd_value = put(put(mapping, ("spec", "headers"), {"x": "\u202e\x9b"}), ("metadata", "name"), "valued")
    host["spec"]["hostname"] = odd
    for number, document in enumerate((listener, host, wrong, named, odd_value)):
        (tmp_path / f"{number}\x1b\u202e.json").write_text(json.dumps(document))
    result = CliRunner().invoke(translate, ["-f", str(tmp_path), "-o", output])
    assert result.exit_code == 1
    assert result.output.replace("\n", "").isprintable()
    read: Any = json.loads(result.output) if output == "json" else yaml.safe_load(result.output)
    assert len(read["problems"]) > 4
