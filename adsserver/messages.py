"""What goes over the wire: requests as values, responses as bytes.

Source: envoy/service/discovery/v3/discovery.proto.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from adsserver.remark import remarked
from adsserver.resources import KIND_OF_TYPE_URL, Entry, Kind
from envoyapi.reading import delta_discovery_request
from envoyapi.service_discovery_v3 import DeltaDiscoveryResponse


@dataclass(frozen=True, slots=True)
class Request:
    """A DeltaDiscoveryRequest.

    It changes a subscription, answers the response with `nonce`, or does both. `error` is Envoy's text when the
    answer is a refusal. `initial_versions` comes with the first request of a kind on a stream: what Envoy holds.
    `node` is the Envoy's id, told in a stream's first request.
    """

    kind: Kind
    subscribe: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    initial_versions: Mapping[str, str] = field(default_factory=dict)
    nonce: str = ""
    error: str | None = None
    node: str = ""

    @classmethod
    def decode(cls, data: bytes) -> "Request | str":
        """The request that these bytes are; its type's name instead when it is of no kind of ours.

        DecodeError when they are no request at all.
        """
        read = delta_discovery_request(data)
        kind = KIND_OF_TYPE_URL.get(read.type_url)
        if kind is None:
            return read.type_url
        versions, error = read.initial_resource_versions, read.error[1] if read.error else None
        return cls(kind, read.subscribe, read.unsubscribe, versions, read.response_nonce, error, read.node_id)


@dataclass(frozen=True, slots=True)
class Response:
    """A DeltaDiscoveryResponse, and what one must remember of it until Envoy answers.

    `before`: the version that Envoy held of each resource in it (None: none). `rollout`: the number of the rollout
    it was sent in. `stream`: what no other stream is called.
    """

    nonce: int
    kind: Kind
    entries: tuple[Entry, ...]
    removed: tuple[str, ...]
    before: Mapping[str, str | None]
    rollout: int
    stream: str = ""

    def encode(self) -> bytes:
        """Its bytes."""
        is_secret = self.kind is Kind.SECRET
        message = DeltaDiscoveryResponse(
            resources=[entry.wire_with(self.body(entry)) if is_secret else entry.wire for entry in self.entries],
            type_url=self.kind.type_url,
            nonce=str(self.nonce),
            removed_resources=self.removed,
        )
        return bytes(message)  # gRPC takes no subclass

    def body(self, entry: Entry) -> bytes:
        """What Envoy is given as an entry of it: a Secret has a remark that it never had before."""
        return remarked(entry.body, f"{self.stream}.{self.nonce}") if self.kind is Kind.SECRET else entry.body

    @property
    def names(self) -> list[str]:
        """Every name in it, updated or removed."""
        return [entry.name for entry in self.entries] + list(self.removed)
