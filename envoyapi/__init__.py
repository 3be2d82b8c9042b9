"""Envoy's messages: encoders for what we send, a reader for what Envoy says, and its canonical JSON.

- `envoyapi.wire`: the primitives and google.protobuf's well-known messages;
- `envoyapi.config_route_v3` and its like: generated, one module for each proto package (`envoyapi.generate`);
- `envoyapi.reading`: Envoy's discovery requests, decoded;
- `envoyapi.canonical`: JSON as Envoy writes it; for people and tests, slow to load.
"""
