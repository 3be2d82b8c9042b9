"""The start: everything is checked before anything runs, and a refusal is a sentence and exit code 2."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, TypeAlias, cast

from entrypoint.certificate import write_fallback
from entrypoint.folder import Document, UnseenError, demo_address, documents, odd_demos
from entrypoint.life import NOT_BEGUN, Life
from entrypoint.loading import commands, load, modules_of
from entrypoint.ports import fatal, troubles, wanted
from entrypoint.ready import readiness
from entrypoint.relay import Outlet
from entrypoint.rundir import RunDirectory, RunDirectoryError, environment
from entrypoint.supervision import CONF
from process import logs
from process.legacy import dead_variables
from process.settings import MORE_CONFIG_DIRS, Settings, SettingsError
from process.text import printable

Greeting: TypeAlias = Callable[[Settings], str]
"""What a person is told once the gateway is ready."""

_ROOT = Path(__file__).resolve().parent.parent
_PATIENCE = 10.0
"""Seconds after which it is said, each time, that the gateway is not ready yet, and why."""
_LAST_WORDS = 2.0


class RefusedError(Exception):
    """It cannot begin; the arguments are sentences that say why."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a checked start goes on with."""

    settings: Settings
    demo: str | None
    told: list[str]
    """Sentences about what is not as the folder wants it, and keeps nothing else from being served."""


def begin(environ: Mapping[str, str], greeting: Greeting | None = None, conf: Path = CONF) -> int:
    """Check, start the parts of `conf`, and live until the end; the exit code (see `entrypoint.life`)."""
    os.umask(0o077)
    run_dir: RunDirectory | None = None
    try:
        plan = _plan(environ, conf)
        run_dir = RunDirectory.prepare(Path(environ["DRAGOMAN_RUN_DIR"]) if environ.get("DRAGOMAN_RUN_DIR") else None)
        return _live(plan, run_dir, environ, greeting, conf)
    except (RefusedError, RunDirectoryError) as error:
        for sentence in error.args:
            print(printable(f"dragoman: {sentence}", logs.LONGEST), file=sys.stderr)  # noqa: T201 -- it never came to logs
        return NOT_BEGUN
    finally:
        if run_dir is not None:
            run_dir.remove()


def _plan(environ: Mapping[str, str], conf: Path) -> _Plan:
    """What to start with; RefusedError says why it cannot be."""
    try:
        settings = Settings.from_environment(environ)
    except SettingsError as error:
        raise RefusedError(str(error)) from error
    folder = settings.config_dir
    if folder is not None and not folder.is_dir():
        raise RefusedError(f"the folder {folder} is not there: name a folder of YAML (in a container: mount one)")
    load(["entrypoint.supervisord", *modules_of(commands(conf, {**environ, **_of_the_parts(settings, None, environ)}))])
    found: list[Document] = []
    told: list[str] = []
    try:
        found = documents(folder, {**environ, **_further(settings)}) if folder is not None else []
    except UnseenError as error:
        told.append(f"what lies in {folder} is not known before the start, so that its ports were not tried: {error}")
    ports = wanted(settings, found)
    missing = troubles(ports)
    sentences = [trouble.sentence for trouble in missing]
    if fatal(ports, missing):
        raise RefusedError(*sentences)
    demo = demo_address(found)
    told += (f"the demo upstream's address {odd[:200]!r} is not of the form host:port" for odd in odd_demos(found))
    if any(trouble.port.demo for trouble in missing):
        demo = None
    return _Plan(settings, demo, told + sentences)


def _live(plan: _Plan, run_dir: RunDirectory, environ: Mapping[str, str], greeting: Greeting | None, conf: Path) -> int:
    run_dir.furnish()
    inherited = environment(run_dir.path, environ) | _of_the_parts(plan.settings, plan.demo, environ)
    settings = Settings.from_environment(inherited)
    write_fallback(settings.generated_dir, settings.namespace)
    outlets = {descriptor: Outlet(descriptor) for descriptor in (1, 2)}
    logs.configure("entrypoint", settings, cast("TextIO", outlets[2]))
    for sentence in plan.told:
        logs.get().warning("not all is as the folder wants it", reason=sentence)
    for name, reason in dead_variables(environ):
        logs.get().info("a variable has no effect", variable=name, reason=reason)
    try:
        with logs.uncaught():
            return asyncio.run(_life(Life(settings, inherited, conf), settings, outlets, plan, greeting))
    finally:
        for outlet in outlets.values():
            outlet.close(_LAST_WORDS)


def _of_the_parts(settings: Settings, demo: str | None, environ: Mapping[str, str]) -> dict[str, str]:
    """What supervisord's configuration and the parts want from the environment, beside the run directory."""
    folder = settings.config_dir
    envoy = settings.envoy_path
    path = environ.get("PYTHONPATH")
    return {
        "DRAGOMAN_PYTHON": sys.executable,
        "DRAGOMAN_SUPERVISED": "true",
        "DRAGOMAN_REPORTER": "true" if folder is None and not settings.gateway else "false",
        "DRAGOMAN_DEMO": "true" if demo else "false",
        "DRAGOMAN_DEMO_ADDRESS": demo or "",
        "PYTHONPATH": f"{_ROOT}{os.pathsep}{path}" if path else str(_ROOT),
        "PYTHONUNBUFFERED": "1",
        **({"DRAGOMAN_CONFIG_DIR": str(folder.absolute())} if folder is not None else {}),
        **_further(settings),
        **({"ENVOY_PATH": str(envoy.absolute())} if envoy is not None else {}),
    }


def _further(settings: Settings) -> dict[str, str]:
    """The further folders, as processes of ours are told of them."""
    return {MORE_CONFIG_DIRS: os.pathsep.join(str(more.absolute()) for more in settings.more_config_dirs)}


async def _life(
    life: Life, settings: Settings, outlets: Mapping[int, Outlet], plan: _Plan, greeting: Greeting | None
) -> int:
    """Live, and meanwhile say when the gateway is ready."""
    telling = asyncio.create_task(_tell(life, settings, outlets[1], plan, greeting))
    try:
        return await life.live(outlets)
    finally:
        telling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await telling


async def _tell(life: Life, settings: Settings, out: Outlet, plan: _Plan, greeting: Greeting | None) -> None:
    log = logs.get()
    start = told = time.monotonic()
    async for reason in readiness(settings, plan.demo):
        if time.monotonic() - told > _PATIENCE:
            told = time.monotonic()
            log.warning("not ready yet", why=reason)
    life.serves()
    log.info("ready", after_s=round(time.monotonic() - start, 2))
    if greeting is not None:
        out.write(await asyncio.to_thread(greeting, settings))
