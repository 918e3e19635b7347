package io.grpc.testing.integration;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assume.assumeTrue;

import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.ServerBuilder;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.testing.integration.Messages.StreamingOutputCallRequest;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.junit.runners.JUnit4;
import org.libzeebe.ZeebeChannel;

/**
 * grpc-java's own interoperability cases over a {@link ZeebeChannel}, against its own server. The README says which do not
 * apply. In this package, which alone is told the server's port.
 */
@RunWith(JUnit4.class)
public class ZeebeChannelTest extends AbstractInteropTest {
  @Override
  protected ServerBuilder<?> getServerBuilder() {
    return Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
        .maxInboundMessageSize(MAX_MESSAGE_SIZE);
  }

  @Override
  protected ManagedChannel createChannel() {
    return ZeebeChannel.insecure()
        .address("localhost:" + ((InetSocketAddress) getListenAddress()).getPort())
        .option("grpc.max_receive_message_length", MAX_MESSAGE_SIZE)
        .build();
  }

  @Override
  protected ManagedChannelBuilder<?> createChannelBuilder() {
    throw new AssertionError("createChannel makes it");
  }

  /** The library's own retries are on by default. */
  @Override
  @Test
  public void emptyUnaryWithRetriableStream() throws Exception {
    emptyUnary();
  }

  /** Judged by its status: the words are the library's. */
  @Override
  @Test
  public void maxInboundSize_tooBig() {
    var request = StreamingOutputCallRequest.newBuilder();
    request.addResponseParametersBuilder().setSize(1);
    var answers = blockingStub.withMaxInboundMessageSize(3).streamingOutputCall(request.build());
    var failure = assertThrows(StatusRuntimeException.class, answers::next);
    assertEquals(Status.Code.RESOURCE_EXHAUSTED, failure.getStatus().getCode());
  }

  /** Judged by its status: the words are the library's. */
  @Override
  @Test
  public void deadlineExceeded() {
    var request = StreamingOutputCallRequest.newBuilder();
    request.addResponseParametersBuilder().setSize(1).setIntervalUs(20_000_000);
    var answers =
        blockingStub
            .withDeadlineAfter(100, TimeUnit.MILLISECONDS)
            .streamingOutputCall(request.build());
    var failure = assertThrows(StatusRuntimeException.class, answers::next);
    assertEquals(Status.Code.DEADLINE_EXCEEDED, failure.getStatus().getCode());
  }

  /** Not in zeebe.h: a call does not say which connection it is on. */
  @Override
  @Test
  public void getServerAddressAndLocalAddressFromClient() {
    assumeTrue("not in zeebe.h", false);
  }

  /** They are counted in the transports of grpc-java itself. */
  @Override
  protected boolean metricsExpected() {
    return false;
  }
}
