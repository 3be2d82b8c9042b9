"""The pages of Gateway API: one for each kind, with every field that is read; and the features with their tests."""

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
import yaml

from tests.support.part import ROOT
from translator.decode import schema_of
from translator.gateway.kinds.backend_tls_policy import BackendTLSPolicySpec
from translator.gateway.kinds.gateway import GatewaySpec
from translator.gateway.kinds.gateway_class import GatewayClassSpec
from translator.gateway.kinds.grpc_route import GRPCRouteSpec
from translator.gateway.kinds.http_route import HTTPRouteSpec
from translator.gateway.kinds.listener_set import ListenerSetSpec
from translator.gateway.kinds.reference_grant import ReferenceGrantSpec
from translator.gateway.kinds.tcp_route import TCPRouteSpec
from translator.gateway.kinds.tls_route import TLSRouteSpec
from translator.gateway.kinds.udp_route import UDPRouteSpec
from translator.gateway.statuses import FEATURES

FOLDER: Final = ROOT / "docs/gateway-api"
TABLE: Final = ROOT / "docs/gateway-api.md"
SPECS: Final[dict[str, Any]] = {
    spec.__name__.removesuffix("Spec"): spec
    for spec in (
        BackendTLSPolicySpec,
        GRPCRouteSpec,
        GatewayClassSpec,
        GatewaySpec,
        HTTPRouteSpec,
        ListenerSetSpec,
        ReferenceGrantSpec,
        TCPRouteSpec,
        TLSRouteSpec,
        UDPRouteSpec,
    )
}
WORD: Final = re.compile(r"[A-Za-z]+")
CODE: Final = re.compile(r"`([^`\n]+)`")


def fields(schema: dict[str, Any]) -> Iterator[str]:
    """The names of all fields; those of filters once, which the page of HTTPRoute has."""
    if "items" in schema:
        yield from fields(schema["items"])
    for name, below in schema.get("properties", {}).items():
        yield name
        yield from fields(below)


def without_filters(schema: dict[str, Any]) -> dict[str, Any]:
    """As the page of a kind has it that refers to another one for its filters."""
    if isinstance(schema, dict):
        return {name: {} if name == "filters" else without_filters(below) for name, below in schema.items()}
    return schema


@pytest.mark.parametrize("kind", SPECS)
def test_a_page_names_every_field_that_is_read(kind: str) -> None:
    text = (FOLDER / f"{kind.lower()}.md").read_text()
    schema = schema_of(SPECS[kind])
    named = {word for code in CODE.findall(text) for word in WORD.findall(code)}
    assert set(fields(schema if kind == "HTTPRoute" else without_filters(schema))) - named == set()


@pytest.mark.parametrize("kind", SPECS)
def test_the_example_of_a_page_is_of_its_kind_and_has_fields_that_are_read(kind: str) -> None:
    (example,) = re.findall(
        r"^```yaml\n(.*?)^```$", (FOLDER / f"{kind.lower()}.md").read_text(), re.DOTALL | re.MULTILINE
    )
    first, *others = yaml.safe_load_all(example)
    assert first["kind"] == kind
    for made in (first, *others):
        assert made["apiVersion"] in {"gateway.networking.k8s.io/v1", "v1"}
        if made["kind"] in SPECS:
            unread(made["spec"], schema_of(SPECS[made["kind"]]), made["kind"])


def unread(value: Any, schema: dict[str, Any], where: str) -> None:
    """Fail at a field that nobody reads."""
    if isinstance(value, list):
        for each in value:
            unread(each, schema["items"], where)
    elif isinstance(value, dict) and "properties" in schema:
        for name, below in value.items():
            assert name in schema["properties"], f"{where}.{name}"
            unread(below, schema["properties"][name], f"{where}.{name}")


def test_there_is_a_page_for_each_kind_and_for_nothing_else() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == {kind.lower() for kind in SPECS}
    table = TABLE.read_text()
    for kind in SPECS:
        assert f"| [{kind}](gateway-api/{kind.lower()}.md) |" in table


def rows(text: str, header: str) -> list[list[str]]:
    """The cells of the table below a header."""
    lines = text.partition(header)[2].splitlines()[2:]
    return [line.strip("|").split(" | ") for line in lines[: lines.index("")]]


def test_every_feature_that_is_claimed_is_in_the_table_once_and_nothing_else_is() -> None:
    lines = TABLE.read_text().partition("| feature | test")[2].splitlines()[2:]
    told = [name for line in lines[: lines.index("")] for name in line.strip("| ").partition(" |")[0].split(", ")]
    assert sorted(told) == sorted(FEATURES)


def test_every_test_that_a_table_names_is_there() -> None:
    text, found = TABLE.read_text(), 0
    for line in text.splitlines():
        file = "tests/e2e/test_gateway_api_policies.py"
        for code in CODE.findall(line) if line.startswith("|") else ():
            path, _, test = code.partition("::")
            if path.endswith(".py"):
                file = path if "/" in path else where(path)
                assert (ROOT / file).exists(), code
            if test and (not path or path.endswith(".py")):
                found += 1
                assert f"def {test}(" in (ROOT / file).read_text(), code
    assert found > 45


def where(name: str) -> str:
    """The path of a test module, whose name there is once."""
    (path,) = (ROOT / "tests").rglob(name)
    return str(path.relative_to(ROOT))
