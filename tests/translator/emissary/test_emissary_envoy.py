"""Whatever Mappings and their kin say that we let pass, a real Envoy takes.

Only what is too much together with other objects is left for Envoy to refuse.
"""

import json
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from envoyapi import canonical
from tests.support.envoy import envoy_path
from tests.translator.emissary.world import VERSION, key_of
from translator.checks import LARGEST_REGEX, LONGEST_DURATION
from translator.offline import Result, translate
from translator.options import Options

pytestmark = pytest.mark.envoy

RUNTIME = {"layers": [{"name": "a", "static_layer": {"re2.max_program_size.error_level": LARGEST_REGEX}}]}
LISTENER = {"protocol": "HTTP", "securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}}
OPEN = {"requestPolicy": {"insecure": {"action": "Route"}}}
Spec = dict[str, Any]


def an_object(kind: str, name: str, spec: Spec) -> tuple[str, bytes]:
    document = {"apiVersion": VERSION, "kind": kind, "metadata": {"name": name, "namespace": "default"}, "spec": spec}
    return key_of(kind, name), orjson.dumps(document)


def translated(*objects: tuple[str, bytes]) -> Result:
    common = (
        an_object("Listener", "http", {"port": 8080, **LISTENER}),
        an_object("Host", "any", {"hostname": "*", **OPEN}),
        an_object("RateLimitService", "limits", {"service": "1.2.3.4:80", "protocol_version": "v3"}),
        an_object("AuthService", "auth", {"auth_service": "1.2.3.4:80"}),
    )
    result = translate(dict((*common, *objects)), Options())
    assert result.failures == ()
    return result


def served(result: Result) -> set[str]:
    return {key for key, status in result.statuses.items() if status.state != "stopped"}


def messages(result: Result, kind: str, full_name: str) -> dict[str, Any]:
    return {
        key.removeprefix(kind): canonical.to_json(full_name, resource.body)
        for key, resource in result.resources.items()
        if key.startswith(kind)
    }


def refusal(result: Result, folder: Path) -> str:
    """What Envoy says of the clear text listeners with their routes, and of the clusters; empty when it takes them."""
    routes = messages(result, "route/", "envoy.config.route.v3.RouteConfiguration")
    listeners = messages(result, "listener/", "envoy.config.listener.v3.Listener").values()
    extensions = messages(result, "extension/", "envoy.config.core.v3.TypedExtensionConfig")
    for listener in listeners:
        for chain in listener["filter_chains"]:
            for each in chain["filters"]:
                name = each["typed_config"].pop("rds", {}).get("route_config_name")
                if name:
                    each["typed_config"]["route_config"] = {**routes[name], "validate_clusters": False}
                for listed in each["typed_config"].get("http_filters", ()):
                    if listed.pop("config_discovery", None):
                        listed["typed_config"] = extensions[listed["name"]]["typed_config"]
    clusters = messages(result, "cluster/", "envoy.config.cluster.v3.Cluster").values()
    resources = {"listeners": list(listeners), "clusters": list(clusters)}
    path = folder / "envoy.json"
    path.write_text(json.dumps({"static_resources": resources, "layered_runtime": RUNTIME}))
    command = [envoy_path(), "--mode", "validate", "-l", "critical", "-c", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return "" if done.returncode == 0 else done.stderr


# Any texts

PIECES = r"a / /a é % %% %PROTOCOL% %REQ(a?b)% * ? # . \1 \ ( ) [^/] {60} .* (?i) : :80 a.b https://"
TEXTS = [*PIECES.split(), "", " ", "\t", "\n", "\0", "x" * 900]
NUMBERS = [-1, 0, 1, 99, 101, 2**31, 2**32 - 1, 2**32, LONGEST_DURATION, LONGEST_DURATION + 1, 2**62]
DURATIONS = ["0", "1ms", "0.0015s", "1.5s", "9223372035.999s", "9223372036s", "soon"]


class Author:
    """Someone who writes Mappings without knowing how; the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._fields: dict[str, Callable[[], object]] = {
            **dict.fromkeys(
                ("hostname", "host", "method", "service", "cluster_tag", "rewrite", "host_rewrite"), self.text
            ),
            **dict.fromkeys(("path_redirect", "prefix_redirect"), self.text),
            **dict.fromkeys(
                ("timeout_ms", "idle_timeout_ms", "connect_timeout_ms", "weight", "precedence"), self.number
            ),
            **dict.fromkeys(
                ("prefix_exact", "prefix_regex", "case_sensitive", "host_regex", "method_regex"), self.truth
            ),
            **dict.fromkeys(("grpc", "auto_host_rewrite", "host_redirect", "use_websocket"), self.truth),
            **dict.fromkeys(("headers", "regex_headers", "query_parameters", "regex_query_parameters"), self.texts),
            **dict.fromkeys(("add_request_headers", "add_response_headers"), self.texts),
            **dict.fromkeys(("remove_request_headers", "remove_response_headers", "allow_upgrade"), self.names),
            **dict.fromkeys(("regex_rewrite", "regex_redirect"), self.substitution),
            "retry_policy": self.retries,
            "cors": self.cors,
            "labels": self.labels,
            "error_response_overrides": self.errors,
            "bypass_error_response_overrides": self.truth,
            "auth_context_extensions": self.texts,
        }

    def module(self) -> Spec:
        """What the Module says to filters, each a little wrong now and then."""
        settings: dict[str, Callable[[], object]] = {
            "gzip": self.gzip,
            "buffer": lambda: {"max_request_bytes": self.number()},
            "grpc_stats": lambda: {
                "all_methods": self.truth(),
                "services": [{"name": self.text(), "method_names": self.names()}],
            },
            "ip_allow": self.ranges,
            "ip_deny": self.ranges,
            "cors": self.cors,
            "error_response_overrides": self.errors,
            "enable_grpc_web": self.truth,
            "default_label_domain": self.text,
            "default_labels": lambda: {"ambassador": {"defaults": [{"generic_key": {"value": self.text()}}]}},
        }
        return {name: settings[name]() for name in self._random.sample(sorted(settings), 5)}

    def gzip(self) -> Spec:
        gzip: dict[str, Callable[[], object]] = {
            "memory_level": lambda: self._random.randrange(11),
            "window_bits": lambda: self._random.randrange(8, 17),
            "min_content_length": self.number,
            "compression_level": lambda: self._random.choice(["BEST", "SPEED", "COMPRESSION_LEVEL_7", self.text()]),
            "compression_strategy": lambda: self._random.choice(["RLE", "HUFFMAN", self.text()]),
            "content_type": self.names,
            "disable_on_etag_header": self.truth,
        }
        return {name: gzip[name]() for name in self._random.sample(sorted(gzip), 2)}

    def ranges(self) -> list[dict[str, str]]:
        texts = ["192.0.2.0/24", "::/0", "0.0.0.0/0", "2001:db8::1", "192.0.2.1/33", self.text()]
        return [{self._random.choice(["peer", "remote"]): self._random.choice(texts)} for _ in range(2)]

    def mapping(self) -> Spec:
        names = self._random.sample(sorted(self._fields), self._random.randrange(3))
        prefix = self._random.choice(["/", "/a", "/b/", "/[^/]+", "x" * 2000, self.text()])
        common = {"prefix": prefix, "hostname": "*", "service": "1.2.3.4:80"}
        return {**common, **{name: self._fields[name]() for name in names}}

    def cors(self) -> Spec:
        origins = ["*", "null", "https://*.a.test", "https://[::1]:8443", "a.b+c://x_y", self.text()]
        return {
            "origins": self._random.sample(origins, 2),
            "methods": self.names(),
            "headers": self.names(),
            "max_age": self.text(),
        }

    def errors(self) -> list[Spec]:
        bodies = [
            {"text_format": self.text()},
            {"text_format": self.text(), "content_type": self.text()},
            {"json_format": {self.text(): self.text()}},
        ]
        return [{"on_status_code": self._random.randrange(399, 601), "body": body} for body in bodies]

    def labels(self) -> Spec:
        header = {"key": self.text(), "header_name": self.name(), "omit_if_not_present": self.truth()}
        said = [{"generic_key": {"value": self.text()}}, {"request_headers": header}, {"remote_address": {}}]
        return {"ambassador": [{self.text(): [specifier]} for specifier in said]}

    def text(self) -> str:
        return "".join(self._random.choices(TEXTS, k=self._random.randrange(4)))

    def name(self) -> str:
        return self._random.choice(["x-a", "X-A", "x_b", ":authority", "Host", self.text()])

    def names(self) -> list[str]:
        return [self.name() for _ in range(self._random.randrange(3))]

    def texts(self) -> dict[str, str]:
        return {name: self.text() for name in self.names()}

    def number(self) -> int:
        return self._random.choice(NUMBERS)

    def truth(self) -> bool:
        return self._random.random() < 0.5

    def substitution(self) -> Spec:
        return {"pattern": self.text(), "substitution": self.text()}

    def retries(self) -> Spec:
        duration = self._random.choice(DURATIONS)
        return {"retry_on": "5xx", "num_retries": self.number(), "per_try_timeout": duration}


@pytest.mark.parametrize("seed", range(4))
def test_what_mappings_may_say_envoy_takes(tmp_path: Path, seed: int) -> None:
    author = Author(seed)
    objects = dict(an_object("Mapping", str(number), author.mapping()) for number in range(1_000))
    result = translated(*objects.items())
    assert 300 < len(served(result) & objects.keys()) < 800
    assert refusal(result, tmp_path) == ""


@pytest.mark.parametrize("seed", range(20))
def test_what_the_module_says_to_filters_envoy_takes(tmp_path: Path, seed: int) -> None:
    """What configures a filter apart must never be refused: Envoy would refuse listeners for it from then on."""
    author = Author(seed)
    module = an_object("Module", "ambassador", {"config": author.module()})
    mapping = an_object("Mapping", "a", {"prefix": "/", "hostname": "*", "service": "1.2.3.4:80"})
    assert refusal(translated(module, mapping), tmp_path) == ""


# The limits themselves

LONG = "x" * 20_000


@pytest.mark.parametrize(
    "fields",
    [
        {"rewrite": f"/{LONG}"},
        {"prefix": f"/{LONG}"},
        {"prefix": f"/{LONG}é", "case_sensitive": False},
        {"prefix": LONG, "prefix_exact": True},
        {"host_rewrite": LONG},
        {"headers": {"x" * 16_384: LONG}, "query_parameters": {"q" * 1_024: LONG}, "method": LONG},
        {"regex_rewrite": {"pattern": "a", "substitution": LONG}},
        {"host_redirect": True, "service": "a.b", "path_redirect": f"/{LONG}"},
        {"timeout_ms": LONGEST_DURATION, "idle_timeout_ms": LONGEST_DURATION, "connect_timeout_ms": LONGEST_DURATION},
        {"retry_policy": {"retry_on": "5xx", "num_retries": 2**32 - 1, "per_try_timeout": "9223372035.999s"}},
        {"add_request_headers": {f"x{number}": "x" * 16_384 for number in range(1_000)}},
        {
            "add_response_headers": {"x" * 16_384: "x"},
            "remove_request_headers": [f"x{number}" for number in range(5_000)],
        },
        {"cluster_tag": LONG, "allow_upgrade": ["CONNECT", "a b", LONG]},
    ],
    ids=" ".join,
)
def test_the_longest_that_we_take_envoy_takes(tmp_path: Path, fields: Spec) -> None:
    mapping = {"prefix": "/a", "hostname": "*", "service": "1.2.3.4:80", **fields}
    result = translated(an_object("Mapping", "a", mapping))
    assert key_of("Mapping", "a") in served(result)
    assert refusal(result, tmp_path) == ""


def everything_else() -> Iterable[tuple[str, bytes]]:
    config = {"regex_max_size": 5_000, "server_name": LONG, "listener_idle_timeout_ms": LONGEST_DURATION}
    yield an_object("Module", "ambassador", {"config": config})
    yield an_object("Mapping", "regex", {"prefix": "a{996}", "prefix_regex": True, "hostname": "*", "service": "a.b"})
    yield an_object("TLSContext", "a", {"sni": "x" * 255, "alpn_protocols": ",".join(["x" * 255] * 10)})
    yield an_object("Mapping", "tls", {"prefix": "/", "hostname": "*", "service": "https://a.b", "tls": "a"})
    longest = {"statsPrefix": LONG, "l7Depth": 2**32 - 1, "http2MaxConcurrentStreams": 2**31 - 1}
    yield an_object("Listener", "longest", {**LISTENER, **longest, "port": 65_535})
    yield an_object("Listener", "tcp", {**LISTENER, "protocol": "TCP", "port": 9_000})
    tcp = {"port": 9_000, "service": "a.b:1", "idle_timeout_ms": LONGEST_DURATION, "cluster_tag": LONG}
    yield an_object("TCPMapping", "a", tcp)
    for number, name in enumerate(
        ("a_b", "*-a.com", "a.*", "*.", "a..b", "[::1]:80", "*:80", "-:1", "*.a:80", "A.com.")
    ):
        yield an_object("Host", str(number), {"hostname": name, **OPEN})


def test_the_longest_of_other_kinds_envoy_takes(tmp_path: Path) -> None:
    objects = dict(everything_else())
    result = translated(*objects.items())
    assert objects.keys() <= served(result)
    assert refusal(result, tmp_path) == ""


LONGEST_NAME = ".".join(["k" * 50, "s" * 60, "i" * 60, "K" * 60])


@pytest.mark.parametrize("is_stopped", [False, True])
def test_what_keeps_names_apart_envoy_takes(tmp_path: Path, is_stopped: bool) -> None:
    """The longest names, in letters that are more than ASCII's for RE2, and every sort of them at once."""
    names = [f"{place}.{LONGEST_NAME}" for place in range(20)] + ["a.test", "a.test.", "a.test:80", "[::1]"]
    names += [f"*.{place}.{LONGEST_NAME}" for place in range(20)] + [
        "*:80",
        "*.a.test:80",
        "*-a.test",
        "a.*",
        "a*",
        "*",
    ]
    more = {"requestPolicy": {"insecure": {"action": "Perhaps"}}} if is_stopped else OPEN
    hosts = dict(
        an_object("Host", str(number), {"hostname": name, **(OPEN if name in {"*", "*:80"} else more)})
        for number, name in enumerate(names)
    )
    result = translated(*hosts.items())
    assert len(served(result) & hosts.keys()) == (2 if is_stopped else len(hosts))
    assert refusal(result, tmp_path) == ""


def test_envoy_is_asked_at_all(tmp_path: Path) -> None:
    """Nothing that we let pass is known to be refused, so an operator is damaged afterwards."""
    spec = {"prefix": "/", "hostname": "*", "service": "a.b", "add_request_headers": {"x": "%PROTOCOL%"}}
    result = translated(an_object("Mapping", "a", spec))
    assert refusal(result, tmp_path) == ""
    damaged = {
        key: replace(resource, body=resource.body.replace(b"%PROTOCOL%", b"%PROTOCO!%"))
        for key, resource in result.resources.items()
    }
    assert "PROTOCO!" in refusal(replace(result, resources=damaged), tmp_path)
