package org.libzeebe;

import java.lang.System.Logger.Level;
import java.lang.ref.Reference;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.UndeclaredThrowableException;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/**
 * Works on the jobs of one type: see {@link ZeebeChannel#newWorker}.
 *
 * <pre>{@code
 * try (var worker = channel.newWorker("greet", job -> System.out.println(job.variables())).open()) {
 *   worker.ended().join();
 * }
 * }</pre>
 *
 * <p>Jobs come by a stream that is opened anew after it is lost, and by polls beside it; never more are here than {@link
 * JobWorkerBuilder#maxJobsActive}. What cannot pass, PERMISSION_DENIED say, ends the worker: {@link #ended} and {@link
 * JobWorkerBuilder#onClose} tell. It goes on while its channel is open, and ends at once with that: close the worker before. All threads
 * are daemons.
 */
public final class JobWorker implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(JobWorker.class.getName());

  /** Loaded before the last events come: the class loader may be closed by then. */
  private static final List<Class<?>> LOADED =
      List.of(JobFields.class, NativeJob.class, JobEnd.class, JobOutcome.class, Words.class);

  /** Of a job that the executor did not take: it would be here again at once. */
  private static final long REFUSED_PAUSE_MILLIS = 1000;

  /** Whose handler runs on this thread. */
  private static final ThreadLocal<JobWorker> WORKING = new ThreadLocal<>();

  private final ZeebeChannel channel;
  private final CompletionQueue queue;
  private final String type;
  private final JobHandler handler;

  /** Where handlers run. */
  private final Executor executor;

  /** Hands jobs to an executor of the program's, which may wait, or run a handler at once; null: they go to the executor directly. */
  private final SerializingExecutor dispatcher;

  private final FailureQueue failures;
  private final Consumer<? super ZeebeException> closeListener;
  private final CompletableFuture<Void> ended = new CompletableFuture<>();

  /** A field, since the queue does not keep it. */
  private final CompletionQueue.Receiver receiver = this::receive;

  /** That no handler has begun. One that the program's executor lets go of is collected, and fails. Guarded by itself. */
  private final Map<Job, Boolean> unbegun = new WeakHashMap<>();

  private volatile boolean closing;
  private long pointer;

  JobWorker(
      ZeebeChannel channel,
      String type,
      JobHandler handler,
      Executor executor,
      JobStreamListener errorListener,
      Consumer<? super ZeebeException> closeListener) {
    this.channel = channel;
    this.queue = channel.queue();
    this.type = type;
    this.handler = handler;
    this.executor = executor == null ? HandlerThreads.executor(queue) : executor;
    dispatcher = executor == null ? null : new SerializingExecutor(queue.executor());
    failures = new FailureQueue(errorListener, channel.executor());
    this.closeListener = closeListener;
  }

  /** Only while the channel's handle is in use. */
  void start(long channelPointer, Arguments arguments) {
    long id = queue.registerWeakly(receiver);
    channel.workers().add(this);
    long[] out = new long[1];
    long error =
        Native.jobWorkerStart(
            channelPointer, arguments.bytes(), arguments.length(), queue.handle(), id, out);
    if (error != 0) {
      channel.workers().remove(this);
      queue.forget(id);
      ZeebeException.check(error);
    }
    pointer = out[0];
    Handle.CLEANER.register(this, free(pointer));
  }

  /** Must not refer to the worker. */
  private static Runnable free(long pointer) {
    return () -> Native.jobWorkerFree(pointer);
  }

  private void receive(Event event) {
    switch (event.type) {
      case Event.JOB -> receive(new Job(this, event.job));
      case Event.JOB_STREAM_ERROR -> failures.add(event);
      default -> {
        Native.jobWorkerClose(pointer); // it may have been told by the queue alone
        end(event.error);
      }
    }
    failures.schedule();
  }

  private void receive(Job job) {
    synchronized (unbegun) {
      unbegun.put(job, true);
    }
    if (closing) {
      giveBackUnbegun();
    } else if (dispatcher == null) {
      offer(job);
    } else {
      dispatcher.add(() -> offer(job));
      dispatcher.schedule();
    }
  }

  private void offer(Job job) {
    try {
      executor.execute(() -> work(job));
    } catch (Throwable e) {
      if (begins(job)) {
        giveBack(job, REFUSED_PAUSE_MILLIS, "the worker's executor does not take it: " + Words.of(e));
        LOGGER.log(Level.WARNING, "the executor takes no job of the type " + type, e);
      }
    }
  }

  /** True once for each job: it is given back else. */
  private boolean begins(Job job) {
    synchronized (unbegun) {
      return unbegun.remove(job) != null;
    }
  }

  private void work(Job job) {
    if (!begins(job)) {
      return;
    }
    WORKING.set(this);
    try {
      handler.handle(job);
      handled(job, null);
    } catch (Throwable e) {
      failed(job, e);
    } finally {
      WORKING.remove();
    }
  }

  /** Completes it, unless the handler has ended it, or will. */
  void handled(Job job, Object variables) {
    if (job.endsLater() || job.hasEnded()) {
      return;
    }
    if (variables instanceof CompletionStage<?> stage) {
      job.endLater();
      stage.whenComplete((value, failure) -> complete(job, value, failure));
    } else {
      tell(job, job.complete(variables));
    }
  }

  private void complete(Job job, Object variables, Throwable failure) {
    try {
      if (failure != null) {
        failed(job, failure);
      } else if (!job.hasEnded()) {
        tell(job, job.complete(variables));
      }
    } catch (Throwable e) {
      failed(job, e);
    }
  }

  /** Ends it by what its handler has thrown; at the worst by letting go of it, by which it fails, too. */
  private void failed(Job job, Throwable thrown) {
    try {
      if (job.hasEnded() || hasNoUse(thrown)) {
        LOGGER.log(Level.WARNING, job + ": its handler failed after its end, or with that of its worker", thrown);
        return;
      }
      tell(job, endBy(job, thrown));
    } catch (Throwable e) {
      failedAgain(job, e);
    }
  }

  private CompletableFuture<JobEnd> endBy(Job job, Throwable thrown) {
    Throwable cause = thrown;
    while (isWrapper(cause) && cause.getCause() != null) {
      cause = cause.getCause();
    }
    if (cause instanceof BpmnError error) {
      return job.throwError(error.code(), error.getMessage(), error.variables());
    }
    if (cause instanceof JobFailure failure) {
      return job.fail(failure);
    }
    LOGGER.log(Level.WARNING, job + " failed", thrown);
    return job.fail(Words.of(cause));
  }

  /** Whether it says only that another was thrown, by a future or by reflection. */
  private static boolean isWrapper(Throwable thrown) {
    return thrown instanceof CompletionException
        || thrown instanceof ExecutionException
        || thrown instanceof InvocationTargetException
        || thrown instanceof UndeclaredThrowableException;
  }

  /** What it said cannot be sent, say. */
  private void failedAgain(Job job, Throwable thrown) {
    try {
      if (!job.hasEnded() && !hasNoUse(thrown)) {
        tell(job, job.fail(Words.of(thrown)));
      }
      LOGGER.log(Level.WARNING, job + ": its end cannot be sent", thrown);
    } catch (Throwable e) {
      job.fields().handle.run();
    }
  }

  /** Whether no other end would be taken either. */
  private static boolean hasNoUse(Throwable thrown) {
    return thrown instanceof ZeebeException refused
        && refused.kind() == ZeebeException.Kind.SHUTDOWN;
  }

  /** Of an end that is nobody's to look at, the log has what came of it. */
  private static void tell(Job job, CompletableFuture<JobEnd> end) {
    end.thenAccept(
        told -> {
          if (!told.hasEnded()) {
            LOGGER.log(Level.WARNING, job + ": its end is " + told.outcome(), told.error());
          }
        });
  }

  /** Throws why it has not ended. */
  CompletableFuture<JobEnd> end(NativeJob job, int kind, Arguments arguments) {
    var future = new CompletableFuture<JobEnd>();
    channel.acquire();
    try {
      long id = queue.register(JobEnd.into(future, queue));
      try {
        job.end(kind, arguments, queue.handle(), id);
      } catch (Throwable e) {
        queue.forget(id);
        throw e;
      }
      return future;
    } finally {
      channel.handle().release();
    }
  }

  private void giveBack(Job job, long backoffMillis, String why) {
    if (channel.handle().acquire() == 0) {
      job.fields().handle.run();
      return;
    }
    try {
      job.fields().giveBack(queue, backoffMillis, why);
    } finally {
      channel.handle().release();
    }
  }

  private void giveBackUnbegun() {
    List<Job> jobs;
    synchronized (unbegun) {
      jobs = List.copyOf(unbegun.keySet());
      unbegun.clear();
    }
    jobs.forEach(job -> giveBack(job, NativeJob.AT_ONCE, "its worker is closing"));
  }

  private void end(ZeebeException error) {
    closing = true;
    channel.workers().remove(this);
    giveBackUnbegun();
    if (closeListener != null) {
      failures.addEnd(() -> closeListener.accept(error));
    }
    queue.callBack(
        () -> {
          if (error == null) {
            ended.complete(null);
          } else {
            ended.completeExceptionally(error);
          }
        });
  }

  /**
   * Ends the worker in order, and returns at once: no more jobs come, those that no handler has begun go back to the gateway with the
   * retries that they have, and those that are worked on have {@link JobWorkerBuilder#grace} to end. May be repeated.
   *
   * @return {@link #ended}
   */
  public CompletableFuture<Void> shutdown() {
    closing = true;
    Native.jobWorkerClose(pointer);
    giveBackUnbegun();
    Reference.reachabilityFence(this);
    return ended();
  }

  /**
   * As {@link #shutdown}, and waits for that, but not in a handler of its own. What became of it, {@link #ended} says. A handler that has
   * ended its job is not waited for. A thread that is interrupted waits no longer, and stays interrupted; the worker goes on to end.
   */
  @Override
  public void close() {
    var end = shutdown();
    if (queue.isReader() || WORKING.get() == this) {
      return;
    }
    try {
      end.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      LOGGER.log(Level.DEBUG, "the worker of the type " + type + " has ended", e.getCause());
    }
  }

  /**
   * The worker's end.
   *
   * @return completes once it was closed and all jobs have ended; else with a {@link ZeebeException}: DEADLINE_EXCEEDED, jobs were left to
   *     their time-out; CANCELLED, its channel was closed; any other, why it ended by itself
   */
  public CompletableFuture<Void> ended() {
    return ended.copy();
  }

  /**
   * What the worker did, as JSON: {@code jobs_here}, counts in {@code jobs}, {@code queue_time_ms} and {@code handler_time_ms}, as {@code
   * zeebe_job_worker_stats} of {@code zeebe.h} says.
   *
   * @return a JSON object
   */
  public String stats() {
    byte[][] out = new byte[1][];
    ZeebeException.check(Native.jobWorkerStats(pointer, out));
    Reference.reachabilityFence(this);
    return new String(out[0], StandardCharsets.UTF_8);
  }

  /**
   * The same of several workers as Prometheus reads it, text format 0.0.4, with the labels {@code type} and {@code worker}. Give it all
   * workers of a program: each metric is described once in a text.
   *
   * @param workers also those that have ended
   * @return the text
   */
  public static String prometheus(Collection<JobWorker> workers) {
    List<JobWorker> all = List.copyOf(workers);
    byte[][] out = new byte[1][];
    ZeebeException.check(
        Native.jobWorkersPrometheus(all.stream().mapToLong(worker -> worker.pointer).toArray(), out));
    Reference.reachabilityFence(all);
    return new String(out[0], StandardCharsets.UTF_8);
  }

  @Override
  public String toString() {
    return "JobWorker[" + type + " " + channel.authority() + "]";
  }
}
