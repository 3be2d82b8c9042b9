"""Counts requests: three of those that are described alike may pass. python server.py 127.0.0.1:50051."""

import sys
from collections import Counter
from concurrent import futures

import grpc

MOST = 3
OK, OVER_LIMIT = b"\x08\x01", b"\x08\x02"  # RateLimitResponse.overall_code

seen: Counter[bytes] = Counter()


def judge(request: bytes, _: grpc.ServicerContext) -> bytes:
    """The answer to a RateLimitRequest, which holds the domain and the descriptors."""
    seen[request] += 1
    return OK if seen[request] <= MOST else OVER_LIMIT


server = grpc.server(futures.ThreadPoolExecutor(2))
method = {"ShouldRateLimit": grpc.unary_unary_rpc_method_handler(judge)}
service = "envoy.service.ratelimit.v3.RateLimitService"
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, method),))
server.add_insecure_port(sys.argv[1])
server.start()
server.wait_for_termination()
