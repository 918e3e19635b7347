package org.libzeebe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gateway_protocol.GatewayGrpc;
import gateway_protocol.GatewayOuterClass.TopologyRequest;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.ResourceBundle;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The library's log, in Java. */
@Timeout(60)
class LogTest {
  private final LinkedBlockingQueue<LogEntry> entries = new LinkedBlockingQueue<>();

  @AfterEach
  void off() {
    ZeebeLog.off();
  }

  private LogEntry await(Predicate<LogEntry> wanted) throws InterruptedException {
    while (true) {
      LogEntry entry = entries.take();
      if (wanted.test(entry)) {
        return entry;
      }
    }
  }

  /** Which the library warns of when the channel is made. */
  private static ZeebeChannel withUnknownOption(String key) {
    return ZeebeChannel.insecure().address("localhost:1").option(key, 1).build();
  }

  @Test
  void handlerGetsWhatItAsksFor() throws Exception {
    ZeebeLog.to(Level.WARNING, entries::add);
    try (var channel = withUnknownOption("grpc.before")) {
      LogEntry entry = await(each -> each.message().contains("grpc.before"));
      assertEquals(Level.WARNING, entry.level());
      assertTrue(entry.part().startsWith("zeebe"), entry.part());
    }
    // Also once all channels were closed, and new ones are made.
    try (var channel = withUnknownOption("grpc.after")) {
      await(each -> each.message().contains("grpc.after"));
    }
  }

  @Test
  void handlerMayUseThePackage() throws Exception {
    ZeebeLog.to(
        Level.WARNING,
        entry -> {
          if (entry.message().contains("grpc.outer")) {
            withUnknownOption("grpc.inner").close();
          }
          entries.add(entry);
        });
    try (var channel = withUnknownOption("grpc.outer")) {
      await(each -> each.message().contains("grpc.inner"));
    }
  }

  @Test
  void replacedHandlerGetsNoMore() throws Exception {
    var before = new ConcurrentLinkedQueue<LogEntry>();
    try (var keeps = ZeebeChannel.insecure().address("localhost:1").build()) {
      ZeebeLog.to(Level.WARNING, before::add);
      ZeebeLog.to(Level.WARNING, entries::add);
      try (var channel = withUnknownOption("grpc.replaced")) {
        await(each -> each.message().contains("grpc.replaced"));
      }
      assertEquals(List.of(), List.copyOf(before));
    }
  }

  @Test
  void slowHandlerLosesRecordsAndDelaysNothing() throws Exception {
    var unblocked = new CountDownLatch(1);
    ZeebeLog.to(
        Level.TRACE,
        entry -> {
          try {
            unblocked.await();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
          entries.add(entry);
        });
    try (var gateway = new Gateway();
        var channel = ZeebeChannel.insecure().address(gateway.address("plaintext")).build()) {
      for (int i = 0; i < 6000; i++) {
        withUnknownOption("grpc.flood").close();
      }
      GatewayGrpc.newBlockingStub(channel)
          .withDeadlineAfter(20, TimeUnit.SECONDS)
          .topology(TopologyRequest.getDefaultInstance());
      unblocked.countDown();
      // Records again, until one tells how many were lost.
      while (entries.stream().noneMatch(entry -> entry.message().contains("lost"))) {
        withUnknownOption("grpc.flood").close();
        assertFalse(Thread.interrupted(), "the test's time is over");
      }
    }
  }

  @Test
  void loggerGetsTheLevelsItHasAndNoSecret() throws Exception {
    var logger = new Recorder(Level.TRACE);
    ZeebeLog.to(logger);
    try (var gateway = new Gateway()) {
      String token = Tokens.fetch(gateway.tokenUrl());
      try (var channel = gateway.oauth2().build();
          var plugin = MetadataPlugin.bearer(token);
          var bearer =
              ZeebeChannel.secure()
                  .address(gateway.address("tls_oauth"))
                  .credentials(GatewayCredentials.tls(gateway.pem("ca")).with(plugin))
                  .build()) {
        for (var each : List.of(channel, bearer)) {
          GatewayGrpc.newBlockingStub(each)
              .withDeadlineAfter(20, TimeUnit.SECONDS)
              .topology(TopologyRequest.getDefaultInstance());
        }
        await(each -> each.message().contains("token"));
        try (var last = withUnknownOption("grpc.last")) {
          await(each -> each.message().contains("grpc.last"));
        }
      }
      assertTrue(logger.all.size() > 1, logger.all.toString());
      for (String secret : List.of("demo-secret", token, "eyJ")) {
        assertFalse(logger.all.toString().contains(secret), logger.all.toString());
      }
    }
    var silent = new Recorder(Level.OFF);
    ZeebeLog.to(silent);
    withUnknownOption("grpc.silent").close();
    assertEquals(List.of(), List.copyOf(silent.all));
  }

  private final class Recorder implements System.Logger {
    final ConcurrentLinkedQueue<String> all = new ConcurrentLinkedQueue<>();
    private final Level level;

    Recorder(Level level) {
      this.level = level;
    }

    @Override
    public String getName() {
      return "recorder";
    }

    @Override
    public boolean isLoggable(Level asked) {
      return asked.getSeverity() >= level.getSeverity();
    }

    @Override
    public void log(Level at, ResourceBundle bundle, String message, Throwable thrown) {
      all.add(message);
      entries.add(new LogEntry(at, "", message));
    }

    @Override
    public void log(Level at, ResourceBundle bundle, String format, Object... parameters) {
      log(at, bundle, format, (Throwable) null);
    }
  }
}
