"""The adsserver as a process of its own, between a snapshot that the test writes and a real Envoy."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from snapshot import Record, Snapshot
from tests.support.envoy import DEADLINE, RealEnvoy, short_folder, wait_until

ROOT = Path(__file__).resolve().parents[2]


class Adsserver:
    """`python -m adsserver` on a run directory; the test plays the translator. A context manager."""

    def __init__(self) -> None:
        self.run_dir = short_folder()
        self.socket = self.run_dir / "ads.sock"
        self._log = self.run_dir / "adsserver.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.snapshot = Snapshot.open(self.run_dir / "snapshot", bells=self.run_dir / "bells")
        self._writer = self.snapshot.writer("resources")
        self._acks = self.snapshot.reader("acks")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.snapshot.close()
        shutil.rmtree(self.run_dir, ignore_errors=True)

    def publish(self, changes: Mapping[str, Record | None]) -> None:
        """Commit resources, as the translator does."""
        self._writer.commit(changes)

    def replace(self, records: Mapping[str, Record]) -> None:
        """Commit these as all resources there are."""
        self._writer.replace(records)

    def start(self) -> None:
        """Start the process; returns when it listens."""
        environ = {**os.environ, "DRAGOMAN_RUN_DIR": str(self.run_dir), "AES_LOG_LEVEL": "debug"}
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "adsserver"]
            self._process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
        before = self.log().count("serving")
        wait_until(lambda: self._check_alive() or self.log().count("serving") > before, what="adsserver serving")

    def kill(self) -> None:
        """kill -9, and wait for the end."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(DEADLINE)

    def _check_alive(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"adsserver ended with {self._process.returncode}:\n{self.log()}")
        return False

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """What it logged so far."""
        return self._log.read_text() if self._log.exists() else ""

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
        return RealEnvoy.on_ads(self.socket, concurrency=concurrency)
