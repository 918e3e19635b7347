package org.libzeebe;

import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import java.io.IOException;
import java.time.Duration;

/**
 * Opens a {@link JobStream}; what is not set has its default.
 *
 * @param <JobT> the generated {@code ActivatedJob}
 */
public final class JobStreamBuilder<JobT> {
  private final ZeebeChannel channel;
  private final MethodDescriptor<?, JobT> method;
  private final byte[] request;
  private final Metadata metadata = new Metadata();
  private int maxBufferedJobs;
  private int maxBufferedBytes;
  private Duration watchdog;
  private Duration pollInterval;
  private JobStreamListener listener;

  <RequestT> JobStreamBuilder(
      ZeebeChannel channel, MethodDescriptor<RequestT, JobT> method, RequestT request) {
    this.channel = channel;
    this.method = method;
    try {
      this.request = WireMessage.bytes(method.streamRequest(request));
    } catch (IOException e) {
      throw new IllegalArgumentException("the request cannot be encoded", e);
    }
  }

  /**
   * Sent with every call.
   *
   * @param metadata added to what was given before
   * @return this
   */
  public JobStreamBuilder<JobT> metadata(Metadata metadata) {
    this.metadata.merge(metadata);
    return this;
  }

  /**
   * How many jobs wait for a slow program. When so many wait, the gateway is asked for no more, and other workers get the jobs.
   *
   * @param count 1 to 100 000; by default 32
   * @return this
   */
  public JobStreamBuilder<JobT> maxBufferedJobs(int count) {
    maxBufferedJobs = count == 0 ? -1 : count;
    return this;
  }

  /**
   * How many bytes the jobs have that wait for a slow program, each with 256 more. One job always may wait.
   *
   * @param bytes from 1 on; by default 2 MiB
   * @return this
   */
  public JobStreamBuilder<JobT> maxBufferedBytes(int bytes) {
    maxBufferedBytes = bytes == 0 ? -1 : bytes;
    return this;
  }

  /**
   * A stream that brought no job for so long, rounded up to milliseconds, is opened anew.
   *
   * @param silence more than nothing; by default, or null, a minute
   * @return this
   */
  public JobStreamBuilder<JobT> watchdog(Duration silence) {
    watchdog = silence;
    return this;
  }

  /**
   * How often ActivateJobs looks for jobs that the stream did not bring, rounded up to milliseconds.
   *
   * @param interval more than nothing; by default, or null, ten seconds
   * @return this
   */
  public JobStreamBuilder<JobT> pollInterval(Duration interval) {
    pollInterval = interval;
    return this;
  }

  /**
   * Tells of each failure that the stream goes on after: it may pass, and may not, as a job that is longer than what may be
   * received. Runs on the channel's executor, never beside itself; after {@link JobStream#cancel} no more begin. Of those that
   * wait for a slow listener the last 16 are told.
   *
   * @param listener kept until the stream has ended: a stream that it refers to is not cancelled by being dropped; by default, or
   *     null, nobody
   * @return this
   */
  public JobStreamBuilder<JobT> onError(JobStreamListener listener) {
    this.listener = listener;
    return this;
  }

  /**
   * Opens the stream; does not wait for the gateway.
   *
   * @return the stream, to be closed
   * @throws ZeebeException INVALID_ARGUMENT: an option is out of range, or the request is no StreamActivatedJobsRequest
   * @throws IllegalStateException the channel was closed
   */
  public JobStream<JobT> open() {
    long pointer = channel.acquire();
    try (var arguments = new Arguments(request.length + 256)) {
      arguments
          .number(maxBufferedJobs)
          .number(maxBufferedBytes)
          .millis("watchdog()", watchdog)
          .millis("pollInterval()", pollInterval)
          .metadata(metadata)
          .bytes(request);
      var inbox = new JobInbox(listener, channel.executor());
      NativeJobStream stream = inbox.start(() -> start(pointer, arguments, inbox));
      return new JobStream<>(channel, method, inbox, stream);
    } finally {
      channel.handle().release();
    }
  }

  private NativeJobStream start(long pointer, Arguments arguments, JobInbox inbox) {
    CompletionQueue queue = channel.queue();
    long id = queue.register(inbox);
    long[] out = new long[1];
    long error =
        Native.jobStreamStart(
            pointer, arguments.bytes(), arguments.length(), queue.handle(), id, out);
    if (error != 0) {
      queue.forget(id);
      ZeebeException.check(error);
    }
    return new NativeJobStream(out[0]);
  }
}
