"""`dragoman translate` prints what a folder becomes, and ends with 1 when something in it is stopped."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from cli.translate import SECTIONS, translate
from tests.support.certificates import authority
from tests.support.gateway import LISTENERS
from tests.support.ingresses import guarded
from tests.support.objects import host, mapping, tls_secret
from tests.support.part import ROOT


def run(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(translate, ["-f", str(folder), *options])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pair = authority().sign("a.test")
    (tmp_path / "listeners.yaml").write_text(LISTENERS.format(http=8080, https=8443))
    texts = tls_secret("a", pair.certificate, pair.key) + host("a", "a.test", tlsSecret={"name": "a"})
    (tmp_path / "a.yaml").write_text(texts + mapping("a", "a.test", "10.0.0.1"))
    return tmp_path


def test_every_section_in_envoys_words(folder: Path) -> None:
    result = run(folder)
    assert result.exit_code == 0, result.output
    document = json.loads(result.output)
    assert list(document) == [*SECTIONS, "problems"]
    assert document["problems"] == []
    assert {listener["name"] for listener in document["listeners"]} == {"default/http", "default/https"}
    routes = next(row for row in document["routes"] if row["name"] == "default/https/a.test")
    assert routes["virtual_hosts"][0]["routes"][-1]["route"]["cluster"] == "ip/10.0.0.1:80"


def test_private_keys_are_not_shown(folder: Path) -> None:
    output = run(folder).output
    assert json.loads(output)["secrets"][0]["tls_certificate"]["private_key"] == "[redacted]"
    assert "PRIVATE" not in output
    assert authority().pair.key.decode() not in output


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_hashes_of_passwords_are_not_shown(tmp_path: Path, output: str) -> None:
    hashed = f"{{SHA}}{'A' * 27}="
    (tmp_path / "a.yaml").write_text(guarded("ann", hashed))
    shown = run(tmp_path, "-o", output).output
    assert "user:ann" in shown
    assert hashed not in shown


def test_files_that_objects_name_are_read(folder: Path) -> None:
    pair = authority().sign("files.test")
    chain, key = pair.write(folder, "files")
    tls = {"cert_chain_file": str(chain), "private_key_file": str(key), "cacert_chain_file": str(folder / "ca.crt")}
    (folder / "files.yaml").write_text(host("files", "files.test", tls=tls))
    (problem,) = json.loads(run(folder).output)["problems"]
    assert problem["path"] == "spec.tls.cacert_chain_file"
    assert problem["message"].endswith(f"cannot be used: {folder}/ca.crt does not exist")
    (folder / "ca.crt").write_bytes(authority().pair.certificate)
    result = run(folder)
    assert result.exit_code == 0
    assert f"file:{chain};{key}" in {secret["name"] for secret in json.loads(result.output)["secrets"]}
    assert "PRIVATE" not in result.output


def test_yaml_says_the_same_as_json(folder: Path) -> None:
    assert yaml.safe_load(run(folder, "-o", "yaml").output) == json.loads(run(folder).output)


def test_a_problem_that_stops_an_object_gives_exit_code_1(folder: Path) -> None:
    (folder / "wrong.yaml").write_text(mapping("wrong", "a.test", "10.0.0.1", timeout_ms=-1))
    result = run(folder)
    assert result.exit_code == 1
    problem = json.loads(result.output)["problems"][0]
    assert problem["object"] == "getambassador.io/Mapping/default/wrong"
    assert problem["path"] == "spec.timeout_ms"
    assert problem["stops"] is True


def test_a_problem_that_stops_nothing_gives_exit_code_0(folder: Path) -> None:
    (folder / "typo.yaml").write_text(mapping("typo", "a.test", "10.0.0.1", "/typo/", timeot_ms=5))
    result = run(folder)
    assert result.exit_code == 0
    assert "timeout_ms" in json.loads(result.output)["problems"][0]["message"]


def test_a_file_that_cannot_be_read_gives_exit_code_1_and_the_rest_is_shown(folder: Path) -> None:
    (folder / "broken.yaml").write_text("kind: [")
    result = run(folder)
    assert result.exit_code == 1
    document = json.loads(result.output)
    assert document["problems"][0]["object"] == "broken.yaml"
    assert document["problems"][0]["path"].startswith("line")
    assert len(document["listeners"]) == 2


def test_a_disk_that_is_full_is_told_without_a_traceback(folder: Path) -> None:
    command = [sys.executable, "-m", "cli", "translate", "-f", str(folder)]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "Error: what was made cannot be written: No space left on device\n")
