package org.libzeebe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gateway_protocol.GatewayGrpc;
import gateway_protocol.GatewayOuterClass.ActivatedJob;
import gateway_protocol.GatewayOuterClass.StreamActivatedJobsRequest;
import gateway_protocol.GatewayOuterClass.TopologyRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is dropped without being closed comes back. */
@Timeout(300)
class LeakTest {
  private static final int STREAMS = 10_000;
  private static final int AT_A_TIME = 1_000;
  /** Of the process, after as many streams had come and gone before: more would be a leak of 1.6 KiB a stream. */
  private static final long MEMORY_BOUND_KIB = 16 * 1024;

  /** Those that a JVM starts by itself; one a stream would be 10 000. */
  private static final int THREADS_BOUND = 32;

  @Test
  void droppedStreamsComeBack() throws Exception {
    try (var gateway = new Gateway()) {
      dropStreams(gateway); // memory that the allocators keep
      long memory = status("VmRSS");
      long threads = status("Threads");
      dropStreams(gateway);
      long moreMemory = status("VmRSS") - memory;
      long moreThreads = status("Threads") - threads;
      System.out.println("leak: " + moreMemory + " KiB, " + moreThreads + " threads, " + threads + " before");
      assertTrue(moreMemory < MEMORY_BOUND_KIB, moreMemory + " KiB more");
      assertTrue(moreThreads <= THREADS_BOUND, moreThreads + " threads more");
    }
  }

  /** Each time on a new connection: one on which so many streams are reset at once, the gateway closes. */
  private static void dropStreams(Gateway gateway) throws Exception {
    for (int i = 0; i < STREAMS; i += AT_A_TIME) {
      try (var channel = ZeebeChannel.insecure().address(gateway.address("plaintext")).build()) {
        openStreams(channel);
        collect(() -> running(channel) == 0);
      }
    }
    // How many threads of callbacks a burst needs is chance; they end with the last channel.
    collect(LeakTest::hasNoThreads);
  }

  private static boolean hasNoThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .noneMatch(
            thread ->
                thread.getName().equals("zeebe-reader")
                    || thread.getName().startsWith("zeebe-callback"));
  }

  private static void openStreams(ZeebeChannel channel) throws Exception {
    var stub = GatewayGrpc.newBlockingStub(channel);
    var request = StreamActivatedJobsRequest.newBuilder().setType("none").setTimeout(1000).build();
    List<Iterator<ActivatedJob>> streams = new ArrayList<>();
    for (int i = 0; i < AT_A_TIME; i++) {
      streams.add(stub.streamActivatedJobs(request));
    }
    assertEquals(AT_A_TIME, running(channel));
    java.lang.ref.Reference.reachabilityFence(streams);
  }

  /** Also one whose close is still on its way. */
  @Test
  void droppedJobStreamsComeBack() throws Exception {
    try (var gateway = new Gateway();
        var channel = ZeebeChannel.insecure().address(gateway.address("plaintext")).build()) {
      openJobStreams(channel, 50);
      collect(() -> running(channel) == 0);
    }
  }

  private static void openJobStreams(ZeebeChannel channel, int count) throws Exception {
    var streams = new ArrayList<JobStream<ActivatedJob>>();
    for (int i = 0; i < count; i++) {
      streams.add(Work.stream(channel).open());
    }
    while (running(channel) < count) {
      Thread.onSpinWait();
    }
    streams.get(0).close();
    java.lang.ref.Reference.reachabilityFence(streams);
  }

  @Test
  void droppedChannelsAndPluginsComeBack() throws Exception {
    try (var gateway = new Gateway()) {
      for (int i = 0; i < 100; i++) {
        var plugin = MetadataPlugin.tokens(() -> null);
        plugin.isTokenExpired();
        GatewayGrpc.newBlockingStub(
                ZeebeChannel.insecure().address(gateway.address("plaintext")).build())
            .topology(TopologyRequest.getDefaultInstance());
        ZeebeChannel forgotten =
            ZeebeChannel.insecure().address(gateway.address("plaintext")).build();
        forgotten.newWorker("none", job -> forgotten.stats()).open();
        Work.stream(ZeebeChannel.insecure().address(gateway.address("plaintext")).build()).open();
      }
      // Once nothing of them is left, the reader ends.
      collect(LeakTest::hasNoThreads);
    }
  }

  /** In a JVM whose heap stays as it is. */
  @Test
  void endedJobsComeBack() throws Exception {
    try (var gateway = new Gateway()) {
      var heap = List.of("-Xms96m", "-Xmx96m", "-XX:+AlwaysPreTouch");
      String more = Jvm.run(heap, EndedJobs.class, gateway.address("plaintext"));
      System.out.println("leak: " + more.strip() + " KiB after " + EndedJobs.COUNT + " jobs");
      assertTrue(Long.parseLong(more.strip()) < EndedJobs.COUNT * EndedJobs.KIB / 2, more);
    }
  }

  /** Says by how many KiB the process grew by jobs, after as many before; each that stayed would be 64. */
  static final class EndedJobs {
    static final int COUNT = 400;
    static final int KIB = 64;

    private EndedJobs() {}

    public static void main(String[] arguments) throws Exception {
      try (var channel = ZeebeChannel.insecure().address(arguments[0]).build()) {
        workOff(channel);
        long memory = status("VmRSS");
        workOff(channel);
        System.out.println(status("VmRSS") - memory);
      }
    }

    private static void workOff(ZeebeChannel channel) throws Exception {
      var work = new Work(channel);
      var done = new CountDownLatch(COUNT);
      try (var worker =
          channel.newWorker("work", job -> job.complete().thenRun(done::countDown)).open()) {
        String variables = "{\"text\": \"" + "x".repeat(KIB * 1024) + "\"}";
        for (int i = 0; i < COUNT; i++) {
          work.create(variables);
        }
        if (!done.await(40, TimeUnit.SECONDS)) {
          throw new AssertionError(worker.stats());
        }
      }
    }
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void collect(Condition condition) throws Exception {
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.holds()) {
      assertTrue(System.nanoTime() < until, "not collected in a minute");
      System.gc();
      Thread.sleep(20);
    }
  }

  private static long running(ZeebeChannel channel) throws IOException {
    return Gateway.JSON.readTree(channel.stats()).at("/calls/running").asLong(-1);
  }

  private static long status(String name) throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith(name + ":"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
        .findAny()
        .orElseThrow();
  }
}
