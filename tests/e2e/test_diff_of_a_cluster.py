"""`dragoman diff --context` on a real API server: a folder is applied to what is there, and nothing is written."""

from pathlib import Path

import orjson
import pytest
import yaml
from click.testing import CliRunner, Result

from cli.__main__ import main
from tests.support.apiserver import ApiServer
from tests.support.cluster_gateway import GROUP, install_crds
from tests.support.objects import an_object, mapping

pytestmark = pytest.mark.kubernetes

SPEC = {"hostname": "*", "prefix": "/quote/", "service": "10.0.0.1:80"}


@pytest.fixture(scope="module")
def namespace(apiserver: ApiServer) -> str:
    install_crds(apiserver)
    namespace = apiserver.namespace()
    listener = {"port": 8080, "protocol": "HTTP", "securityModel": "XFP"}
    put(apiserver, namespace, "Listener", "http", {**listener, "hostBinding": {"namespace": {"from": "ALL"}}})
    put(apiserver, namespace, "Host", "every", {"hostname": "*", "requestPolicy": {"insecure": {"action": "Route"}}})
    put(apiserver, namespace, "Mapping", "quote", SPEC)
    put(apiserver, namespace, "Mapping", "more", {**SPEC, "prefix": "/more/"})
    return namespace


def put(api: ApiServer, namespace: str, kind: str, name: str, spec: object) -> None:
    made = {"apiVersion": "getambassador.io/v3alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    api.ask("POST", f"{GROUP}/namespaces/{namespace}/{kind.lower()}s", made)


@pytest.fixture
def asked(apiserver: ApiServer, namespace: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the context; only one namespace is looked at."""
    monkeypatch.setenv("KUBECONFIG", str(apiserver.kubeconfig))
    monkeypatch.setenv("DRAGOMAN_NAMESPACES", namespace)
    return _context(apiserver)


def _context(api: ApiServer) -> str:
    return str(yaml.safe_load(api.kubeconfig.read_text())["current-context"])


def diff(folder: Path, *arguments: str) -> Result:
    done = CliRunner().invoke(main, ["diff", str(folder), *arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_a_folder_is_applied_to_what_is_there(asked: str, namespace: str, tmp_path: Path) -> None:
    text = an_object("Mapping", "quote", SPEC, namespace=namespace)
    (tmp_path / "quote.yaml").write_text(text)
    same = diff(tmp_path, "--context", asked)
    assert (same.exit_code, same.stdout) == (0, f"the cluster of {asked} -> {tmp_path}: nothing differs\n"), same.output
    (tmp_path / "quote.yaml").write_text(text.replace("/quote/", "/quotes/"))
    other = diff(tmp_path, "--context", asked, "-o", "json")
    (told,) = _told(other)
    assert other.exit_code == 3
    assert (told["what"], told["sort"], told["name"]) == ("changes", "route", f"{namespace}/quote")
    pruned = diff(tmp_path, "--context", asked, "-o", "json", "--prune")
    assert ("goes", "route", f"{namespace}/more") in {
        (each["what"], each["sort"], each["name"]) for each in _told(pruned)
    }


def test_a_context_that_is_not_there_is_told(asked: str, tmp_path: Path) -> None:
    (tmp_path / "quote.yaml").write_text(mapping("quote", "*", "10.0.0.1"))
    done = diff(tmp_path, "--context", "nowhere")
    assert done.exit_code == 2
    assert "the context nowhere cannot be used" in done.stderr


def _told(done: Result) -> list[dict[str, str]]:
    report = orjson.loads(done.stdout)
    return [each for team in report["teams"] for one in team["objects"] for each in one["differences"]]
