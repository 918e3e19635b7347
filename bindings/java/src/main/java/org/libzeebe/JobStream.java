package org.libzeebe;

import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.TimeUnit;

/**
 * The jobs of one type, for as long as the program wants: see {@link ZeebeChannel#streamJobs}.
 *
 * <pre>{@code
 * var request = StreamActivatedJobsRequest.newBuilder().setType("greet").setWorker("me").setTimeout(30_000).build();
 * try (var jobs = channel.streamJobs(GatewayGrpc.getStreamActivatedJobsMethod(), request).open()) {
 *   for (ActivatedJob job : jobs) {
 *     gateway.completeJob(CompleteJobRequest.newBuilder().setJobKey(job.getKey()).build());
 *   }
 * }
 * }</pre>
 *
 * <p>The stream is opened anew after it is lost, is silent for too long, or fails with what may pass; beside it ActivateJobs finds
 * jobs that it missed; a gateway that has no job streams is polled. A job that came may come again, once its time-out has passed,
 * as from any worker. What cannot pass, PERMISSION_DENIED say, ends it, and is thrown once the jobs that came were taken.
 *
 * <p>A program that is slow gets no more than it can take: the rest stays with the gateway. Any thread may take jobs, several at
 * once, too. A stream that is dropped is cancelled when it is collected.
 *
 * @param <JobT> the generated {@code ActivatedJob}
 */
public final class JobStream<JobT> implements Iterable<JobT>, AutoCloseable {
  /** Kept: a channel that is collected ends its streams. */
  private final ZeebeChannel channel;

  private final MethodDescriptor<?, JobT> method;
  private final JobInbox inbox;
  private final NativeJobStream stream;
  private final Cleaner.Cleanable cancellation;

  JobStream(
      ZeebeChannel channel,
      MethodDescriptor<?, JobT> method,
      JobInbox inbox,
      NativeJobStream stream) {
    this.channel = channel;
    this.method = method;
    this.inbox = inbox;
    this.stream = stream;
    cancellation = Handle.CLEANER.register(this, stream);
  }

  /**
   * Waits for the next job.
   *
   * @return null: the stream was closed, and that was all
   * @throws StatusRuntimeException why the stream has ended, with a {@link ZeebeException} as its cause; CANCELLED after {@link
   *     #cancel}; INTERNAL: the job cannot be decoded
   * @throws InterruptedException while it waited
   */
  public JobT take() throws InterruptedException {
    return take(-1);
  }

  /**
   * Waits for the next job, but not for ever.
   *
   * @param timeout zero or less: does not wait
   * @return null: none has come, or {@link #isDrained}
   * @throws StatusRuntimeException as {@link #take}
   * @throws InterruptedException while it waited
   */
  public JobT poll(Duration timeout) throws InterruptedException {
    return take(TimeUnit.NANOSECONDS.convert(timeout.isNegative() ? Duration.ZERO : timeout));
  }

  private JobT take(long nanos) throws InterruptedException {
    try {
      byte[] job = inbox.take(nanos);
      if (job != null) {
        return decode(job);
      }
      ZeebeException failure = inbox.isDrained() ? inbox.failure() : null;
      if (failure != null) {
        throw failure.status().asRuntimeException();
      }
      return null;
    } finally {
      // Else the stream could be collected, and so cancelled, while this waits.
      Reference.reachabilityFence(this);
    }
  }

  private JobT decode(byte[] job) {
    try {
      return method.parseResponse(WireMessage.stream(job));
    } catch (RuntimeException e) {
      throw Status.INTERNAL
          .withDescription("the job cannot be decoded")
          .withCause(e)
          .asRuntimeException();
    }
  }

  /**
   * The jobs until the stream ends; all iterators take from the one stream, and {@code hasNext} waits. Both methods throw what
   * {@link #take} does; a thread that is interrupted gets CANCELLED, and stays interrupted.
   */
  @Override
  public Iterator<JobT> iterator() {
    return new Iterator<>() {
      private JobT next;

      @Override
      public boolean hasNext() {
        if (next == null) {
          try {
            next = take();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Status.CANCELLED
                .withDescription("interrupted while it waited for a job")
                .withCause(e)
                .asRuntimeException();
          }
        }
        return next != null;
      }

      @Override
      public JobT next() {
        if (!hasNext()) {
          throw new NoSuchElementException("the stream was closed");
        }
        JobT job = next;
        next = null;
        return job;
      }
    };
  }

  /**
   * How many jobs have come to Java and can be taken at once; more may wait in the library.
   *
   * @return such as a worker shows among its measurements
   */
  public int waiting() {
    return inbox.size();
  }

  /**
   * Whether the stream has ended and all its jobs were taken.
   *
   * @return false: there is a job, or one may come
   */
  public boolean isDrained() {
    return inbox.isDrained();
  }

  /**
   * Ends the stream in order: the gateway is asked for nothing more, and the jobs that came can still be taken; then {@link #take}
   * returns null. It does not wait for that, and may be repeated. Jobs that nobody takes go to another worker after their time-out.
   */
  @Override
  public void close() {
    stream.close();
  }

  /** Ends the stream at once: jobs that wait go to another worker after their time-out. May be repeated. */
  public void cancel() {
    cancellation.clean();
    inbox.clear();
  }

  @Override
  public String toString() {
    return "JobStream[" + channel.authority() + "]";
  }
}
