"""Gives Envoy what the snapshot says, in an order that never breaks traffic, and learns what Envoy refused.

resources (snapshot) --> Catalog --> Session (one stream, no I/O) --> server (gRPC shell) --> Envoy
                                        |                                                       |
acks (snapshot) <------------------- Ledger <---------------- ACK, NACK ------------------------+
"""
