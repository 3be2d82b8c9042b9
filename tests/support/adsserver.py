"""The adsserver as a process of its own, between a snapshot that the test writes and a real Envoy."""

import shutil
from collections.abc import Mapping
from typing import Any

from snapshot import Record, Snapshot
from tests.support.envoy import RealEnvoy, short_folder, wait_until
from tests.support.part import Part


class Adsserver(Part):
    """`python -m adsserver` on a run directory; the test plays the translator. A context manager."""

    ready = "serving"

    def __init__(self, *, drain: int = 1) -> None:
        """`drain`: for how many seconds listeners drain, here and in the Envoys on it."""
        self.drain = drain
        self.run_dir = short_folder()
        self.socket = self.run_dir / "ads.sock"
        settings = {
            "DRAGOMAN_RUN_DIR": str(self.run_dir),
            "AES_LOG_LEVEL": "debug",
            "AMBASSADOR_DRAIN_TIME": str(drain),
        }
        super().__init__("adsserver", self.run_dir / "adsserver.log", settings)
        self._open_snapshot()

    def _open_snapshot(self) -> None:
        self.snapshot = Snapshot.open(self.run_dir / "snapshot", bells=self.run_dir / "bells")
        self._writer = self.snapshot.writer("resources")
        self._acks = self.snapshot.reader("acks")

    def lose_snapshot(self) -> None:
        """Begin a new one, while the process does not run."""
        self.snapshot.close()
        shutil.rmtree(self.run_dir / "snapshot")
        self._open_snapshot()

    def close(self) -> None:
        """End it as supervisord does, and remove its folder."""
        if self.running:
            self.end()
        self.snapshot.close()
        shutil.rmtree(self.run_dir, ignore_errors=True)

    def publish(self, changes: Mapping[str, Record | None]) -> None:
        """Commit resources, as the translator does."""
        self._writer.commit(changes)

    def replace(self, records: Mapping[str, Record]) -> None:
        """Commit these as all resources there are."""
        self._writer.replace(records)

    def ack(self, key: str) -> Mapping[str, Any]:
        """The notes of a record of `acks`; empty when there is none."""
        found = self._acks.get(key)
        return found.notes if found else {}

    def acks(self) -> dict[str, Record]:
        """All records of `acks`."""
        return self._acks.all()

    def accepted(self, key: str, record: Record) -> bool:
        """Whether Envoy accepted this version, as far as the snapshot knows."""
        return self.ack(key).get("accepted") == record.version

    def wait_accepted(self, key: str, record: Record) -> None:
        """Wait until Envoy accepted this version."""
        wait_until(lambda: self.accepted(key, record), what=lambda: f"{key} accepted; {dict(self.ack(key))}")

    def wait_refused(self, key: str, record: Record) -> str:
        """Wait until Envoy refused this version; its text."""
        wait_until(
            lambda: self.ack(key).get("refused") == record.version, what=lambda: f"{key} refused; {dict(self.ack(key))}"
        )
        return str(self.ack(key)["message"])

    def envoy(self, *, concurrency: int = 1) -> RealEnvoy:
        """An Envoy on this server's socket, not started."""
        return RealEnvoy.on_ads(self.socket, concurrency=concurrency, drain=self.drain)
