"""A gRPC server that greets, at the address that it is given: python server.py 127.0.0.1:50051."""

import sys
from concurrent import futures

import grpc

server = grpc.server(futures.ThreadPoolExecutor(2))
hello = grpc.unary_unary_rpc_method_handler(lambda name, _: b"Hello, " + name)
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("demo.Greeter", {"Hello": hello}),))
server.add_insecure_port(sys.argv[1])
server.start()
server.wait_for_termination()
