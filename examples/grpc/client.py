"""One call of gRPC: python client.py 127.0.0.1:8080."""

import sys

import grpc

with grpc.insecure_channel(sys.argv[1]) as channel:
    print(channel.unary_unary("/demo.Greeter/Hello")(b"gateway", timeout=10).decode())
