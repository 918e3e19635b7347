package org.libzeebe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gateway_protocol.GatewayOuterClass.ActivatedJob;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.HashSet;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Job streams, on a gateway that loses them. */
@Timeout(60)
class JobStreamTest {
  /** Longer than a test: what comes, the stream brought. */
  private static final Duration NEVER = Duration.ofHours(1);

  private Gateway gateway;
  private ZeebeChannel channel;

  @BeforeEach
  void start() throws Exception {
    gateway = new Gateway();
    channel = ZeebeChannel.insecure().address(gateway.address("plaintext")).build();
  }

  @AfterEach
  void stop() throws Exception {
    channel.close();
    assertTrue(channel.awaitTermination(20, TimeUnit.SECONDS));
    gateway.close();
  }

  private int streamsOpened() throws Exception {
    return Gateway.JSON.readTree(gateway.ask("GET", "/counters")).at("/calls/StreamActivatedJobs").asInt();
  }

  private static void takeAll(JobStream<ActivatedJob> jobs, int count, Work work, Set<Long> keys)
      throws InterruptedException {
    for (int i = 0; i < count; i++) {
      ActivatedJob job = jobs.take();
      assertTrue(keys.add(job.getKey()), "twice: " + job.getKey());
      work.complete(job);
    }
  }

  @Test
  void jobsComeOverLostConnections() throws Exception {
    var work = new Work(channel);
    var keys = new HashSet<Long>();
    try (var jobs = Work.stream(channel).pollInterval(NEVER).open()) {
      work.create(50);
      takeAll(jobs, 50, work, keys);
      gateway.ask("POST", "/reset-connections");
      work.create(50);
      takeAll(jobs, 50, work, keys);
    }
    assertTrue(streamsOpened() >= 2, "opened " + streamsOpened() + " times");
  }

  @Test
  void silentStreamIsReplaced() throws Exception {
    var work = new Work(channel);
    var keys = new HashSet<Long>();
    try (var jobs =
        Work.stream(channel).pollInterval(NEVER).watchdog(Duration.ofMillis(200)).open()) {
      work.create(1);
      takeAll(jobs, 1, work, keys);
      gateway.ask("POST", "/mute-streams?on=1");
      work.create(1);
      takeAll(jobs, 1, work, keys);
    }
    assertTrue(streamsOpened() >= 2, "opened " + streamsOpened() + " times");
  }

  @Test
  void pollsFindWhatTheStreamDoesNotBring() throws Exception {
    var work = new Work(channel);
    gateway.ask("POST", "/fail?status=12&count=100000&rpc=StreamActivatedJobs");
    try (var jobs = Work.stream(channel).pollInterval(Duration.ofMillis(50)).open()) {
      work.create(3);
      takeAll(jobs, 3, work, new HashSet<>());
    }
  }

  @Test
  void closeDrains() throws Exception {
    var work = new Work(channel);
    var jobs = Work.stream(channel).open();
    work.create(10);
    while (jobs.waiting() < 10) {
      Thread.onSpinWait();
    }
    jobs.close();
    jobs.close();
    int count = 0;
    for (ActivatedJob job : jobs) {
      work.complete(job);
      count++;
    }
    assertEquals(10, count);
    assertTrue(jobs.isDrained());
    assertNull(jobs.take());
    assertThrows(NoSuchElementException.class, () -> jobs.iterator().next());
  }

  @Test
  void manyMoreThanAreAskedForCome() throws Exception {
    var work = new Work(channel);
    work.create(300);
    try (var jobs = Work.stream(channel).maxBufferedJobs(1).open()) {
      takeAll(jobs, 300, work, new HashSet<>());
    }
  }

  @Test
  void closeEndsAWait() throws Exception {
    var jobs = Work.stream(channel).open();
    var taken = CompletableFuture.supplyAsync(() -> jobs.iterator().hasNext());
    jobs.close();
    assertFalse(taken.get(20, TimeUnit.SECONDS));
  }

  @Test
  void pollDoesNotWaitForEver() throws Exception {
    try (var jobs = Work.stream(channel).open()) {
      long began = System.nanoTime();
      assertNull(jobs.poll(Duration.ofMillis(100)));
      assertTrue(System.nanoTime() - began >= 100_000_000);
      assertNull(jobs.poll(Duration.ZERO));
      assertNull(jobs.poll(Duration.ofSeconds(-1)));
      assertFalse(jobs.isDrained());
    }
  }

  @Test
  void interruptEndsAWaitAndNotTheStream() throws Exception {
    var work = new Work(channel);
    try (var jobs = Work.stream(channel).open()) {
      Thread.currentThread().interrupt();
      assertThrows(InterruptedException.class, jobs::take);
      Thread.currentThread().interrupt();
      var failure = assertThrows(StatusRuntimeException.class, () -> jobs.iterator().hasNext());
      assertEquals(Status.Code.CANCELLED, failure.getStatus().getCode());
      assertTrue(Thread.interrupted());
      work.create(1);
      work.complete(jobs.take());
    }
  }

  private static ZeebeException fails(Status.Code code, JobStream<ActivatedJob> jobs) {
    var failure = assertThrows(StatusRuntimeException.class, jobs::take);
    assertEquals(code, failure.getStatus().getCode());
    return ZeebeException.of(failure).orElseThrow();
  }

  @Test
  void cancelAndTheChannelEndIt() throws Exception {
    var cancelled = Work.stream(channel).open();
    cancelled.cancel();
    cancelled.cancel();
    fails(Status.Code.CANCELLED, cancelled);
    cancelled.close();
    var ended = Work.stream(channel).open();
    channel.close();
    fails(Status.Code.CANCELLED, ended);
    assertTrue(channel.awaitTermination(20, TimeUnit.SECONDS));
    assertThrows(IllegalStateException.class, () -> Work.stream(channel).open());
  }

  @Test
  void whatCannotPassEndsIt() throws Exception {
    gateway.ask("POST", "/fail?status=7&rpc=StreamActivatedJobs&message=not+yours");
    var why = fails(Status.Code.PERMISSION_DENIED, Work.stream(channel).open());
    assertEquals(ZeebeException.Source.GATEWAY, why.source());
    for (int count : new int[] {-1, 0, 100_001}) {
      var refused =
          assertThrows(
              ZeebeException.class, () -> Work.stream(channel).maxBufferedJobs(count).open());
      assertEquals(ZeebeException.Kind.INVALID_ARGUMENT, refused.kind());
    }
  }

  @Test
  void metadataIsSent() throws Exception {
    var metadata = new Metadata();
    metadata.put(Metadata.Key.of("from-stream", Metadata.ASCII_STRING_MARSHALLER), "here");
    var work = new Work(channel);
    try (var jobs = Work.stream(channel).metadata(metadata).open()) {
      work.create(1);
      work.complete(jobs.take());
    }
    assertTrue(gateway.ask("GET", "/calls?last=256").contains("from-stream"));
  }

  @Test
  void longJobsComeWhole() throws Exception {
    var work = new Work(channel);
    String variables = "{\"text\":\"" + "\u2603".repeat(20_000) + "\"}";
    work.create(variables);
    try (var jobs = Work.stream(channel).open()) {
      assertEquals(
          Gateway.JSON.readTree(variables), Gateway.JSON.readTree(jobs.take().getVariables()));
    }
  }
}
