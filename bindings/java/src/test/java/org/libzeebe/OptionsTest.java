package org.libzeebe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Options that are times, and errors that say which option they are about. */
@Timeout(60)
class OptionsTest {
  private static final Duration ENDLESS = Duration.ofSeconds(Long.MAX_VALUE, 999_999_999);

  private static ZeebeChannelBuilder.OAuth2 oauth() {
    return ZeebeChannel.oauth2()
        .address("localhost:1")
        .clientId("x")
        .clientSecret("x")
        .audience("x")
        .authorizationServer("https://localhost/token");
  }

  private static String refused(String option, Consumer<ZeebeChannelBuilder.OAuth2> change) {
    var builder = oauth();
    change.accept(builder);
    return refused(option, builder::build);
  }

  /** The message; it names this option, and no other as C does. */
  private static String refused(String option, org.junit.jupiter.api.function.Executable run) {
    var failure = assertThrows(ZeebeException.class, run);
    assertEquals(ZeebeException.Kind.INVALID_ARGUMENT, failure.kind());
    assertEquals(option, failure.option().orElse(null), failure.getMessage());
    assertTrue(failure.getMessage().contains(option), failure.getMessage());
    assertFalse(failure.getMessage().contains("options."), failure.getMessage());
    return failure.getMessage();
  }

  @Test
  void timesAreRoundedUp() {
    var seconds =
        Map.of(
            Duration.ofNanos(1), 1L,
            Duration.ofMillis(500), 1L,
            Duration.ofSeconds(1), 1L,
            Duration.ofMillis(1500), 2L,
            Duration.ofSeconds(1, 1), 2L,
            Duration.ofMinutes(1), 60L,
            Duration.ofDays(365_000), 31_536_000_000L);
    seconds.forEach(
        (given, expected) -> {
          try (ZeebeChannel channel = oauth().leeway(given).expireIn(given).build()) {
            String is = "\"leeway\":" + expected + ",\"expire_in\":" + expected;
            assertTrue(channel.describe().contains(is), given + " " + channel.describe());
          }
        });
    try (ZeebeChannel channel = oauth().leeway(Duration.ZERO).build()) {
      assertTrue(channel.describe().contains("\"leeway\":0"), channel.describe());
    }
    // Not given after all.
    try (ZeebeChannel channel = oauth().leeway(null).expireIn(null).timeout(null).build()) {
      assertTrue(channel.describe().contains("\"leeway\":60"), channel.describe());
    }
  }

  @Test
  void timesThatAreTooLongAreTheLongest() {
    assertEquals(Long.MAX_VALUE, Arguments.roundUp(ENDLESS, Arguments.MILLI));
    assertEquals(
        Long.MAX_VALUE / 1_000_000 + 1,
        Arguments.roundUp(Duration.ofNanos(Long.MAX_VALUE), Arguments.MILLI));
    oauth()
        .leeway(ENDLESS)
        .expireIn(ENDLESS)
        .timeout(ENDLESS)
        .tokenTimeout(ENDLESS)
        .tokenConnectTimeout(ENDLESS)
        .build()
        .close();
  }

  @Test
  void timesThatAreNothingAreRefused() {
    refused("leeway()", builder -> builder.leeway(Duration.ofNanos(-1)));
    for (Duration bad : List.of(Duration.ZERO, Duration.ofNanos(-1), ENDLESS.negated())) {
      refused("expireIn()", builder -> builder.expireIn(bad));
      refused("timeout()", builder -> builder.timeout(bad));
      refused("tokenTimeout()", builder -> builder.tokenTimeout(bad));
      refused("tokenConnectTimeout()", builder -> builder.tokenConnectTimeout(bad));
      TokenSource source = () -> CompletableFuture.completedFuture(null);
      refused("expireIn()", () -> MetadataPlugin.tokens(source, null, bad));
    }
    try (ZeebeChannel channel = ZeebeChannel.insecure().address("localhost:1").build()) {
      refused("watchdog()", () -> Work.stream(channel).watchdog(Duration.ZERO).open());
      refused("pollInterval()", () -> Work.stream(channel).pollInterval(ENDLESS.negated()).open());
      // What the library itself refuses.
      refused("pollInterval()", () -> Work.stream(channel).pollInterval(ENDLESS).open());
      refused("maxBufferedJobs()", () -> Work.stream(channel).maxBufferedJobs(-1).open());
    }
  }

  @Test
  void optionsOfWorkersAreChecked() {
    try (ZeebeChannel channel = ZeebeChannel.insecure().address("localhost:1").build()) {
      Map<String, BiFunction<JobWorkerBuilder, Duration, JobWorkerBuilder>> times =
          Map.of(
              "jobTimeout()", JobWorkerBuilder::jobTimeout,
              "watchdog()", JobWorkerBuilder::watchdog,
              "streamTimeout()", JobWorkerBuilder::streamTimeout,
              "pollInterval()", JobWorkerBuilder::pollInterval,
              "requestTimeout()", JobWorkerBuilder::requestTimeout,
              "backoffMin()", JobWorkerBuilder::backoffMin,
              "backoffMax()", JobWorkerBuilder::backoffMax,
              "retryBackoff()", JobWorkerBuilder::retryBackoff,
              "grace()", JobWorkerBuilder::grace);
      times.forEach(
          (name, option) -> {
            for (Duration bad : List.of(Duration.ofNanos(-1), ENDLESS.negated(), ENDLESS)) {
              refused(name, () -> option.apply(worker(channel), bad).open());
            }
            if (!name.equals("grace()")) {
              refused(name, () -> option.apply(worker(channel), Duration.ZERO).open());
            }
            option.apply(worker(channel), null).open().close();
          });
      worker(channel).grace(Duration.ZERO).open().close();
      Map<String, BiFunction<JobWorkerBuilder, Integer, JobWorkerBuilder>> numbers =
          Map.of(
              "maxJobsActive()", JobWorkerBuilder::maxJobsActive,
              "handlersAtOnce()", JobWorkerBuilder::handlersAtOnce,
              "backoffFactor()", JobWorkerBuilder::backoffFactor,
              "backoffJitter()", JobWorkerBuilder::backoffJitter);
      numbers.forEach(
          (name, option) -> {
            for (int bad : new int[] {-2, -1, 100_001, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
              refused(name, () -> option.apply(worker(channel), bad).open());
            }
            if (!name.equals("backoffJitter()")) {
              refused(name, () -> option.apply(worker(channel), 0).open());
            }
            option.apply(worker(channel), 100).open().close();
          });
      worker(channel).backoffJitter(0).open().close();
      refused("ZeebeChannel.newWorker()", () -> channel.newWorker("", job -> {}).open());
      assertThrows(NullPointerException.class, () -> channel.newWorker(null, job -> {}));
      assertThrows(NullPointerException.class, () -> channel.newWorker("x", null));
      for (String bad : List.of("a\0b", "\ud800")) {
        assertThrows(
            IllegalArgumentException.class, () -> channel.newWorker(bad, job -> {}).open());
        assertThrows(
            IllegalArgumentException.class, () -> worker(channel).tenantIds("a", bad).open());
      }
    }
  }

  private static JobWorkerBuilder worker(ZeebeChannel channel) {
    return channel.newWorker("none", job -> {});
  }

  /** And one that has none left is not one of unknown time. */
  @Test
  void timesOfTokensAreRoundedUp() throws Exception {
    for (Duration lifetime : List.of(Duration.ofMillis(500), Duration.ZERO, Duration.ofNanos(-1))) {
      TokenSource source = () -> CompletableFuture.completedFuture(new Token("a", lifetime));
      try (var plugin = MetadataPlugin.tokens(source, Duration.ZERO, null)) {
        plugin.retrieveToken().get(10, TimeUnit.SECONDS);
        assertTrue(!plugin.isTokenExpired() || lifetime.compareTo(Duration.ZERO) <= 0);
        for (int left = 1000; left > 0 && !plugin.isTokenExpired(); left--) {
          Thread.sleep(10);
        }
        assertTrue(plugin.isTokenExpired(), lifetime.toString());
      }
    }
  }

  @Test
  void errorsNameTheOptionsOfJava() {
    refused(
        "allowInsecureTokenUrl()", builder -> builder.authorizationServer("http://login.example/"));
    String two =
        refused(
            "privateKey()", builder -> builder.clientAuthentication(ClientAuthentication.TLS));
    assertTrue(two.contains("certificateChain()"), two);
    refused("connectAddress()", builder -> builder.connectAddress("a b"));
    refused("maxWaitingCalls()", builder -> builder.maxWaitingCalls(-2));
    refused(
        "allowInsecureGateway()",
        builder -> builder.address("zeebe.example:1").credentials(GatewayCredentials.plaintext()));
  }

  /** Of every option that a message can name, there is a name, and there is what it names. */
  @Test
  void everyOptionHasAName() throws Exception {
    String source = Files.readString(Gateway.ROOT.resolve("src/options/table.rs"));
    Matcher found =
        Pattern.compile("^    \\w+ = \"(\\w+)\" \"(\\w+)\", (?!Takes::Object)", Pattern.MULTILINE)
            .matcher(source);
    var options = new HashSet<String>();
    while (found.find()) {
      options.add(found.group(1) + "." + found.group(2));
    }
    assertTrue(options.size() > 40, options.toString());
    // What Java programs cannot set.
    options.removeAll(
        Set.of(
            "options.manual_requests",
            "options.discard_metadata",
            "options.callback_threads",
            "options.thread_name"));
    assertEquals(options, OptionNames.OWN.keySet());
    var methods = new HashSet<String>();
    Stream.concat(
            Stream.of(ZeebeChannelBuilder.class, JobStreamBuilder.class, JobWorkerBuilder.class),
            Arrays.stream(ZeebeChannelBuilder.class.getDeclaredClasses()))
        .flatMap(type -> Arrays.stream(type.getDeclaredMethods()))
        .forEach(method -> methods.add(method.getName() + "()"));
    Arrays.stream(io.grpc.CallOptions.class.getMethods())
        .forEach(method -> methods.add("CallOptions." + method.getName() + "()"));
    Arrays.stream(ZeebeChannel.class.getMethods())
        .forEach(method -> methods.add("ZeebeChannel." + method.getName() + "()"));
    Arrays.stream(ZeebeRuntime.class.getMethods())
        .forEach(method -> methods.add("ZeebeRuntime." + method.getName() + "()"));
    Arrays.stream(GatewayCredentials.class.getDeclaredFields())
        .forEach(field -> methods.add("GatewayCredentials." + field.getName()));
    Arrays.stream(ZeebeChannel.class.getFields())
        .forEach(field -> methods.add("ZeebeChannel." + field.getName()));
    OptionNames.OWN.values().forEach(name -> assertTrue(methods.contains(name), name));
  }

  @Test
  void numbersOfThreadsThatCannotBeAreRefused() {
    for (int count : new int[] {-1, 65, Integer.MIN_VALUE}) {
      var options = ZeebeRuntime.options().ioThreads(count);
      var refused = assertThrows(ZeebeException.class, options::configure);
      assertEquals(ZeebeException.Kind.INVALID_ARGUMENT, refused.kind());
      assertTrue(refused.getMessage().contains("ZeebeRuntime.ioThreads()"), refused.getMessage());
    }
  }
}
