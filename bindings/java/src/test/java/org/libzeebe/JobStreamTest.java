package org.libzeebe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gateway_protocol.GatewayGrpc;
import gateway_protocol.GatewayOuterClass.ActivatedJob;
import gateway_protocol.GatewayOuterClass.StreamActivatedJobsRequest;
import gateway_protocol.GatewayOuterClass.TopologyRequest;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
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

  private int calls(String rpc) throws Exception {
    return Gateway.JSON.readTree(gateway.ask("GET", "/counters")).at("/calls/" + rpc).asInt();
  }

  private int streamsOpened() throws Exception {
    return calls("StreamActivatedJobs");
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
      try {
        work.create(1);
      } catch (StatusRuntimeException e) {
        // It was sent over the one that is lost, before the library knew.
        assertEquals(Status.Code.UNAVAILABLE, e.getStatus().getCode());
        work.create(1);
      }
      work.create(49);
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

  /** What waits here counts, too. */
  @Test
  void noMoreComeThanMayWait() throws Exception {
    var work = new Work(channel);
    work.create(40);
    try (var jobs =
        Work.stream(channel).maxBufferedJobs(4).pollInterval(Duration.ofMillis(10)).open()) {
      while (jobs.waiting() < 4) {
        Thread.onSpinWait();
      }
      Thread.sleep(100); // many polls are due by now, but for what waits
      var came = Gateway.JSON.readTree(channel.stats()).at("/job_streams");
      int count = came.at("/pushed").asInt() + came.at("/polled").asInt();
      assertTrue(count <= 5, count + " jobs came");
      takeAll(jobs, 40, work, new HashSet<>());
    }
  }

  @Test
  void messagesThatMayWaitAreAnOptionOfACall() throws Exception {
    var work = new Work(channel);
    work.create(100);
    var request =
        StreamActivatedJobsRequest.newBuilder()
            .setType("work")
            .setWorker("test")
            .setTimeout(60_000)
            .build();
    var stub = GatewayGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
    var jobs =
        stub.withOption(ZeebeChannel.MAX_BUFFERED_MESSAGES, 1)
            .withOption(ZeebeChannel.MAX_BUFFERED_BYTES, 1)
            .streamActivatedJobs(request);
    var keys = new HashSet<Long>();
    while (keys.size() < 100) {
      assertTrue(keys.add(jobs.next().getKey()));
    }
    var refused =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                stub.withOption(ZeebeChannel.MAX_BUFFERED_MESSAGES, -1)
                    .streamActivatedJobs(request)
                    .next());
    assertEquals(Status.Code.INVALID_ARGUMENT, refused.getStatus().getCode());
  }

  /** By callbacks on the thread that takes events, by others, and by a thread of its own. */
  @Test
  void whoAsksForOneMessageAtATimeGetsAllOfThem() throws Exception {
    for (boolean isDirect : new boolean[] {true, false}) {
      for (boolean asksInCallbacks : new boolean[] {true, false}) {
        // Of its own: a job may go to a stream before that was ended a moment ago.
        try (var own = new Gateway()) {
          var builder = ZeebeChannel.insecure().address(own.address("plaintext"));
          try (var through = isDirect ? builder.directExecutor().build() : builder.build()) {
            takeOneByOne(through, asksInCallbacks);
          }
        }
      }
    }
  }

  private static void takeOneByOne(ZeebeChannel channel, boolean asksInCallbacks)
      throws Exception {
    var came = new LinkedBlockingQueue<ActivatedJob>();
    var asking = new AtomicReference<Runnable>(() -> {});
    var call =
        jobsOneByOne(
            channel,
            job -> {
              came.add(job);
              if (asksInCallbacks) {
                asking.get().run();
              }
            });
    asking.set(() -> call.request(1));
    new Work(channel).create(100);
    takeAll(came, asksInCallbacks ? () -> {} : asking.get());
    call.cancel("all came", null);
  }

  /** A call's messages are asked for in the callbacks of another, which are those of the thread that takes events. */
  @Test
  void whoAsksForAnotherCallsMessagesGetsAllOfThem() throws Exception {
    var work = new Work(channel);
    try (var direct =
        ZeebeChannel.insecure().address(gateway.address("plaintext")).directExecutor().build()) {
      var came = new LinkedBlockingQueue<ActivatedJob>();
      var call = jobsOneByOne(direct, came::add);
      Runnable askInCallback =
          () -> {
            var other = direct.newCall(GatewayGrpc.getTopologyMethod(), CallOptions.DEFAULT);
            other.start(
                new ClientCall.Listener<>() {
                  @Override
                  public void onClose(Status status, Metadata trailers) {
                    call.request(1);
                  }
                },
                new Metadata());
            other.sendMessage(TopologyRequest.getDefaultInstance());
            other.halfClose();
            other.request(1);
          };
      work.create(100);
      takeAll(came, askInCallback);
      call.cancel("all came", null);
    }
  }

  /** A stream of which one message may wait; the first one is asked for. */
  private static ClientCall<StreamActivatedJobsRequest, ActivatedJob> jobsOneByOne(
      ZeebeChannel channel, Consumer<ActivatedJob> handler) {
    var options = CallOptions.DEFAULT.withOption(ZeebeChannel.MAX_BUFFERED_MESSAGES, 1);
    var call = channel.newCall(GatewayGrpc.getStreamActivatedJobsMethod(), options);
    call.start(
        new ClientCall.Listener<>() {
          @Override
          public void onMessage(ActivatedJob job) {
            handler.accept(job);
          }
        },
        new Metadata());
    call.request(1);
    call.sendMessage(
        StreamActivatedJobsRequest.newBuilder()
            .setType("work")
            .setWorker("test")
            .setTimeout(60_000)
            .build());
    call.halfClose();
    return call;
  }

  private static void takeAll(BlockingQueue<ActivatedJob> came, Runnable ask) throws Exception {
    var keys = new HashSet<Long>();
    while (keys.size() < 100) {
      ActivatedJob job = came.poll(20, TimeUnit.SECONDS);
      assertNotNull(job, "after " + keys.size());
      assertTrue(keys.add(job.getKey()));
      ask.run();
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
      var bytes =
          assertThrows(
              ZeebeException.class,
              () -> Work.stream(channel).maxBufferedBytes(Math.min(count, 0)).open());
      assertEquals("maxBufferedBytes()", bytes.option().orElseThrow());
    }
  }

  /** What a stream goes on after. */
  private record Failure(Status.Code status, long inARow, Duration pause) {}

  private static JobStreamListener into(BlockingQueue<Failure> failures) {
    return (error, inARow, pause) ->
        failures.add(new Failure(error.status().getCode(), inARow, pause));
  }

  private static Failure next(BlockingQueue<Failure> failures) throws InterruptedException {
    Failure failure = failures.poll(20, TimeUnit.SECONDS);
    assertNotNull(failure, "no failure was told");
    return failure;
  }

  @Test
  void whatItGoesOnAfterIsTold() throws Exception {
    var work = new Work(channel);
    var faults =
        Map.of(
            "fault?kind=http&status=404", Status.Code.UNIMPLEMENTED,
            "fault?kind=http&status=200&content_type=text/html", Status.Code.UNKNOWN,
            "fault?kind=rst&at=data&reason=2", Status.Code.INTERNAL,
            "fail?status=13", Status.Code.INTERNAL);
    for (var fault : faults.entrySet()) {
      var failures = new LinkedBlockingQueue<Failure>();
      gateway.ask("POST", "/" + fault.getKey() + "&count=2&rpc=StreamActivatedJobs");
      try (var jobs = Work.stream(channel).pollInterval(NEVER).onError(into(failures)).open()) {
        for (long i = 1; i <= 2; i++) {
          Failure told = next(failures);
          assertEquals(fault.getValue(), told.status, fault.getKey());
          assertEquals(i, told.inARow, fault.getKey());
          assertTrue(told.pause.toMillis() > 0, fault.getKey());
        }
        work.create(1);
        work.complete(jobs.take());
        assertTrue(failures.isEmpty(), fault.getKey());
      }
    }
  }

  @Test
  void listenerMayEndTheStream() throws Exception {
    gateway.ask("POST", "/fail?status=13&count=100000&rpc=StreamActivatedJobs");
    var stream = new CompletableFuture<JobStream<ActivatedJob>>();
    var cancelled =
        Work.stream(channel).pollInterval(NEVER).onError((error, inARow, pause) -> stream.join().cancel()).open();
    stream.complete(cancelled);
    fails(Status.Code.CANCELLED, cancelled);

    var another = new CompletableFuture<JobStream<ActivatedJob>>();
    var closed =
        Work.stream(channel).pollInterval(NEVER).onError((error, inARow, pause) -> another.join().close()).open();
    another.complete(closed);
    assertNull(closed.take());
  }

  @Test
  void listenerThatThrowsChangesNothing() throws Exception {
    var work = new Work(channel);
    gateway.ask("POST", "/fail?status=13&count=3&rpc=StreamActivatedJobs");
    var failures = new LinkedBlockingQueue<Failure>();
    JobStreamListener throwing =
        (error, inARow, pause) -> {
          into(failures).onError(error, inARow, pause);
          if (inARow == 1) {
            throw new IllegalStateException("on purpose");
          }
          if (inARow == 2) {
            throw new LinkageError("on purpose");
          }
        };
    try (var jobs = Work.stream(channel).pollInterval(NEVER).onError(throwing).open()) {
      for (long i = 1; i <= 3; i++) {
        assertEquals(i, next(failures).inARow);
      }
      work.create(1);
      work.complete(jobs.take());
    }
  }

  /** One that blocks holds up no job, and hears of the last ones. */
  @Test
  void slowListenerIsToldOfTheLast() throws Exception {
    var work = new Work(channel);
    int count = 40;
    gateway.ask("POST", "/fail?status=13&count=" + count + "&rpc=ActivateJobs");
    var failures = new LinkedBlockingQueue<Failure>();
    var released = new CompletableFuture<Void>();
    JobStreamListener slow =
        (error, inARow, pause) -> {
          into(failures).onError(error, inARow, pause);
          released.join();
        };
    try (var jobs = Work.stream(channel).pollInterval(Duration.ofMillis(20)).onError(slow).open()) {
      assertEquals(1, next(failures).inARow);
      // A poll that succeeds comes after the last that fails.
      while (calls("ActivateJobs") <= count) {
        Thread.sleep(10);
      }
      work.create(1);
      work.complete(jobs.take());
      released.complete(null);
      for (long i = count - 15; i <= count; i++) {
        assertEquals(i, next(failures).inARow);
      }
    } finally {
      released.complete(null);
    }
  }

  @Test
  void listenerRunsOnTheChannelsExecutor() throws Exception {
    var own =
        ZeebeChannel.insecure()
            .address(gateway.address("plaintext"))
            .executor(task -> new Thread(task, "the program's").start())
            .build();
    gateway.ask("POST", "/fail?status=13&rpc=StreamActivatedJobs");
    var told = new CompletableFuture<String>();
    try (var jobs =
        Work.stream(own)
            .pollInterval(NEVER)
            .onError((error, inARow, pause) -> told.complete(Thread.currentThread().getName()))
            .open()) {
      assertEquals("the program's", told.get(20, TimeUnit.SECONDS));
    } finally {
      own.close();
      assertTrue(own.awaitTermination(20, TimeUnit.SECONDS));
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
