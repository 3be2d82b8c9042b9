"""What the webhook reads and writes in the cluster: the CRDs that it converts, and the Secret of its certificates."""

import asyncio
import base64
import binascii
import datetime as dt
from http import HTTPStatus
from typing import Any, Final

import orjson

from conversion import GROUP
from conversion.kinds import PARTS
from kubeapi.connection import Answer, Connection, UnreachableError
from process import logs
from webhook.authority import Material
from webhook.decision import Definition, Ours, Patch, Secret, World

DEFINITIONS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NAMES: Final = tuple(f"{kind.lower()}s.{GROUP}" for kind in sorted(PARTS))
MERGE_PATCH: Final = "application/merge-patch+json"

_WRITER: Final = {"fieldManager": "dragoman-webhook"}
_LABELS: Final = {"app.kubernetes.io/name": "dragoman", "app.kubernetes.io/component": "webhook"}
_WATCH_SECONDS: Final = "600"
_AGAIN: Final = 2.0

log = logs.get()


class RefusedError(Exception):
    """The API server does not do what it was asked; the message says what and why.

    `forbids`: it knows us not, or as one who may not. `retry_after`: the seconds that it asks us to wait.
    """

    def __init__(self, message: str, *, forbids: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.forbids = forbids
        self.retry_after = retry_after


class Cluster:
    """The CRDs and the Secret `name` in our namespace."""

    def __init__(self, api: Connection, ours: Ours, name: str) -> None:
        self._api = api
        self._ours = ours
        self._name = name
        self._secrets = f"/api/v1/namespaces/{ours.namespace}/secrets"
        self._only = {"fieldSelector": f"metadata.name={name}"}  # `list` is allowed by name, as `get` would be

    async def look(self) -> World:
        """What is there. RefusedError, or UnreachableError of the connection, when that cannot be seen."""
        # One by one: nobody waits for it, and the API server has others to serve.
        found = [await self._definition(name) for name in NAMES]
        definitions = tuple([definition for definition in found if definition is not None])
        return World(definitions, await self._secret() if definitions else None)

    async def now(self) -> dt.datetime:
        """The API server's clock, by which it judges certificates: of an object that it was asked to make in vain."""
        body = orjson.dumps({"metadata": {"generateName": f"{self._name}-clock-"}})
        answer = await self._api.request("POST", self._secrets, params={"dryRun": "All"}, body=body)
        document = _good(answer, "create Secrets in our namespace")
        return dt.datetime.fromisoformat(document["metadata"]["creationTimestamp"])

    async def write(self, material: Material, version: str | None) -> bool:
        """Write the Secret, unless it is no longer of this version (None: absent); whether it was written."""
        data = {name: base64.b64encode(value).decode() for name, value in material.data.items()}
        document: dict[str, Any] = {"metadata": {"name": self._name, "labels": _LABELS}, "type": "Opaque", "data": data}
        if version is None:
            answer = await self._api.request("POST", self._secrets, params=_WRITER, body=orjson.dumps(document))
        else:
            document = {"metadata": {"resourceVersion": version}, "data": data}
            path = f"{self._secrets}/{self._name}"
            answer = await self._api.request(
                "PATCH", path, params=_WRITER, body=orjson.dumps(document), content_type=MERGE_PATCH
            )
        return _written(answer, f"write the Secret {self._name}")

    async def patch(self, patch: Patch) -> bool:
        """Let a CRD trust what it should, unless somebody changed it meanwhile; whether it was written."""
        client = {"clientConfig": {"caBundle": base64.b64encode(patch.bundle).decode()}}
        document = {"metadata": {"resourceVersion": patch.version}, "spec": {"conversion": {"webhook": client}}}
        path = f"{DEFINITIONS}/{patch.name}"
        answer = await self._api.request(
            "PATCH", path, params=_WRITER, body=orjson.dumps(document), content_type=MERGE_PATCH
        )
        return _written(answer, f"patch the CRD {patch.name}")

    async def _definition(self, name: str) -> Definition | None:
        answer = await self._api.request("GET", f"{DEFINITIONS}/{name}")
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        document = _good(answer, f"read the CRD {name}")
        if not self._ours.converts(document):
            return None
        bundle = document["spec"]["conversion"]["webhook"]["clientConfig"].get("caBundle")
        return Definition.of(document, _decoded(bundle))

    async def _secret(self) -> Secret | None:
        answer = await self._api.request("GET", self._secrets, params=self._only)
        items = _good(answer, f"read the Secret {self._name}").get("items")
        if not items:
            return None
        data = {name: _decoded(value) for name, value in (items[0].get("data") or {}).items()}
        return Secret.of(str(items[0]["metadata"]["resourceVersion"]), data)

    async def ring(self, woken: asyncio.Event) -> None:
        """Set `woken` whenever the Secret may be another, until cancelled."""
        while True:
            try:
                answer = await self._api.request("GET", self._secrets, params=self._only)
                if answer.ok:
                    woken.set()
                    await self._watch(str(orjson.loads(answer.body)["metadata"]["resourceVersion"]), woken)
            except UnreachableError as error:
                log.debug("the watch broke off", reason=str(error))
            await asyncio.sleep(_AGAIN)

    async def _watch(self, version: str, woken: asyncio.Event) -> None:
        params = {**self._only, "resourceVersion": version, "watch": "true", "timeoutSeconds": _WATCH_SECONDS}
        async with self._api.stream(self._secrets, params) as stream:
            if not stream.answer.ok:
                return
            async for lines in stream.batches():
                if any(line.startswith(b'{"type":"ERROR"') for line in lines):
                    return
                woken.set()


def _good(answer: Answer, what: str) -> Any:
    if not answer.ok:
        forbids = answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
        raise RefusedError(f"cannot {what}: {answer.message}", forbids=forbids, retry_after=answer.retry_after)
    return orjson.loads(answer.body)


def _written(answer: Answer, what: str) -> bool:
    if answer.status in {HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND}:
        return False  # somebody was quicker
    _good(answer, what)
    return True


def _decoded(text: object) -> bytes:
    try:
        return base64.b64decode(text) if isinstance(text, str) else b""
    except binascii.Error:
        return b""
