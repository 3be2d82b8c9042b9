"""Pebble, a real ACME server, with a DNS server for which every name is this machine's."""

import json
import ssl
from pathlib import Path

import httpx

from tests.friends.programs import programs
from tests.support.certificates import authority, trusting
from tests.support.child import Child
from tests.support.envoy import wait_until
from tests.support.ports import unused_ports
from tests.support.scoped import Scoped


class Pebble(Scoped):
    """It asks for port 80, as an authority of the internet does. `directory` is its address for clients."""

    def __init__(self, folder: Path) -> None:
        port, self._management, dns, dns_management = unused_ports(4)
        self.directory, self.nameserver = f"https://127.0.0.1:{port}/dir", f"127.0.0.1:{dns}"
        self.authority = authority("ACME server")
        certificate, key = self.authority.server("acme", ["127.0.0.1"]).write(folder, "acme")
        config = {
            "listenAddress": f"127.0.0.1:{port}",
            "managementListenAddress": f"127.0.0.1:{self._management}",
            "certificate": str(certificate),
            "privateKey": str(key),
            "httpPort": 80,
            "tlsPort": 443,
            "keyAlgorithm": "ecdsa",
        }
        path = folder / "pebble.json"
        path.write_text(json.dumps({"pebble": config}))
        made = programs("pebble")
        serves = [made / "pebble", f"--config={path}", f"--dnsserver={self.nameserver}"]
        names = [
            *(
                made / "pebble-challtestsrv",
                f"--dnsserver={self.nameserver}",
                f"--management=127.0.0.1:{dns_management}",
            ),
            *("--defaultIPv4=127.0.0.1", "--defaultIPv6=", "--http01=", "--https01=", "--tlsalpn01=", "--doh="),
        ]
        self._names = Child("challtestsrv", names, folder / "challtestsrv.log")
        self._server = Child("pebble", serves, folder / "pebble.log")

    def start(self) -> None:
        self._names.start()
        self._server.start()
        wait_until(self._is_ready, what=self.log)

    def close(self) -> None:
        self._server.close()
        self._names.close()

    def log(self) -> str:
        """What both wrote."""
        return self._server.log() + self._names.log()

    def clients(self) -> ssl.SSLContext:
        """A client that trusts what it issues."""
        context = ssl.create_default_context(cadata=self._ask("/roots/0"))
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context

    def _is_ready(self) -> bool:
        self._names.check()
        self._server.check()
        try:
            return bool(self._ask("/roots/0"))
        except httpx.TransportError:
            return False

    def _ask(self, path: str) -> str:
        with httpx.Client(verify=trusting(self.authority), trust_env=False) as client:
            return client.get(f"https://127.0.0.1:{self._management}{path}").raise_for_status().text
