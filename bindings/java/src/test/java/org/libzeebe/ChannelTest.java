package org.libzeebe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import gateway_protocol.GatewayGrpc;
import gateway_protocol.GatewayOuterClass.TopologyRequest;
import io.grpc.ConnectivityState;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Channels of every form, and what a ManagedChannel does. */
@Timeout(60)
class ChannelTest {
  private static Gateway gateway;

  @BeforeAll
  static void startGateway() throws Exception {
    gateway = new Gateway();
  }

  @AfterAll
  static void stopGateway() throws Exception {
    gateway.close();
  }

  private static void serves(ZeebeChannel channel) throws InterruptedException {
    var stub = GatewayGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
    assertEquals(1, stub.topology(TopologyRequest.getDefaultInstance()).getBrokersCount());
    channel.shutdown();
    assertTrue(channel.awaitTermination(20, TimeUnit.SECONDS));
  }

  private static StatusRuntimeException fails(ZeebeChannel channel) {
    try (channel) {
      var stub = GatewayGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
      return assertThrows(
          StatusRuntimeException.class,
          () -> stub.topology(TopologyRequest.getDefaultInstance()));
    }
  }

  @Test
  void insecure() throws Exception {
    serves(ZeebeChannel.insecure().address(gateway.address("plaintext")).build());
  }

  @Test
  void secure() throws Exception {
    serves(
        ZeebeChannel.secure()
            .address(gateway.address("tls"))
            .credentials(GatewayCredentials.tls(gateway.pem("ca")))
            .build());
  }

  @Test
  void mutualTls() throws Exception {
    serves(
        ZeebeChannel.secure()
            .address(gateway.address("mtls"))
            .credentials(
                GatewayCredentials.mutualTls(
                    gateway.pem("ca"),
                    gateway.pem("client_key"),
                    gateway.pem("client_certificate")))
            .build());
  }

  @Test
  void oauth() throws Exception {
    serves(gateway.oauth2().build());
  }

  @Test
  void camundaCloud() throws Exception {
    serves(
        ZeebeChannel.camundaCloud()
            .clusterId("demo-cluster")
            .connectAddress(gateway.address("cloud"))
            .credentials(GatewayCredentials.tls(gateway.pem("ca")))
            .authorizationServer(gateway.tokenUrl())
            .clientId("demo-client")
            .clientSecret("demo-secret")
            .build());
  }

  @Test
  void wrongSecretSaysWhoRefusedIt() throws Exception {
    StatusRuntimeException failure = fails(gateway.oauth2().clientSecret("wrong").build());
    assertEquals(Status.Code.UNAUTHENTICATED, failure.getStatus().getCode());
    ZeebeException why = ZeebeException.of(failure).orElseThrow();
    assertEquals(ZeebeException.Kind.INVALID_OAUTH_CREDENTIALS, why.kind());
    assertEquals(ZeebeException.Source.TOKEN_ENDPOINT, why.source());
    assertFalse(why.isRetryable());
    assertFalse(why.mayHaveBeenProcessed());
  }

  private JsonNode tokenRequest(ZeebeChannelBuilder.OAuth2 builder) throws Exception {
    try (var channel = builder.build()) {
      channel.retrieveToken().handle((token, failure) -> null).get(20, TimeUnit.SECONDS);
    }
    return Gateway.JSON.readTree(gateway.ask("GET", "/token-request"));
  }

  @Test
  void assertionsAreForWhomTheProgramSays() throws Exception {
    for (String audience : new String[] {null, "https://login.example/issuer"}) {
      var builder =
          gateway
              .oauth2()
              .clientAuthentication(ClientAuthentication.PRIVATE_KEY_JWT)
              .clientId("aud-" + audience)
              .privateKey(gateway.pem("client_key"))
              .assertionAudience(audience);
      String body = tokenRequest(builder).required("body").asText();
      String assertion = body.split("client_assertion=")[1].split("&")[0];
      var claims =
          Gateway.JSON.readTree(Base64.getUrlDecoder().decode(assertion.split("\\.")[1]));
      String expected = audience == null ? gateway.tokenUrl() : audience;
      assertEquals(expected, claims.required("aud").asText());
    }
  }

  @Test
  void rootBehindTheCertificateIsShownIfTheProgramSaysSo() throws Exception {
    for (boolean sends : new boolean[] {false, true}) {
      var builder =
          gateway
              .oauth2()
              .authorizationServer("https://localhost:" + gateway.get("token_mtls") + "/oauth/token")
              .tokenCa(gateway.pem("ca"))
              .clientAuthentication(ClientAuthentication.TLS)
              .privateKey(gateway.pem("client_key"))
              .certificateChain(gateway.pem("client_certificate") + gateway.pem("ca"))
              .sendRootCertificate(sends);
      assertEquals(sends ? 2 : 1, tokenRequest(builder).required("certificates").asInt());
    }
  }

  @Test
  void channelsCountForPrometheus() throws Exception {
    var gone = ZeebeChannel.insecure().address("localhost:1").build();
    gone.close();
    try (var used = ZeebeChannel.insecure().address(gateway.address("plaintext")).build();
        var idle = ZeebeChannel.insecure().address("gateway.example:1").build()) {
      GatewayGrpc.newBlockingStub(used)
          .withDeadlineAfter(20, TimeUnit.SECONDS)
          .topology(TopologyRequest.getDefaultInstance());
      String text = ZeebeChannel.prometheus(List.of(used, idle));
      assertTrue(text.contains("grpc_status=\"OK\"} 1\n"), text);
      assertTrue(text.contains("{channel=\"1\",grpc_target=\"gateway.example:1\""), text);
      assertEquals(1, text.lines().filter("# TYPE zeebe_channel_calls_ended_total counter"::equals).count());
      assertThrows(IllegalStateException.class, () -> ZeebeChannel.prometheus(List.of(used, gone)));
    }
    assertEquals("", ZeebeChannel.prometheus(List.of()).replaceAll("#.*\n", ""));
  }

  @Test
  void retrieveTokenNeedsNoGateway() throws Exception {
    try (var channel = gateway.oauth2().address("localhost:1").build()) {
      channel.retrieveToken().get(20, TimeUnit.SECONDS);
      assertEquals(1, Gateway.JSON.readTree(channel.stats()).at("/oauth2/requests").asInt());
    }
    try (var channel = gateway.oauth2().clientSecret("wrong").build()) {
      var end =
          assertThrows(
              ExecutionException.class, () -> channel.retrieveToken().get(20, TimeUnit.SECONDS));
      assertEquals(
          ZeebeException.Kind.INVALID_OAUTH_CREDENTIALS,
          ZeebeException.of(end).orElseThrow().kind());
    }
  }

  @Test
  void tokensOfTheProgram() throws Exception {
    try (var plugin = MetadataPlugin.bearer(fetch(gateway));
        var channel = withPlugin(plugin)) {
      serves(channel);
    }
    var asked = new AtomicInteger();
    var executor = Executors.newSingleThreadExecutor();
    try (var plugin =
            MetadataPlugin.tokens(
                TokenSource.blocking(
                    () -> {
                      asked.incrementAndGet();
                      return new Token(fetch(gateway), Duration.ofHours(1));
                    },
                    executor));
        var channel = withPlugin(plugin)) {
      assertTrue(plugin.isTokenExpired());
      serves(channel);
      assertFalse(plugin.isTokenExpired());
      plugin.retrieveToken().get(20, TimeUnit.SECONDS);
      assertEquals(2, asked.get());
    } finally {
      executor.shutdown();
    }
  }

  @Test
  void tokenSourceThatFailsEndsTheCall() throws Exception {
    try (var plugin =
        MetadataPlugin.tokens(
            () -> CompletableFuture.failedFuture(new IllegalStateException("the vault is shut")))) {
      Status status = fails(withPlugin(plugin)).getStatus();
      assertEquals(Status.Code.UNAVAILABLE, status.getCode());
      assertTrue(status.getDescription().contains("the vault is shut"), status.toString());
    }
    try (var plugin =
        MetadataPlugin.tokens(
            () -> {
              throw Status.PERMISSION_DENIED.withDescription("not you").asRuntimeException();
            })) {
      Status status = fails(withPlugin(plugin)).getStatus();
      assertEquals(Status.Code.PERMISSION_DENIED, status.getCode());
      assertTrue(status.getDescription().contains("not you"), status.toString());
    }
  }

  @Test
  void tokenNobodyWaitsForIsCancelled() throws Exception {
    var never = new CompletableFuture<Token>();
    var asked = new CountDownLatch(1);
    TokenSource source =
        () -> {
          asked.countDown();
          return never;
        };
    try (var plugin = MetadataPlugin.tokens(source)) {
      var channel = withPlugin(plugin);
      var stub = GatewayGrpc.newFutureStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
      var call = stub.topology(TopologyRequest.getDefaultInstance());
      assertTrue(asked.await(20, TimeUnit.SECONDS));
      assertTrue(call.cancel(true));
      channel.close();
    }
    var ended = new CountDownLatch(1);
    never.whenComplete((token, failure) -> ended.countDown());
    assertTrue(ended.await(50, TimeUnit.SECONDS));
    assertTrue(never.isCancelled());
  }

  private static ZeebeChannel withPlugin(MetadataPlugin plugin) throws Exception {
    return ZeebeChannel.secure()
        .address(gateway.address("tls_oauth"))
        .credentials(GatewayCredentials.tls(gateway.pem("ca")).with(plugin))
        .build();
  }

  private static String fetch(Gateway gateway) throws Exception {
    return Tokens.fetch(gateway.tokenUrl());
  }

  @Test
  void textIsRealUtf8() {
    String text = "caf\u00e9 \u2603 \ud83d\ude00 \uffff";
    assertEquals(text, ZeebeEnvironment.clusterRegion(text));
    for (String refused : new String[] {"a\0b", "\ud800", "\udc00\ud800"}) {
      assertThrows(
          IllegalArgumentException.class, () -> ZeebeEnvironment.clusterRegion(refused));
      var builder = ZeebeChannel.insecure().address(refused);
      assertThrows(IllegalArgumentException.class, builder::build);
    }
  }

  @Test
  void settingThatIsMissingHasItsName() {
    var builder = ZeebeChannel.oauth2().clientId("a").clientSecret("b");
    var failure = assertThrows(ZeebeException.class, builder::build);
    assertEquals(ZeebeException.Kind.SETTINGS, failure.kind());
    assertTrue(failure.getMessage().contains("CAMUNDA_OAUTH_URL"), failure.getMessage());
  }

  /** An executor that is shut down, or whose only thread waits for it. */
  @Test
  void tokensNeedNoExecutor() throws Exception {
    var one = Executors.newSingleThreadExecutor();
    var channel = gateway.oauth2().executor(one).build();
    one.submit(() -> channel.retrieveToken().get(10, TimeUnit.SECONDS)).get(20, TimeUnit.SECONDS);
    one.shutdown();
    channel.retrieveToken().get(10, TimeUnit.SECONDS);
    channel.close();
    assertTrue(channel.awaitTermination(20, TimeUnit.SECONDS));
  }

  /** What cannot be told the first time is told that it has ended, as everything is that waits. */
  @Test
  void executorThatRefusesOnceKeepsNobodyWaiting() throws Exception {
    var refused = new CountDownLatch(1);
    Executor executor =
        task -> {
          if (refused.getCount() > 0) {
            refused.countDown();
            throw new RejectedExecutionException("not now");
          }
          task.run();
        };
    try (var channel =
        ZeebeChannel.insecure().address(gateway.address("plaintext")).executor(executor).build()) {
      var changed = new CountDownLatch(1);
      channel.notifyWhenStateChanged(ConnectivityState.IDLE, changed::countDown);
      channel.getState(true);
      assertTrue(refused.await(20, TimeUnit.SECONDS));
      assertTrue(changed.await(20, TimeUnit.SECONDS));
    }
  }

  /** With a direct executor it runs where events are taken, and what it throws is no event that was lost. */
  @Test
  void callbackThatThrowsIsToldOnce() throws Exception {
    var told = new AtomicInteger();
    var channel = ZeebeChannel.insecure().address("localhost:1").directExecutor().build();
    try (channel) {
      var begun = new CountDownLatch(1);
      channel.notifyWhenStateChanged(
          ConnectivityState.IDLE,
          () -> {
            told.incrementAndGet();
            begun.countDown();
            throw new IllegalStateException("the program's own");
          });
      channel.getState(true);
      assertTrue(begun.await(20, TimeUnit.SECONDS));
    }
    assertTrue(channel.awaitTermination(20, TimeUnit.SECONDS)); // the same thread tells it, later
    assertEquals(1, told.get());
  }

  @Test
  void statesAreTold() throws Exception {
    var channel = ZeebeChannel.insecure().address(gateway.address("plaintext")).build();
    assertEquals(gateway.address("plaintext"), channel.authority());
    assertEquals(ConnectivityState.IDLE, channel.getState(false));
    while (channel.getState(true) != ConnectivityState.READY) {
      var changed = new CountDownLatch(1);
      channel.notifyWhenStateChanged(channel.getState(false), changed::countDown);
      if (channel.getState(false) != ConnectivityState.READY) {
        assertTrue(changed.await(20, TimeUnit.SECONDS));
      }
    }
    var changed = new CountDownLatch(1);
    channel.notifyWhenStateChanged(ConnectivityState.READY, changed::countDown);
    assertFalse(channel.isShutdown());
    channel.close();
    assertTrue(channel.isShutdown());
    assertTrue(changed.await(20, TimeUnit.SECONDS));
    assertTrue(channel.awaitTermination(20, TimeUnit.SECONDS));
    assertTrue(channel.isTerminated());
    assertEquals(ConnectivityState.SHUTDOWN, channel.getState(true));
    assertThrows(IllegalStateException.class, channel::stats);
    assertEquals(Status.Code.UNAVAILABLE, fails(channel).getStatus().getCode());
  }
}
