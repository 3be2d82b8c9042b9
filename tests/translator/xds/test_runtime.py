"""The layer of Envoy's runtime: there always is one, which Envoy's bootstrap asks for, and it is the Module's."""

import json

import orjson

from envoyapi import canonical
from tests.support.part import ROOT
from translator.options import Options
from translator.pipeline import Pipeline
from translator.xds.runtime import LAYER

MODULE = "getambassador.io/Module/default/ambassador"
KEY = f"runtime/{LAYER}"


def module(**flags: object) -> bytes:
    metadata = {"name": "ambassador", "namespace": "default"}
    spec = {"config": {"runtime_flags": flags}}
    return orjson.dumps(
        {"apiVersion": "getambassador.io/v3alpha1", "kind": "Module", "metadata": metadata, "spec": spec}
    )


def test_envoy_asks_for_the_layer_that_there_is() -> None:
    layers = json.loads((ROOT / "envoy/bootstrap.json").read_text())["layered_runtime"]["layers"]
    assert [layer["rtds_layer"]["name"] for layer in layers if "rtds_layer" in layer] == [LAYER]


def test_it_is_there_without_a_module_and_knows_whose_its_values_are() -> None:
    pipeline = Pipeline(Options())
    empty = pipeline.apply({}).resources[KEY]
    assert empty is not None
    assert canonical.to_json("envoy.service.runtime.v3.Runtime", empty.body).get("layer", {}) == {}
    assert pipeline.provenance.of(KEY) == ()

    flags = {"http.max_requests_per_io_cycle": 3, "overload.premature_reset_total_stream_count": 0}
    changed = pipeline.apply({MODULE: module(**flags)}).resources[KEY]
    assert changed is not None
    shown = canonical.to_json("envoy.service.runtime.v3.Runtime", changed.body)
    assert shown == {"name": LAYER, "layer": {"http.max_requests_per_io_cycle": 3.0}}
    assert pipeline.provenance.of(KEY) == (MODULE,)

    assert pipeline.apply({MODULE: None}).resources[KEY] == empty


def test_it_stays_as_it_is_when_something_else_of_the_module_changes() -> None:
    pipeline = Pipeline(Options())
    pipeline.apply({MODULE: module()})
    document = orjson.loads(module())
    document["spec"]["config"]["server_name"] = "edge"
    assert KEY not in pipeline.apply({MODULE: orjson.dumps(document)}).resources
