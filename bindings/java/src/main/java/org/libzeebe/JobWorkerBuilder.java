package org.libzeebe;

import io.grpc.Metadata;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/** Starts a {@link JobWorker}; what is not set has its default. Durations are rounded up to milliseconds. */
public final class JobWorkerBuilder {
  private static final int NONE = -1;

  private final ZeebeChannel channel;
  private final String type;
  private final JobHandler handler;
  private final Metadata metadata = new Metadata();
  private Executor executor;
  private JobStreamListener errorListener;
  private Consumer<? super ZeebeException> closeListener;
  private String workerName;
  private List<String> fetchVariables = List.of();
  private List<String> tenantIds = List.of();
  private int maxJobsActive;
  private int handlersAtOnce;
  private boolean pollsAlone;
  private boolean extendTimeout;
  private boolean leaveDroppedJobs;
  private boolean forwardTraceContext;
  private Duration jobTimeout;
  private Duration watchdog;
  private Duration streamTimeout;
  private Duration pollInterval;
  private Duration requestTimeout;
  private Duration backoffMin;
  private Duration backoffMax;
  private int backoffFactor;
  private int backoffJitter;
  private Duration retryBackoff;
  private Duration grace;

  JobWorkerBuilder(ZeebeChannel channel, String type, JobHandler handler) {
    this.channel = channel;
    this.type = Objects.requireNonNull(type, "type");
    this.handler = Objects.requireNonNull(handler, "handler");
  }

  /**
   * Where handlers run; by default each on a virtual thread, where the JVM has them (Java 21), else on daemon threads, as many as needed.
   *
   * <p>{@link #handlersAtOnce} should be no more than it runs at once: a job that waits in it counts as worked on. One that it refuses goes
   * back to the gateway for a second, with its retries.
   *
   * @param executor the program's, which the worker does not shut down; null: the default
   * @return this
   */
  public JobWorkerBuilder executor(Executor executor) {
    this.executor = executor;
    return this;
  }

  /**
   * Tells of each failure of the worker's stream and polls that the worker goes on after. Runs on the channel's executor, never beside
   * itself; of those that wait for a slow listener the last 16 are told.
   *
   * @param listener by default, or null, nobody
   * @return this
   */
  public JobWorkerBuilder onError(JobStreamListener listener) {
    errorListener = listener;
    return this;
  }

  /**
   * Tells of the worker's end: once, behind all failures, on the channel's executor.
   *
   * @param listener gets why, as {@link JobWorker#ended} has it; null after a close that all jobs ended in
   * @return this
   */
  public JobWorkerBuilder onClose(Consumer<? super ZeebeException> listener) {
    closeListener = listener;
    return this;
  }

  /**
   * What the gateway calls the worker.
   *
   * @param name by default, or null, {@code libzeebe}
   * @return this
   */
  public JobWorkerBuilder workerName(String name) {
    workerName = name;
    return this;
  }

  /**
   * How long a job is this worker's; then the gateway gives it to another.
   *
   * @param timeout more than nothing; by default, or null, five minutes (300 s)
   * @return this
   */
  public JobWorkerBuilder jobTimeout(Duration timeout) {
    jobTimeout = timeout;
    return this;
  }

  /**
   * Jobs that are here at most, from their arrival until their end is known: a slow worker leaves the rest with the gateway, but for what
   * fills the stream's window ({@code grpc.http2.lookahead_bytes}).
   *
   * @param count 1 to 100 000; by default 32
   * @return this
   */
  public JobWorkerBuilder maxJobsActive(int count) {
    maxJobsActive = count == 0 ? -1 : count;
    return this;
  }

  /**
   * Of those, how many handlers have at once: jobs that have not ended, also those that are ended later. The others wait.
   *
   * @param count 1 to 100 000; by default as many as may be active
   * @return this
   */
  public JobWorkerBuilder handlersAtOnce(int count) {
    handlersAtOnce = count == 0 ? -1 : count;
    return this;
  }

  /**
   * The names of the variables that jobs have.
   *
   * @param names in place of what was given before; none: all
   * @return this
   */
  public JobWorkerBuilder fetchVariables(String... names) {
    fetchVariables = List.of(names);
    return this;
  }

  /**
   * The tenants whose jobs come.
   *
   * @param ids in place of what was given before; none: the default tenant's
   * @return this
   */
  public JobWorkerBuilder tenantIds(String... ids) {
    tenantIds = List.of(ids);
    return this;
  }

  /**
   * No stream of jobs is opened, ActivateJobs alone brings them.
   *
   * @return this
   */
  public JobWorkerBuilder pollsAlone() {
    pollsAlone = true;
    return this;
  }

  /**
   * Half of a job's time before its time-out passes while it is worked on, UpdateJobTimeout asks for as much anew: see {@link
   * Job#deadline}. A gateway without that call is not asked again.
   *
   * @return this
   */
  public JobWorkerBuilder extendTimeout() {
    extendTimeout = true;
    return this;
  }

  /**
   * A job that the program drops without an end is left to its time-out, and does not fail.
   *
   * @return this
   */
  public JobWorkerBuilder leaveDroppedJobs() {
    leaveDroppedJobs = true;
    return this;
  }

  /**
   * {@code traceparent}, {@code tracestate} and {@code baggage} of a job's headers are metadata of the call that ends it.
   *
   * @return this
   */
  public JobWorkerBuilder forwardTraceContext() {
    forwardTraceContext = true;
    return this;
  }

  /**
   * A stream that brought no job for so long is opened anew.
   *
   * @param silence more than nothing; by default, or null, a minute
   * @return this
   */
  public JobWorkerBuilder watchdog(Duration silence) {
    watchdog = silence;
    return this;
  }

  /**
   * A stream is opened anew after so long, whatever it brings: so the streams of many workers spread over gateways that come and go.
   *
   * @param timeout more than nothing; by default, or null, it is not
   * @return this
   */
  public JobWorkerBuilder streamTimeout(Duration timeout) {
    streamTimeout = timeout;
    return this;
  }

  /**
   * How often ActivateJobs looks for jobs that the stream did not bring; with {@link #pollsAlone} from the beginning of one that found
   * nothing to the next.
   *
   * @param interval more than nothing; by default, or null, ten seconds
   * @return this
   */
  public JobWorkerBuilder pollInterval(Duration interval) {
    pollInterval = interval;
    return this;
  }

  /**
   * How long the gateway may hold an ActivateJobs while it has no jobs (with {@link #pollsAlone}), and until the call that ends a job is
   * sent again.
   *
   * @param timeout more than nothing; by default, or null, ten seconds
   * @return this
   */
  public JobWorkerBuilder requestTimeout(Duration timeout) {
    requestTimeout = timeout;
    return this;
  }

  /**
   * The first pause after a poll that failed, or before an end is sent again.
   *
   * @param pause more than nothing; by default, or null, 50 ms
   * @return this
   */
  public JobWorkerBuilder backoffMin(Duration pause) {
    backoffMin = pause;
    return this;
  }

  /**
   * The longest of these pauses.
   *
   * @param pause more than nothing; by default, or null, 5 s
   * @return this
   */
  public JobWorkerBuilder backoffMax(Duration pause) {
    backoffMax = pause;
    return this;
  }

  /**
   * What a pause is to the one before.
   *
   * @param percent 100 to 1000; by default 160
   * @return this
   */
  public JobWorkerBuilder backoffFactor(int percent) {
    backoffFactor = percent == 0 ? -1 : percent;
    return this;
  }

  /**
   * How far a pause may be off, by chance.
   *
   * @param percent 0 to 100; by default 10
   * @return this
   */
  public JobWorkerBuilder backoffJitter(int percent) {
    backoffJitter = percent <= 0 ? percent + NONE : percent;
    return this;
  }

  /**
   * Of a job that fails, until it comes again, unless its end says it.
   *
   * @param backoff more than nothing; by default, or null, it comes at once
   * @return this
   */
  public JobWorkerBuilder retryBackoff(Duration backoff) {
    retryBackoff = backoff;
    return this;
  }

  /**
   * How long {@link JobWorker#close} waits for jobs that are worked on.
   *
   * @param grace zero: not at all; by default, or null, ten seconds
   * @return this
   */
  public JobWorkerBuilder grace(Duration grace) {
    this.grace = grace;
    return this;
  }

  /**
   * Sent with every call.
   *
   * @param metadata added to what was given before
   * @return this
   */
  public JobWorkerBuilder metadata(Metadata metadata) {
    this.metadata.merge(metadata);
    return this;
  }

  /**
   * Starts the worker; does not wait for the gateway.
   *
   * @return the worker, to be closed before its channel
   * @throws ZeebeException INVALID_ARGUMENT: an option is out of range
   * @throws IllegalStateException the channel was closed
   */
  public JobWorker open() {
    long pointer = channel.acquire();
    try (var arguments = arguments()) {
      var worker = new JobWorker(channel, type, handler, executor, errorListener, closeListener);
      worker.start(pointer, arguments);
      return worker;
    } finally {
      channel.handle().release();
    }
  }

  private Arguments arguments() {
    var arguments =
        new Arguments()
            .text(type)
            .text(workerName)
            .millis("jobTimeout()", jobTimeout)
            .number(maxJobsActive)
            .number(handlersAtOnce)
            .flag(pollsAlone)
            .flag(extendTimeout)
            .flag(leaveDroppedJobs)
            .flag(forwardTraceContext)
            .millis("watchdog()", watchdog)
            .millis("streamTimeout()", streamTimeout)
            .millis("pollInterval()", pollInterval)
            .millis("requestTimeout()", requestTimeout)
            .millis("backoffMin()", backoffMin)
            .millis("backoffMax()", backoffMax)
            .number(backoffFactor)
            .number(backoffJitter)
            .millis("retryBackoff()", retryBackoff);
    if (grace != null && grace.isZero()) {
      arguments.number(NONE);
    } else {
      arguments.millis("grace()", grace);
    }
    return arguments.texts(fetchVariables).texts(tenantIds).metadata(metadata);
  }
}
