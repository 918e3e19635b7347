package org.libzeebe;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.SecurityLevel;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A channel to a Zeebe gateway, for any stub that grpc-java generated.
 *
 * <pre>{@code
 * try (var channel = ZeebeChannel.fromEnvironment().build()) {
 *   var gateway = GatewayGrpc.newBlockingStub(channel);
 *   System.out.println(gateway.topology(TopologyRequest.getDefaultInstance()));
 * }
 * }</pre>
 *
 * <p>It connects with the first call. Close it when it is not used any more; one that is forgotten is closed when it is
 * collected. All its threads are daemons, so an open channel keeps no program from ending. Any thread may use it.
 *
 * <p>A stream of a blocking stub that nobody holds any more is cancelled when it is collected. An asynchronous call goes on, as
 * everywhere in grpc-java, until it ends, its deadline passes or it is cancelled.
 */
public final class ZeebeChannel extends ManagedChannel implements AutoCloseable {
  /**
   * How many messages of a stream, 1 to 100 000, may have come that the program has not asked for; by default, or 0, 8192. When so
   * many wait, the stream is read on once half of them were taken.
   */
  public static final CallOptions.Key<Integer> MAX_BUFFERED_MESSAGES =
      CallOptions.Key.createWithDefault("max-buffered-messages", 0);

  /** The same in bytes, of which each message has 256 more; by default, or 0, 2 MiB. One message always may wait. */
  public static final CallOptions.Key<Integer> MAX_BUFFERED_BYTES =
      CallOptions.Key.createWithDefault("max-buffered-bytes", 0);

  private static final System.Logger LOGGER = System.getLogger(ZeebeChannel.class.getName());
  static final ConnectivityState[] STATES = {
    ConnectivityState.IDLE,
    ConnectivityState.CONNECTING,
    ConnectivityState.READY,
    ConnectivityState.TRANSIENT_FAILURE,
    ConnectivityState.SHUTDOWN
  };
  private static final Pattern TARGET =
      Pattern.compile("\"target\":\"(?:(?:dns|ipv[46]):(?://[^/]*/)?)?([^\"]*)\"");
  private static final Pattern AUTHORITY =
      Pattern.compile("\"key\":\"grpc.default_authority\",\"value\":\"([^\"]*)\"");

  private final CompletionQueue queue;
  private final Handle handle;
  private final Executor executor;
  private final String authority;
  private final SecurityLevel securityLevel;
  private final CompletableFuture<Void> terminated = new CompletableFuture<>();
  /** Kept until they have ended: a program that holds the channel need not hold them. */
  private final Set<JobWorker> workers = ConcurrentHashMap.newKeySet();

  private volatile boolean shutdown;

  /** Takes over the native channel, and one use of the queue. */
  ZeebeChannel(long pointer, CompletionQueue queue, Executor executor) {
    this.queue = queue;
    this.executor = executor == null ? queue.executor() : executor;
    handle = new Handle(this, pointer, queue, Native::channelFree);
    String description = describe();
    securityLevel =
        description.contains("\"security\":\"plaintext\"")
            ? SecurityLevel.NONE
            : SecurityLevel.PRIVACY_AND_INTEGRITY;
    Matcher given = AUTHORITY.matcher(description);
    Matcher target = TARGET.matcher(description);
    authority = given.find() ? given.group(1) : target.find() ? target.group(1) : "";
  }

  /**
   * A channel without TLS: for a laptop.
   *
   * @return its builder
   */
  public static ZeebeChannelBuilder.Insecure insecure() {
    return new ZeebeChannelBuilder.Insecure();
  }

  /**
   * A channel over TLS, with any credentials.
   *
   * @return its builder
   */
  public static ZeebeChannelBuilder.Secure secure() {
    return new ZeebeChannelBuilder.Secure();
  }

  /**
   * A channel whose every call carries an OAuth2 client-credentials token: Camunda 8 Self-Managed.
   *
   * @return its builder
   */
  public static ZeebeChannelBuilder.OAuth2 oauth2() {
    return new ZeebeChannelBuilder.OAuth2();
  }

  /**
   * A channel to a cluster in Camunda's cloud.
   *
   * @return its builder
   */
  public static ZeebeChannelBuilder.CamundaCloud camundaCloud() {
    return new ZeebeChannelBuilder.CamundaCloud();
  }

  /**
   * One of the four, by environment variables alone, those of Camunda's official clients too: see the project's docs/moving.md. {@link
   * #describe} has those that are set and not used.
   *
   * @return its builder
   */
  public static ZeebeChannelBuilder.FromEnvironment fromEnvironment() {
    return new ZeebeChannelBuilder.FromEnvironment();
  }

  /**
   * The version of the native library.
   *
   * @return such as {@code 0.1.0}
   */
  public static String libraryVersion() {
    NativeLibrary.require();
    return new String(Native.version(), StandardCharsets.UTF_8);
  }

  @Override
  public <RequestT, ResponseT> ClientCall<RequestT, ResponseT> newCall(
      MethodDescriptor<RequestT, ResponseT> method, CallOptions options) {
    Executor given = options.getExecutor();
    Executor callbacks = given == null ? executor : given;
    return method.getType() == MethodDescriptor.MethodType.UNARY
        ? new UnaryCall<>(this, method, options, callbacks)
        : new StreamCall<>(this, method, options, callbacks);
  }

  /**
   * Streams the jobs of one type, for as long as the program wants: over lost connections, streams that stall, and a gateway that
   * has no job streams.
   *
   * @param <RequestT> the generated {@code StreamActivatedJobsRequest}
   * @param <JobT> the generated {@code ActivatedJob}
   * @param method {@code GatewayGrpc.getStreamActivatedJobsMethod()}; it reads and writes the messages
   * @param request which jobs
   * @return what opens the stream
   */
  public <RequestT, JobT> JobStreamBuilder<JobT> streamJobs(
      MethodDescriptor<RequestT, JobT> method, RequestT request) {
    return new JobStreamBuilder<>(this, method, request);
  }

  /**
   * Works on the jobs of one type, each ended once, for as long as the program wants.
   *
   * @param type of the jobs
   * @param handler works on each, several at once
   * @return what starts the worker
   */
  public JobWorkerBuilder newWorker(String type, JobHandler handler) {
    return new JobWorkerBuilder(this, type, handler);
  }

  @Override
  public String authority() {
    return authority;
  }

  /**
   * The channel's settings with their origin, its options and its token's state, as JSON. No secret is in it.
   *
   * @return a JSON object
   * @throws IllegalStateException the channel has terminated
   */
  public String describe() {
    return json(false);
  }

  /**
   * Counters of what happened since the channel was made, as JSON: calls by status, connections, tokens.
   *
   * @return a JSON object
   * @throws IllegalStateException the channel has terminated
   */
  public String stats() {
    return json(true);
  }

  /**
   * The same of several channels as Prometheus reads it, text format 0.0.4, with the labels {@code channel}, its place among them from 0,
   * and {@code grpc_target}. Give it all channels of a program, in the same order each time: each metric is described once in a text.
   *
   * @param channels none that has terminated
   * @return the text
   * @throws IllegalStateException a channel has terminated
   */
  public static String prometheus(Collection<ZeebeChannel> channels) {
    List<ZeebeChannel> all = List.copyOf(channels);
    long[] pointers = new long[all.size()];
    int acquired = 0;
    try {
      while (acquired < pointers.length) {
        pointers[acquired] = all.get(acquired).acquire();
        acquired++;
      }
      byte[][] out = new byte[1][];
      ZeebeException.check(Native.channelsPrometheus(pointers, out));
      return new String(out[0], StandardCharsets.UTF_8);
    } finally {
      all.subList(0, acquired).forEach(channel -> channel.handle.release());
    }
  }

  private String json(boolean stats) {
    long pointer = acquire();
    try {
      byte[][] out = new byte[1][];
      ZeebeException.check(Native.channelDescribe(pointer, stats, out));
      return new String(out[0], StandardCharsets.UTF_8);
    } finally {
      handle.release();
    }
  }

  /**
   * Fetches a token for an OAuth channel, even if there is a good one; needs no gateway.
   *
   * @return completes once there is one, else with a {@link ZeebeException}
   * @throws ZeebeException ILLEGAL_STATE: the channel has no OAuth
   */
  public CompletableFuture<Void> retrieveToken() {
    long pointer = acquire();
    var done = new Completion(queue);
    long id = queue.register(done);
    try {
      done.started(id, Native.channelRetrieveToken(pointer, queue.handle(), id));
    } finally {
      handle.release();
    }
    return done.future();
  }

  @Override
  public ConnectivityState getState(boolean requestConnection) {
    long pointer = handle.acquire();
    if (pointer == 0) {
      return ConnectivityState.SHUTDOWN;
    }
    try {
      long[] out = new long[1];
      ZeebeException.check(Native.channelGetState(pointer, requestConnection, out));
      return STATES[(int) out[0]];
    } finally {
      handle.release();
    }
  }

  @Override
  public void notifyWhenStateChanged(ConnectivityState source, Runnable callback) {
    long pointer = handle.acquire();
    if (pointer == 0) {
      if (source != ConnectivityState.SHUTDOWN) {
        executor.execute(callback);
      }
      return;
    }
    try {
      int last = java.util.Arrays.asList(STATES).indexOf(source);
      Runnable once = once(callback);
      long id = queue.register(event -> executor.execute(once));
      long error = Native.channelWaitForStateChange(pointer, last, queue.handle(), id);
      if (error != 0) {
        queue.forget(id);
        ZeebeException.check(error);
      }
    } finally {
      handle.release();
    }
  }

  /**
   * That has begun is not run again: a direct executor throws what it throws, and who could not receive an event is told of its end,
   * for an executor that refused it may take it then.
   */
  private static Runnable once(Runnable callback) {
    var begun = new AtomicBoolean();
    return () -> {
      if (begun.compareAndSet(false, true)) {
        callback.run();
      }
    };
  }

  /** Refuses new calls; running ones go on. */
  @Override
  public ZeebeChannel shutdown() {
    end(-1);
    return this;
  }

  /** Refuses new calls and cancels running ones. */
  @Override
  public ZeebeChannel shutdownNow() {
    end(0);
    return this;
  }

  private void end(long graceMillis) {
    shutdown = true;
    long pointer = handle.acquire();
    if (pointer == 0) {
      return;
    }
    try {
      long id =
          queue.register(
              event -> {
                handle.close();
                terminated.complete(null);
              });
      long error = Native.channelClose(pointer, graceMillis, queue.handle(), id);
      if (error != 0) {
        queue.forget(id);
        LOGGER.log(System.Logger.Level.WARNING, "close failed", ZeebeException.take(error));
        handle.close();
        terminated.complete(null);
      }
    } finally {
      handle.release();
    }
  }

  /** As {@link #shutdownNow}; does not wait, and may be repeated. */
  @Override
  public void close() {
    shutdownNow();
  }

  @Override
  public boolean isShutdown() {
    return shutdown;
  }

  @Override
  public boolean isTerminated() {
    return terminated.isDone();
  }

  @Override
  public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
    try {
      terminated.get(timeout, unit);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public String toString() {
    return "ZeebeChannel[" + authority + "]";
  }

  Handle handle() {
    return handle;
  }

  Set<JobWorker> workers() {
    return workers;
  }

  CompletionQueue queue() {
    return queue;
  }

  Executor executor() {
    return executor;
  }

  SecurityLevel securityLevel() {
    return securityLevel;
  }

  /** To be paired with a release of the handle. */
  long acquire() {
    long pointer = handle.acquire();
    if (pointer == 0) {
      throw new IllegalStateException("the channel has terminated");
    }
    return pointer;
  }
}
