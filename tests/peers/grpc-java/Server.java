import com.google.protobuf.Any;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsServerCredentials;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.testing.integration.Messages.SimpleResponse;
import io.grpc.testing.integration.TestServiceImpl;
import java.io.File;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * grpc-java's own interoperability service on a free loopback port, which it prints; ends with its standard input. A call with
 * x-fail ends with a status and details.
 */
final class Server {
    private static final Metadata.Key<String> FAIL = Metadata.Key.of("x-fail", Metadata.ASCII_STRING_MARSHALLER);

    private static final class Fail implements ServerInterceptor {
        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            if (!headers.containsKey(FAIL)) {
                return next.startCall(call, headers);
            }
            StatusRuntimeException failure = StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                    .setCode(Status.Code.FAILED_PRECONDITION.value())
                    .setMessage("50 % ü of it")
                    .addDetails(Any.pack(SimpleResponse.newBuilder().setUsername("details").build()))
                    .build());
            call.close(failure.getStatus(), failure.getTrailers());
            return new ServerCall.Listener<>() {};
        }
    }

    public static void main(String[] arguments) throws Exception {
        List<String> options = List.of(arguments);
        ServerCredentials credentials = options.contains("--certificate")
                ? TlsServerCredentials.create(new File(value(options, "--certificate")), new File(value(options, "--key")))
                : InsecureServerCredentials.create();
        var builder = NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0), credentials)
                .addService(io.grpc.ServerInterceptors.intercept(
                        new TestServiceImpl(Executors.newScheduledThreadPool(2)), TestServiceImpl.interceptors()))
                .intercept(new Fail());
        if (options.contains("--max-connection-age")) {
            builder.maxConnectionAge(Long.parseLong(value(options, "--max-connection-age")), TimeUnit.MILLISECONDS);
        }
        io.grpc.Server server = builder.build().start();
        System.out.println(server.getPort());
        System.in.transferTo(OutputStream.nullOutputStream());
        System.exit(0);
    }

    private static String value(List<String> options, String name) {
        return options.get(options.indexOf(name) + 1);
    }
}
