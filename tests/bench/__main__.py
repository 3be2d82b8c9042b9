"""The table of costs: `make bench` (or `python -m tests.bench --sizes 100 1000 --layouts 50`).

Each line has what it is compared with beside it, measured in the same minute, change by change in turn. CPU times are
the kernel's; wall times on a shared machine are medians and only their ratio means much.
"""

import argparse
import gc
import http.client
import statistics
import time
from dataclasses import asdict, dataclass

import orjson

from tests.bench import conversion
from tests.bench.inputs import Layout, documents_of, hosts_of, objects_in, write_folder
from tests.bench.processes import OURS, cpu_ms, resident_mb
from tests.bench.reference import BareEnvoy, wait_for_answer
from tests.support.certificates import authority
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway, unverified
from tests.support.objects import an_object, tls_secret
from translator.options import Options
from translator.translation import Translation

CHANGES = 15


@dataclass(frozen=True)
class Line:
    """One size and layout. Times in milliseconds; CPU is of all our processes together, without Envoy."""

    mappings: int
    layout: str
    change_served: float
    change_reference: float
    change_cpu: float
    cold_start: float
    cold_translation_cpu: float
    translator_mb: float
    ours_mb: float

    @property
    def ratio(self) -> float:
        """Change to served, as a share of what bare Envoy takes to read its own finished file."""
        return self.change_served / self.change_reference


def cold_translation_ms(count: int, layout: Layout) -> float:
    """CPU milliseconds to translate everything from nothing, in this process."""
    listener = {
        "port": 8443,
        "protocol": "HTTPS",
        "securityModel": "XFP",
        "hostBinding": {"namespace": {"from": "ALL"}},
    }
    pair = authority().sign("*.bench.test")
    text = an_object("Listener", "https", listener) + tls_secret("bench", pair.certificate, pair.key)
    text += "".join(documents_of(name, size, answer="v0.bench.test") for name, size in hosts_of(count, layout))
    objects = objects_in(text)
    gc.collect()
    gc.disable()  # as the translator's process does until its first publication
    began = time.process_time()
    publication = Translation(Options(), {}).objects_changed(0.0, objects)
    spent = (time.process_time() - began) * 1000
    gc.enable()
    if publication.failures or len(publication.resources) < len(hosts_of(count, layout)):
        raise RuntimeError(f"not translated: {publication.failures[:3]}")
    return spent


def measure(count: int, layout: Layout) -> Line:
    """One line of the table: start, change by change in turn with the reference, stop."""
    name, size = hosts_of(count, layout)[0]
    gateway = Gateway(environ={"AES_LOG_LEVEL": "warning"})
    write_folder(gateway.folder, count, layout)
    began = time.perf_counter()
    with gateway, BareEnvoy(count, layout) as bare:
        gateway.wait_served(name, f"/m{size - 1}/x", status=301, tls=True)
        cold_start = (time.perf_counter() - began) * 1000
        pids = [wait_until(lambda part=part: gateway.pid_of(part)) for part in OURS]
        time.sleep(3)  # What the start left to do (acknowledgements, settling) is not part of a change.
        served, reference, cpu = [], [], []
        connection = _Named(gateway.https_port, name)
        for turn in range(CHANGES):
            answer = f"v{turn + 1}.bench.test"
            text = documents_of(name, size, answer=answer)
            before = cpu_ms(pids)
            start = time.perf_counter()
            gateway.apply(name, text)
            wait_for_answer(connection, name, f"/m{size - 1}/x", answer)
            served.append((time.perf_counter() - start) * 1000)
            time.sleep(0.3)
            cpu.append(cpu_ms(pids) - before)
            reference.append(bare.change(answer))
        connection.close()
        return Line(
            mappings=count,
            layout=layout,
            change_served=statistics.median(served),
            change_reference=statistics.median(reference),
            change_cpu=statistics.median(cpu),
            cold_start=cold_start,
            cold_translation_cpu=cold_translation_ms(count, layout),
            translator_mb=resident_mb(pids[OURS.index("translator")]),
            ours_mb=sum(resident_mb(pid) for pid in pids),
        )


class _Named(http.client.HTTPConnection):
    """HTTPS to 127.0.0.1 that asks for another name by SNI."""

    def __init__(self, port: int, name: str) -> None:
        super().__init__("127.0.0.1", port)
        self._name = name

    def connect(self) -> None:
        super().connect()
        self.sock = unverified().wrap_socket(self.sock, server_hostname=self._name)


def main() -> None:
    """Print the table; with --json, each line as JSON too."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=[100, 1000, 10_000])
    parser.add_argument("--layouts", nargs="+", choices=["50", "one"], default=["50", "one"])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    print(
        "Mappings  layout  change->served  bare Envoy  ratio  CPU a change  cold start  cold CPU  translator  all ours"
    )
    for layout in arguments.layouts:
        for count in arguments.sizes:
            line = measure(count, layout)
            print(
                f"{line.mappings:8}  {line.layout:>6}  {line.change_served:11.1f} ms  {line.change_reference:7.1f} ms"
                f"  {line.ratio:5.2f}  {line.change_cpu:9.1f} ms  {line.cold_start:7.0f} ms"
                f"  {line.cold_translation_cpu:5.0f} ms"
                f"  {line.translator_mb:7.0f} MB  {line.ours_mb:5.0f} MB",
                flush=True,
            )
            if arguments.json:
                print(orjson.dumps(asdict(line)).decode(), flush=True)
    print("\n".join(conversion.lines()))


if __name__ == "__main__":
    main()
