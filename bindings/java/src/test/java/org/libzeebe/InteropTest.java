package org.libzeebe;

import io.grpc.ChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Grpc;
import io.grpc.ServerBuilder;
import io.grpc.testing.integration.AbstractInteropTest;
import org.junit.runner.RunWith;
import org.junit.runners.JUnit4;

/** grpc-java's own interoperability cases, over this channel, against its own server. The README says which do not apply. */
@RunWith(JUnit4.class)
public class InteropTest extends AbstractInteropTest {
  @Override
  protected ServerBuilder<?> getServerBuilder() {
    return Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
        .maxInboundMessageSize(MAX_MESSAGE_SIZE);
  }

  @Override
  protected ManagedChannel createChannel() {
    return ZeebeChannel.insecure()
        .address("localhost:" + ((java.net.InetSocketAddress) getListenAddress()).getPort())
        .option("grpc.max_receive_message_length", MAX_MESSAGE_SIZE)
        .build();
  }

  @Override
  protected ManagedChannelBuilder<?> createChannelBuilder() {
    throw new AssertionError("createChannel makes it");
  }

  /** They are counted in the transport of grpc-java itself. */
  @Override
  protected boolean metricsExpected() {
    return false;
  }
}
