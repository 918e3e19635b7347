package org.libzeebe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientStreamTracer;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.SecurityLevel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import gateway_protocol.GatewayGrpc;
import gateway_protocol.GatewayOuterClass.ActivateJobsRequest;
import gateway_protocol.GatewayOuterClass.ActivateJobsResponse;
import gateway_protocol.GatewayOuterClass.ActivatedJob;
import gateway_protocol.GatewayOuterClass.StreamActivatedJobsRequest;
import gateway_protocol.GatewayOuterClass.TopologyRequest;
import gateway_protocol.GatewayOuterClass.TopologyResponse;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What calls and their options do, beyond what gRPC's interoperability cases see. */
@Timeout(60)
class CallTest {
  private static final TopologyRequest REQUEST = TopologyRequest.getDefaultInstance();

  private static Path log;
  private static Gateway gateway;
  private static ZeebeChannel channel;
  private static GatewayGrpc.GatewayBlockingStub stub;

  @BeforeAll
  static void start() throws Exception {
    log = Files.createTempFile("calls", ".jsonl");
    gateway = new Gateway("--call-log", log.toString());
    channel = ZeebeChannel.insecure().address(gateway.address("plaintext")).build();
    stub = GatewayGrpc.newBlockingStub(channel);
  }

  @AfterAll
  static void stop() throws Exception {
    channel.close();
    assertTrue(channel.awaitTermination(20, TimeUnit.SECONDS));
    gateway.close();
    Files.delete(log);
  }

  /** The end of a call that is driven by hand. */
  private static class Recorder<T> extends ClientCall.Listener<T> {
    final CompletableFuture<Status> end = new CompletableFuture<>();
    final List<T> messages = new ArrayList<>();

    @Override
    public void onMessage(T message) {
      messages.add(message);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      end.complete(status);
    }

    Status await() throws Exception {
      return end.get(20, TimeUnit.SECONDS);
    }
  }

  private static ClientCall<TopologyRequest, TopologyResponse> newCall(CallOptions options) {
    return channel.newCall(GatewayGrpc.getTopologyMethod(), options);
  }

  @Test
  void metadataArrivesBinaryTooAndReservedIsLeftOut() throws Exception {
    var headers = new Metadata();
    headers.put(Metadata.Key.of("plain", Metadata.ASCII_STRING_MARSHALLER), "first");
    headers.put(Metadata.Key.of("plain", Metadata.ASCII_STRING_MARSHALLER), "second");
    byte[] bytes = {0, 1, -1, 'a'};
    headers.put(Metadata.Key.of("raw-bin", Metadata.BINARY_BYTE_MARSHALLER), bytes);
    headers.put(Metadata.Key.of("te", Metadata.ASCII_STRING_MARSHALLER), "nothing");
    stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers)).topology(REQUEST);
    String logged =
        Files.readAllLines(log).stream().filter(line -> line.contains("raw-bin")).findAny().orElseThrow();
    assertTrue(logged.contains("first") && logged.contains("second"), logged);
    assertTrue(logged.contains("AAH/YQ"), logged);
    assertFalse(logged.contains("nothing"), logged);
  }

  @Test
  void deadlineOfOptionsAndOfContextEndTheCall() {
    var jobs = StreamActivatedJobsRequest.newBuilder().setType("none").setTimeout(1000).build();
    long began = System.nanoTime();
    var failure =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                stub.withDeadlineAfter(200, TimeUnit.MILLISECONDS)
                    .streamActivatedJobs(jobs)
                    .hasNext());
    assertEquals(Status.Code.DEADLINE_EXCEEDED, failure.getStatus().getCode());
    assertTrue(System.nanoTime() - began >= 200_000_000);

    try (var scheduler = new Scheduler();
        var context =
            Context.current().withDeadlineAfter(200, TimeUnit.MILLISECONDS, scheduler.service)) {
      var inherited =
          assertThrows(
              StatusRuntimeException.class,
              () -> context.call(() -> stub.streamActivatedJobs(jobs).hasNext()));
      assertEquals(Status.Code.DEADLINE_EXCEEDED, inherited.getStatus().getCode());
    }
  }

  private static final class Scheduler implements AutoCloseable {
    final java.util.concurrent.ScheduledExecutorService service =
        java.util.concurrent.Executors.newSingleThreadScheduledExecutor();

    @Override
    public void close() {
      service.shutdownNow();
    }
  }

  @Test
  void cancelledContextCancelsTheCall() throws Exception {
    var cause = new Exception("enough");
    var context = Context.current().withCancellation();
    var recorder = new Recorder<ActivatedJob>();
    var call = channel.newCall(GatewayGrpc.getStreamActivatedJobsMethod(), CallOptions.DEFAULT);
    context.run(
        () -> {
          call.start(recorder, new Metadata());
          call.request(1);
          call.sendMessage(StreamActivatedJobsRequest.newBuilder().setType("none").setTimeout(1000).build());
          call.halfClose();
        });
    context.cancel(cause);
    Status status = recorder.await();
    assertEquals(Status.Code.CANCELLED, status.getCode());
    assertSame(cause, status.getCause());
  }

  @Test
  void contextThatLivesOnKeepsNoCallThatEnded() throws Exception {
    var context = Context.current().withCancellation();
    WeakReference<Object> ended = endedIn(context);
    collect(ended, "the context keeps the call");
    context.cancel(null);
  }

  private static void collect(WeakReference<?> ended, String otherwise) throws Exception {
    for (int i = 0; ended.get() != null; i++) {
      assertTrue(i < 200, otherwise);
      System.gc();
      Thread.sleep(10);
    }
  }

  /** A call whose message is asked for in a callback. */
  private static WeakReference<Object> endedIn(Context context) throws Exception {
    var end = new CompletableFuture<Status>();
    var call = newCall(CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS));
    var listener =
        new ClientCall.Listener<TopologyResponse>() {
          @Override
          public void onHeaders(Metadata headers) {
            call.request(1);
          }

          @Override
          public void onClose(Status status, Metadata trailers) {
            end.complete(status);
          }
        };
    context.run(
        () -> {
          call.start(listener, new Metadata());
          call.sendMessage(REQUEST);
          call.halfClose();
        });
    assertTrue(end.get(20, TimeUnit.SECONDS).isOk());
    return new WeakReference<>(call);
  }

  @Test
  void cancelKeepsItsMessageAndCause() throws Exception {
    var cause = new Exception("why");
    for (boolean isSent : new boolean[] {false, true}) {
      var recorder = new Recorder<TopologyResponse>();
      var call = newCall(CallOptions.DEFAULT);
      call.start(recorder, new Metadata());
      call.sendMessage(REQUEST);
      if (isSent) {
        call.halfClose();
      }
      call.cancel("no more", cause);
      Status status = recorder.await();
      assertEquals(Status.Code.CANCELLED, status.getCode());
      assertEquals("no more", status.getDescription());
      assertSame(cause, status.getCause());
    }
    var neverStarted = newCall(CallOptions.DEFAULT);
    neverStarted.cancel("before", null);
    assertThrows(
        IllegalStateException.class,
        () -> neverStarted.start(new Recorder<>(), new Metadata()));
  }

  @Test
  void messageWaitsUntilItIsAskedFor() throws Exception {
    var recorder = new Recorder<TopologyResponse>();
    var call = newCall(CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS));
    call.start(recorder, new Metadata());
    call.sendMessage(REQUEST);
    call.halfClose();
    // Its end is known by now, and would be told if it did not wait for the message.
    while (!Gateway.JSON.readTree(channel.stats()).at("/calls/running").asText().equals("0")) {
      Thread.onSpinWait();
    }
    assertThrows(
        java.util.concurrent.TimeoutException.class,
        () -> recorder.end.get(100, TimeUnit.MILLISECONDS));
    assertTrue(recorder.messages.isEmpty());
    call.request(1);
    assertTrue(recorder.await().isOk());
    assertEquals(1, recorder.messages.size());
  }

  @Test
  void unaryCallHasOneRequest() throws Exception {
    var call = newCall(CallOptions.DEFAULT);
    assertThrows(IllegalStateException.class, () -> call.sendMessage(REQUEST));
    assertThrows(IllegalStateException.class, call::halfClose);
    var recorder = new Recorder<TopologyResponse>();
    call.start(recorder, new Metadata());
    call.request(1);
    call.sendMessage(REQUEST);
    assertThrows(IllegalStateException.class, () -> call.sendMessage(REQUEST));
    call.halfClose();
    assertThrows(IllegalStateException.class, () -> call.sendMessage(REQUEST));
    assertThrows(IllegalStateException.class, call::halfClose);
    assertTrue(recorder.await().isOk());
    assertEquals(1, recorder.messages.size());

    var without = newCall(CallOptions.DEFAULT);
    var told = new Recorder<TopologyResponse>();
    without.start(told, new Metadata());
    without.request(1);
    without.halfClose();
    Status status = told.await();
    assertEquals(Status.Code.INTERNAL, status.getCode());
    assertTrue(status.getDescription().contains("without a request"), status::toString);
  }

  @Test
  void onlyRequestOfAStreamEndsItInItsOwnFrame() throws Exception {
    try (var own = new Gateway();
        var channel = ZeebeChannel.insecure().address(own.address("plaintext")).build()) {
      var request = ActivateJobsRequest.newBuilder().setType("none").setWorker("test").setTimeout(1000).setMaxJobsToActivate(1);
      for (int i = 0; i < 20; i++) {
        GatewayGrpc.newBlockingStub(channel)
            .withDeadlineAfter(20, TimeUnit.SECONDS)
            .activateJobs(request.setRequestTimeout(-1).build())
            .forEachRemaining(answer -> {});
      }
      var counters = Gateway.JSON.readTree(own.ask("GET", "/counters"));
      assertEquals(20, counters.at("/calls/ActivateJobs").asInt());
      assertEquals(0, counters.required("empty_data").asInt());
    }
  }

  /** Of which its one request is no matter: as in grpc-java. */
  @Test
  void serverStreamIsNotToldThatItIsReady() throws Exception {
    var ready = new AtomicInteger();
    var recorder =
        new Recorder<ActivateJobsResponse>() {
          @Override
          public void onReady() {
            ready.incrementAndGet();
          }
        };
    var request =
        ActivateJobsRequest.newBuilder().setType("none").setWorker("test").setTimeout(1000).setMaxJobsToActivate(1).setRequestTimeout(-1);
    var call =
        channel.newCall(GatewayGrpc.getActivateJobsMethod(), CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS));
    call.start(recorder, new Metadata());
    call.request(1);
    call.sendMessage(request.build());
    call.halfClose();
    assertTrue(recorder.await().isOk());
    assertEquals(0, ready.get());
  }

  @Test
  void requestBeyondTheChannelsLimitIsRefused() throws Exception {
    var late = new AtomicReference<CallCredentials.MetadataApplier>();
    var asked = new CountDownLatch(1);
    var answersLate =
        new CallCredentials() {
          @Override
          public void applyRequestMetadata(RequestInfo info, Executor executor, MetadataApplier applier) {
            late.set(applier);
            asked.countDown();
          }
        };
    var request = StreamActivatedJobsRequest.newBuilder().setType("none".repeat(10)).setTimeout(1000).build();
    try (var limited =
        ZeebeChannel.insecure()
            .address(gateway.address("plaintext"))
            .option("grpc.max_send_message_length", 20)
            .build()) {
      for (var options : List.of(CallOptions.DEFAULT, CallOptions.DEFAULT.withCallCredentials(answersLate))) {
        var recorder = new Recorder<ActivatedJob>();
        var call = limited.newCall(GatewayGrpc.getStreamActivatedJobsMethod(), options);
        call.start(recorder, new Metadata());
        call.request(1);
        call.sendMessage(request);
        call.halfClose();
        if (options.getCredentials() != null) {
          assertTrue(asked.await(20, TimeUnit.SECONDS));
          late.get().apply(new Metadata());
        }
        assertEquals(Status.Code.RESOURCE_EXHAUSTED, recorder.await().getCode());
      }
    }
  }

  @Test
  void listenerThatThrowsCancelsItsCall() throws Exception {
    var thrown = new IllegalStateException("the listener fails");
    var recorder =
        new Recorder<TopologyResponse>() {
          @Override
          public void onMessage(TopologyResponse message) {
            throw thrown;
          }
        };
    var call = newCall(CallOptions.DEFAULT);
    call.start(recorder, new Metadata());
    call.request(2);
    call.sendMessage(REQUEST);
    call.halfClose();
    Status status = recorder.await();
    assertEquals(Status.Code.CANCELLED, status.getCode());
    assertSame(thrown, status.getCause());
  }

  @Test
  void waitForReadyWaits() throws Exception {
    int port;
    try (var gone = new Gateway()) {
      port = Integer.parseInt(gone.get("plaintext"));
    }
    try (var later = ZeebeChannel.insecure().address("localhost:" + port).build()) {
      var away = GatewayGrpc.newBlockingStub(later).withDeadlineAfter(20, TimeUnit.SECONDS);
      var failure = assertThrows(StatusRuntimeException.class, () -> away.topology(REQUEST));
      assertEquals(Status.Code.UNAVAILABLE, failure.getStatus().getCode());
      assertTrue(ZeebeException.of(failure).orElseThrow().isRetryable());
      var waiting = GatewayGrpc.newFutureStub(later).withWaitForReady().topology(REQUEST);
      try (var back = new Gateway("--plaintext-port", String.valueOf(port))) {
        assertEquals(1, waiting.get(20, TimeUnit.SECONDS).getBrokersCount());
      }
    }
  }

  @Test
  void callCredentialsAreAskedAndTheirFailureEndsTheCall() throws Exception {
    var key = Metadata.Key.of("from-credentials", Metadata.ASCII_STRING_MARSHALLER);
    var seen = new AtomicReference<CallCredentials.RequestInfo>();
    var adds =
        new CallCredentials() {
          @Override
          public void applyRequestMetadata(RequestInfo info, Executor executor, MetadataApplier applier) {
            seen.set(info);
            var added = new Metadata();
            added.put(key, "here");
            executor.execute(() -> applier.apply(added));
          }
        };
    stub.withCallCredentials(adds).topology(REQUEST);
    assertEquals(SecurityLevel.NONE, seen.get().getSecurityLevel());
    assertEquals(channel.authority(), seen.get().getAuthority());
    assertTrue(Files.readString(log).contains("from-credentials"));

    var fails =
        new CallCredentials() {
          @Override
          public void applyRequestMetadata(RequestInfo info, Executor executor, MetadataApplier applier) {
            applier.fail(Status.UNAUTHENTICATED.withDescription("who is it?"));
          }
        };
    var failure =
        assertThrows(
            StatusRuntimeException.class,
            () -> stub.withCallCredentials(fails).topology(REQUEST));
    assertEquals("who is it?", failure.getStatus().getDescription());

    var silent =
        new CallCredentials() {
          @Override
          public void applyRequestMetadata(RequestInfo info, Executor executor, MetadataApplier applier) {}
        };
    var late =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                stub.withCallCredentials(silent)
                    .withDeadlineAfter(100, TimeUnit.MILLISECONDS)
                    .topology(REQUEST));
    assertEquals(Status.Code.DEADLINE_EXCEEDED, late.getStatus().getCode());
  }

  /** Whether its credentials answer at once, later, or not at all. */
  @Test
  void deadlineThatIsFarAwayKeepsNoCallThatEnded() throws Exception {
    for (int when = 0; when < 3; when++) {
      collect(endedWithCredentials(when), "its deadline keeps the call: " + when);
    }
  }

  private static WeakReference<Object> endedWithCredentials(int when) throws Exception {
    var credentials =
        new CallCredentials() {
          @Override
          public void applyRequestMetadata(RequestInfo info, Executor executor, MetadataApplier applier) {
            if (when == 0) {
              applier.apply(new Metadata());
            } else if (when == 1) {
              CompletableFuture.delayedExecutor(20, TimeUnit.MILLISECONDS).execute(() -> applier.apply(new Metadata()));
            }
          }
        };
    var recorder = new Recorder<TopologyResponse>();
    var call =
        newCall(CallOptions.DEFAULT.withDeadlineAfter(1, TimeUnit.HOURS).withCallCredentials(credentials));
    call.start(recorder, new Metadata());
    call.request(2);
    call.sendMessage(REQUEST);
    call.halfClose();
    if (when == 2) {
      call.cancel("no more", null);
    }
    assertEquals(when == 2 ? Status.Code.CANCELLED : Status.Code.OK, recorder.await().getCode());
    return new WeakReference<>(recorder);
  }

  @Test
  void unknownCompressorAndBadMetadataAreRefused() {
    var compressor =
        assertThrows(
            StatusRuntimeException.class,
            () -> stub.withCompression("snappy").topology(REQUEST));
    assertTrue(compressor.getStatus().getDescription().contains("snappy"));
    var headers = new Metadata();
    headers.put(Metadata.Key.of("bad", Metadata.ASCII_STRING_MARSHALLER), "tab\there");
    var metadata =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                    .topology(REQUEST));
    assertEquals(Status.Code.INVALID_ARGUMENT, metadata.getStatus().getCode());
  }

  @Test
  void gzipIsUsed() throws Exception {
    stub.withCompression("gzip").topology(REQUEST);
  }

  @Test
  void shutdownLetsCallsEndAndShutdownNowDoesNot() throws Exception {
    var other = ZeebeChannel.insecure().address(gateway.address("plaintext")).build();
    var request = StreamActivatedJobsRequest.newBuilder().setType("none").setTimeout(1000).build();
    var recorder = new Recorder<ActivatedJob>();
    var call = other.newCall(GatewayGrpc.getStreamActivatedJobsMethod(), CallOptions.DEFAULT);
    ClientCalls.asyncServerStreamingCall(
        call,
        request,
        new io.grpc.stub.StreamObserver<>() {
          @Override
          public void onNext(ActivatedJob job) {}

          @Override
          public void onError(Throwable failure) {
            recorder.end.complete(Status.fromThrowable(failure));
          }

          @Override
          public void onCompleted() {
            recorder.end.complete(Status.OK);
          }
        });
    other.shutdown();
    assertFalse(other.awaitTermination(100, TimeUnit.MILLISECONDS));
    assertFalse(recorder.end.isDone());
    other.shutdownNow();
    assertEquals(Status.Code.CANCELLED, recorder.await().getCode());
    assertTrue(other.awaitTermination(20, TimeUnit.SECONDS));
  }

  @Test
  void directExecutorCallsBackWhileTheCallIsUnlocked() throws Exception {
    try (var direct =
        ZeebeChannel.insecure().address(gateway.address("plaintext")).directExecutor().build()) {
      var lock = new Object();
      var done = new CountDownLatch(1);
      MethodDescriptor<TopologyRequest, TopologyResponse> method = GatewayGrpc.getTopologyMethod();
      var call = direct.newCall(method, CallOptions.DEFAULT);
      call.start(
          new ClientCall.Listener<>() {
            @Override
            public void onHeaders(Metadata headers) {
              synchronized (lock) {
                done.countDown();
              }
            }
          },
          new Metadata());
      call.sendMessage(REQUEST);
      synchronized (lock) {
        call.halfClose();
        call.request(1); // would wait for the call's lock, were it held while the listener waits for ours
        Thread.sleep(100);
        call.request(1);
      }
      assertTrue(done.await(20, TimeUnit.SECONDS));
    }
  }

  /** HTTP allows more in a field's name than grpc-java does. */
  @Test
  void headersThatGrpcJavaHasNoNameForAreLeftOut() throws Exception {
    var odd = List.of("x~y", "1", "-bin", "AA", "kept", "yes");
    var ends = List.of("grpc-status", "0", "!", "2");
    var fails = List.of("x~y", "1", "-bin", "AA", "kept", "yes", "grpc-status", "9");
    var kept = Metadata.Key.of("kept", Metadata.ASCII_STRING_MARSHALLER);
    try (var peer = new Peer(new Peer.Answer(odd, ends), new Peer.Answer(fails, List.of()), new Peer.Answer(odd, ends));
        var channel = ZeebeChannel.insecure().address(peer.address()).build()) {
      var stub = GatewayGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
      var headers = new AtomicReference<Metadata>();
      var trailers = new AtomicReference<Metadata>();
      var captures = MetadataUtils.newCaptureMetadataInterceptor(headers, trailers);
      stub.withInterceptors(captures).topology(REQUEST);
      assertEquals("yes", headers.get().get(kept));
      var failure = assertThrows(StatusRuntimeException.class, () -> stub.topology(REQUEST));
      assertEquals(Status.Code.FAILED_PRECONDITION, failure.getStatus().getCode());
      assertEquals("yes", failure.getTrailers().get(kept));
      var jobs = ActivateJobsRequest.newBuilder().setType("none").build();
      assertEquals(1, read(stub.withInterceptors(captures).activateJobs(jobs)).size());
      assertEquals("yes", headers.get().get(kept));
    }
  }

  private static <T> List<T> read(Iterator<T> answers) {
    var all = new ArrayList<T>();
    answers.forEachRemaining(all::add);
    return all;
  }

  /** What a tracer throws is its own. */
  @Test
  void tracerThatThrowsEndsNoCallAndKeepsNoneFromItsEnd() throws Exception {
    var closed = new AtomicInteger();
    var throwing =
        new ClientStreamTracer() {
          @Override
          public void inboundHeaders(Metadata headers) {
            throw new IllegalStateException("the tracer fails");
          }

          @Override
          public void inboundMessage(int number) {
            throw new AssertionError("the tracer fails");
          }

          @Override
          public void streamClosed(Status status) {
            closed.incrementAndGet();
            throw new IllegalStateException("the tracer fails");
          }
        };
    var traced =
        stub.withInterceptors(tracing(throwing)).withDeadlineAfter(20, TimeUnit.SECONDS);
    assertEquals(1, traced.topology(REQUEST).getBrokersCount());
    var jobs = ActivateJobsRequest.newBuilder().setType("none").setWorker("test").setTimeout(1000);
    assertEquals(0, read(traced.activateJobs(jobs.setMaxJobsToActivate(1).setRequestTimeout(-1).build())).size());
    assertEquals(2, closed.get());
  }

  private static ClientStreamTracer.Factory factory(ClientStreamTracer tracer) {
    return new ClientStreamTracer.Factory() {
      @Override
      public ClientStreamTracer newClientStreamTracer(ClientStreamTracer.StreamInfo info, Metadata headers) {
        return tracer;
      }
    };
  }

  private static ClientInterceptor tracing(ClientStreamTracer tracer) {
    return new ClientInterceptor() {
      @Override
      public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
        return next.newCall(method, options.withStreamTracerFactory(factory(tracer)));
      }
    };
  }

  /** Each time it waits for another thread, which wants something of the call. */
  private static final class WaitingTracer extends ClientStreamTracer {
    final AtomicReference<ClientCall<?, ?>> call = new AtomicReference<>();
    final List<String> told = Collections.synchronizedList(new ArrayList<>());

    private void meanwhile(String what) {
      try {
        CompletableFuture.runAsync(() -> call.get().request(1)).get(5, TimeUnit.SECONDS);
        told.add(what);
      } catch (Exception e) {
        told.add(what + " while the call is locked");
      }
    }

    @Override
    public void outboundHeaders() {
      meanwhile("headers out");
    }

    @Override
    public void outboundMessage(int number) {
      meanwhile("message out");
    }

    @Override
    public void inboundHeaders(Metadata headers) {
      meanwhile("headers in");
    }

    @Override
    public void inboundMessage(int number) {
      meanwhile("message in");
    }

    @Override
    public void streamClosed(Status status) {
      meanwhile("closed " + status.getCode());
    }
  }

  @Test
  void tracersAreToldWhileTheCallIsUnlocked() throws Exception {
    var unary = new WaitingTracer();
    traced(GatewayGrpc.getTopologyMethod(), REQUEST, unary);
    assertEquals(
        List.of("message out", "headers out", "headers in", "message in", "closed OK"), unary.told);
    var stream = new WaitingTracer();
    var jobs = ActivateJobsRequest.newBuilder().setType("none").setWorker("test").setTimeout(1000);
    traced(
        GatewayGrpc.getActivateJobsMethod(),
        jobs.setMaxJobsToActivate(1).setRequestTimeout(-1).build(),
        stream);
    assertEquals(List.of("headers out", "message out", "headers in", "closed OK"), stream.told);
  }

  /** In grpc-java, too, the end of the stream is theirs before it is the listener's. */
  @Test
  void tracersLearnOfTheEndBeforeTheListenerHoweverSlowTheyAre() throws Exception {
    var answer = new Peer.Answer(List.of(), List.of("grpc-status", "0"));
    try (var peer = new Peer(answer);
        var other = ZeebeChannel.insecure().address(peer.address()).build()) {
      var jobs = ActivateJobsRequest.newBuilder().setType("none").build();
      assertEquals(List.of("tracer", "listener"), ends(other, GatewayGrpc.getTopologyMethod(), REQUEST));
      assertEquals(List.of("tracer", "listener"), ends(other, GatewayGrpc.getActivateJobsMethod(), jobs));
    }
  }

  /** Who is told of a call's end, in order, while its tracer waits until all has come: what is answered after it has. */
  private static <Q, A> List<String> ends(ZeebeChannel channel, MethodDescriptor<Q, A> method, Q request)
      throws Exception {
    var stub = GatewayGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
    stub.topology(REQUEST); // there is a connection, on which one is answered after the other
    var ends = Collections.synchronizedList(new ArrayList<String>());
    var call = new AtomicReference<ClientCall<Q, A>>();
    var tracer =
        new ClientStreamTracer() {
          @Override
          public void outboundMessage(int number) {
            call.get().halfClose();
            if (!channel.queue().isReader()) { // which would wait for itself
              stub.topology(REQUEST);
            }
          }

          @Override
          public void streamClosed(Status status) {
            ends.add("tracer");
          }
        };
    var recorder =
        new Recorder<A>() {
          @Override
          public void onClose(Status status, Metadata trailers) {
            ends.add("listener");
            super.onClose(status, trailers);
          }
        };
    var options = CallOptions.DEFAULT.withExecutor(Runnable::run).withStreamTracerFactory(factory(tracer));
    call.set(channel.newCall(method, options));
    call.get().start(recorder, new Metadata());
    call.get().request(2);
    call.get().sendMessage(request);
    assertTrue(recorder.await().isOk());
    return ends;
  }

  private static <Q, A> void traced(MethodDescriptor<Q, A> method, Q request, WaitingTracer tracer)
      throws Exception {
    var recorder = new Recorder<A>();
    var call = channel.newCall(method, CallOptions.DEFAULT.withStreamTracerFactory(factory(tracer)));
    tracer.call.set(call);
    call.start(recorder, new Metadata());
    call.request(2);
    call.sendMessage(request);
    call.halfClose();
    assertTrue(recorder.end.get(50, TimeUnit.SECONDS).isOk());
  }
}
