"""`dragoman convert`, the command: where the objects go, exit codes, what is told, JSON."""

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from cli.__main__ import main
from tests.support.objects import an_object, host, mapping

LISTENER = an_object(
    "Listener",
    "http",
    {"port": 8080, "protocol": "HTTP", "securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}},
)


def convert(*arguments: str | Path, cwd: Path, **environment: str) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        for name, value in environment.items():
            patch.setenv(name, value)
        done = CliRunner().invoke(main, ["convert", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s" / "quote.yaml").write_text("# of the quotes\n" + mapping("quote", "*", "quote", "/quote"))
    (tmp_path / "k8s" / "world.yaml").write_text(LISTENER + host("h", "*"))
    return tmp_path


def test_objects_go_to_stdout_and_what_is_told_to_stderr(here: Path) -> None:
    done = convert("k8s", "--to", "gateway-api", cwd=here)
    kinds = [each["kind"] for each in yaml.safe_load_all(done.stdout)]
    assert kinds == ["GatewayClass", "Gateway", "RoutePolicy", "HTTPRoute"]
    assert "# of the quotes\napiVersion: gateway" in done.stdout
    assert "Mapping default/quote (k8s/quote.yaml#1) spec.prefix: a PathPrefix ends at a slash: /quotex" in done.stderr
    assert done.stderr.endswith("3 objects became 4: all is said, 2 said a little otherwise\n")
    assert "say external_auth: true in the RoutePolicy http" in done.stderr, "nobody is opened without a word"
    assert done.exit_code == 0, "what is said a little otherwise is told, and is no failure"


def test_what_cannot_be_said_is_1_and_what_can_is_printed(here: Path) -> None:
    (here / "k8s" / "more.yaml").write_text(mapping("more", "*", "quote", "/more", stats_name="more"))
    done = convert("k8s", "--to", "gateway-api", cwd=here)
    assert done.exit_code == 1
    assert "name: more\n" in done.stdout
    assert "not said Mapping default/more (k8s/more.yaml#1) spec.stats_name: no policy names" in done.stderr
    report = json.loads(convert("k8s", "--to", "gateway-api", "-o", "json", cwd=here).stdout)
    told = next(each for each in report["told"] if each["lost"])
    assert (told["object"], told["field"], told["source"]) == (
        "getambassador.io/Mapping/default/more",
        "spec.stats_name",
        "k8s/more.yaml#1",
    )
    assert "getambassador.io/Host/default/h" in report["replaced"]


def test_a_file_for_each_file_and_nothing_is_overwritten(here: Path) -> None:
    assert convert("k8s", "--to", "gateway-api", "--output", "new", cwd=here).exit_code == 0
    made = {path.name: path.read_text() for path in (here / "new").iterdir()}
    assert set(made) == {"gateway.yaml", "world.yaml", "quote.yaml"}
    assert made["quote.yaml"].startswith("# of the quotes\napiVersion: gateway")
    again = convert("k8s", "--to", "gateway-api", "--output", "new", cwd=here)
    assert (again.exit_code, "is there already: nothing is overwritten" in again.stderr) == (2, True)
    back = convert("new", "--to", "emissary", cwd=here)
    assert {each["kind"] for each in yaml.safe_load_all(back.stdout)} == {"Listener", "Host", "Mapping"}
    assert back.exit_code == 0


def test_what_cannot_be_read_is_2(here: Path) -> None:
    assert convert("k8s", cwd=here).exit_code == 2, "which API is not said"
    (here / "k8s" / "out.yaml").symlink_to("/etc/passwd")
    assert convert("k8s", "--to", "gateway-api", cwd=here).exit_code == 2


def test_without_an_envoy_nothing_is_proved(here: Path) -> None:
    done = convert("k8s", "--to", "gateway-api", "--prove", cwd=here, ENVOY_PATH="/nowhere/envoy")
    assert (done.exit_code, "there is no program at /nowhere/envoy" in done.stderr) == (2, True)
