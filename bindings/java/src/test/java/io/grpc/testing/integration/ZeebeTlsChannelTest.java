package io.grpc.testing.integration;

import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.ServerBuilder;
import io.grpc.TlsServerCredentials;
import io.grpc.testing.TlsTesting;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import org.junit.runner.RunWith;
import org.junit.runners.JUnit4;
import org.libzeebe.GatewayCredentials;
import org.libzeebe.ZeebeChannel;

/** The same over TLS, with the certificates that grpc-java tests with. */
@RunWith(JUnit4.class)
public class ZeebeTlsChannelTest extends ZeebeChannelTest {
  @Override
  protected ServerBuilder<?> getServerBuilder() {
    try {
      return Grpc.newServerBuilderForPort(
              0,
              TlsServerCredentials.create(
                  TlsTesting.loadCert("server1.pem"), TlsTesting.loadCert("server1.key")))
          .maxInboundMessageSize(MAX_MESSAGE_SIZE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  protected ManagedChannel createChannel() {
    return ZeebeChannel.secure()
        .address("localhost:" + ((InetSocketAddress) getListenAddress()).getPort())
        .credentials(GatewayCredentials.tls(authority()))
        .option("grpc.ssl_target_name_override", "foo.test.google.fr")
        .option("grpc.max_receive_message_length", MAX_MESSAGE_SIZE)
        .build();
  }

  private static String authority() {
    try (var in = TlsTesting.loadCert("ca.pem")) {
      return new String(in.readAllBytes(), StandardCharsets.US_ASCII);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
