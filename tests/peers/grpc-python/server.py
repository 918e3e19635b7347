"""gRPC's TestService on grpcio, which is gRPC C-core, on a free loopback port, which it prints; ends with its standard input.
A call with x-fail ends with a status and details."""

import argparse
import sys
import time
from concurrent import futures
from pathlib import Path

import grpc

sys.path.insert(0, str(Path(__file__).parent))
messages, services = grpc.protos_and_services("test.proto")

INITIAL, TRAILING = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"
FAILURE = "50 % ü of it"


def echo_metadata(context):
    sent = dict(context.invocation_metadata())
    if INITIAL in sent:
        context.send_initial_metadata([(INITIAL, sent[INITIAL])])
    if TRAILING in sent:
        context.set_trailing_metadata([(TRAILING, sent[TRAILING])])
    if "x-fail" in sent:
        text = FAILURE.encode()
        # google.rpc.Status: code, message, and one google.protobuf.Any.
        details = b"\x08\x09" + b"\x12" + bytes([len(text)]) + text + b"\x1a\x05\x0a\x03a/b"
        context.set_trailing_metadata([("grpc-status-details-bin", details)])
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, FAILURE)


def echo_status(request, context):
    if request.HasField("response_status") and request.response_status.code:
        codes = {code.value[0]: code for code in grpc.StatusCode}
        context.abort(codes[request.response_status.code], request.response_status.message)


def zeros(size):
    return messages.PayloadResponse(payload=messages.Payload(body=bytes(size)))


def outputs(request):
    for parameters in request.response_parameters:
        if parameters.interval_us:
            time.sleep(parameters.interval_us / 1e6)
        yield zeros(parameters.size)


class TestService(services.TestServiceServicer):
    def EmptyCall(self, request, context):
        return request

    def UnaryCall(self, request, context):
        echo_metadata(context)
        echo_status(request, context)
        return zeros(request.response_size)

    def StreamingInputCall(self, requests, context):
        return messages.InputResponse(aggregated_payload_size=sum(len(request.payload.body) for request in requests))

    def StreamingOutputCall(self, request, context):
        yield from outputs(request)

    def FullDuplexCall(self, requests, context):
        echo_metadata(context)
        for request in requests:
            echo_status(request, context)
            yield from outputs(request)


parser = argparse.ArgumentParser()
parser.add_argument("--certificate", type=Path)
parser.add_argument("--key", type=Path)
parser.add_argument("--max-connection-age", type=int)
options = parser.parse_args()
arguments = [("grpc.max_metadata_size", 16384)]  # between 8 and 16 KiB it would refuse by chance
if options.max_connection_age:
    arguments.append(("grpc.max_connection_age_ms", options.max_connection_age))
server = grpc.server(futures.ThreadPoolExecutor(64), options=arguments)
services.add_TestServiceServicer_to_server(TestService(), server)
if options.certificate:
    pair = (options.key.read_bytes(), options.certificate.read_bytes())
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
else:
    port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
sys.stdin.read()
server.stop(0).wait()
