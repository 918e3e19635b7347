package org.libzeebe;

import java.lang.ref.Reference;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/**
 * A job of a {@link JobWorker}, which its handler has. It ends once, on any thread, by {@link #complete}, {@link #fail} or {@link
 * #throwError}.
 *
 * <p>An end is sent at once, and sent again, with growing pauses, while the job is the worker's and what fails may pass. What becomes of it
 * the future says, which never fails: {@code job.complete().join()} waits. It completes on threads of the library's.
 *
 * <p>An end throws {@link ZeebeException}: ILLEGAL_STATE if the job was ended before; SHUTDOWN if its worker has ended, which has left the job
 * to its time-out. It throws {@code IllegalArgumentException} if a text has U+0000 or an unpaired surrogate, or no JSON object can be
 * made of the variables, and {@code IllegalStateException} if the channel has terminated. The job has not ended then.
 */
public final class Job {
  /** Kept: a worker that is collected ends. */
  private final JobWorker worker;

  private final JobFields fields;
  private volatile boolean endsLater;

  Job(JobWorker worker, JobFields fields) {
    this.worker = worker;
    this.fields = fields;
    // One that is dropped without an end fails.
    Handle.CLEANER.register(this, fields.handle);
  }

  /**
   * Completes the job, without variables.
   *
   * @return what became of it
   */
  public CompletableFuture<JobEnd> complete() {
    return complete(null);
  }

  /**
   * Completes the job.
   *
   * @param variables a JSON object as a String; or a Map or any other object that Jackson makes one of, if jackson-databind is on the
   *     class path; null: none
   * @return what became of it
   */
  public CompletableFuture<JobEnd> complete(Object variables) {
    return end(NativeJob.COMPLETE, variables, null, null, 0, 0);
  }

  /**
   * The job failed: it has one retry less, and comes again after the worker's back-off; with none left there is an incident.
   *
   * @param message why, to people; null: no words
   * @return what became of it
   */
  public CompletableFuture<JobEnd> fail(String message) {
    return fail(new JobFailure(message));
  }

  /**
   * The job failed, as {@code failure} says, which need not have been thrown.
   *
   * @param failure with retries, back-off and variables
   * @return what became of it
   */
  public CompletableFuture<JobEnd> fail(JobFailure failure) {
    return end(
        NativeJob.FAIL,
        failure.variables(),
        failure.getMessage(),
        null,
        failure.retries(),
        failure.backoffMillis());
  }

  /**
   * The job failed.
   *
   * @param message why, to people; null: no words
   * @param retries how often it may be tried again; 0: there is an incident
   * @param backoff until it comes again; zero: at once; null: the worker's
   * @return what became of it
   */
  public CompletableFuture<JobEnd> fail(String message, int retries, Duration backoff) {
    return fail(new JobFailure(message).retries(retries).backoff(backoff));
  }

  /**
   * Throws a BPMN error, which an event of the process may catch; else there is an incident.
   *
   * @param code what events go by
   * @param message why, to people; null: no words
   * @return what became of it
   */
  public CompletableFuture<JobEnd> throwError(String code, String message) {
    return throwError(code, message, null);
  }

  /**
   * Throws a BPMN error.
   *
   * @param code what events go by
   * @param message why, to people; null: no words
   * @param variables set where the error is caught, as {@link #complete(Object)} takes them; null: none
   * @return what became of it
   */
  public CompletableFuture<JobEnd> throwError(String code, String message, Object variables) {
    Objects.requireNonNull(code, "code");
    return end(NativeJob.THROW_ERROR, variables, message, code, 0, 0);
  }

  /**
   * The handler's return does not complete the job: it is ended later, on any thread. One that the program drops without an end fails once
   * it is collected, or is left to its time-out, with {@link JobWorkerBuilder#leaveDroppedJobs}.
   */
  public void endLater() {
    endsLater = true;
  }

  /**
   * Whether an end of the job was begun.
   *
   * @return true: another is refused
   */
  public boolean hasEnded() {
    return fields.handle.hasEnded();
  }

  private CompletableFuture<JobEnd> end(
      int kind, Object variables, String message, String code, int retries, long backoffMillis) {
    try (var arguments =
        NativeJob.arguments(Json.write(variables), message, code, retries, backoffMillis)) {
      return worker.end(fields.handle, kind, arguments);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  JobFields fields() {
    return fields;
  }

  boolean endsLater() {
    return endsLater;
  }

  /** Ends it by what its handler returned. */
  void returned(Object variables) {
    worker.handled(this, variables);
  }

  /**
   * The job's key.
   *
   * @return the same each time that it comes
   */
  public long key() {
    return fields.key;
  }

  /**
   * The job's type.
   *
   * @return that of its worker
   */
  public String type() {
    return fields.type;
  }

  /**
   * The job's process instance.
   *
   * @return its key
   */
  public long processInstanceKey() {
    return fields.processInstanceKey;
  }

  /**
   * The process definition's key.
   *
   * @return one for each version
   */
  public long processDefinitionKey() {
    return fields.processDefinitionKey;
  }

  /**
   * The process definition's version.
   *
   * @return from 1 on
   */
  public int processDefinitionVersion() {
    return fields.processDefinitionVersion;
  }

  /**
   * The process definition's BPMN id.
   *
   * @return as it was deployed
   */
  public String bpmnProcessId() {
    return fields.bpmnProcessId;
  }

  /**
   * The id of the element in the process.
   *
   * @return as it was deployed
   */
  public String elementId() {
    return fields.elementId;
  }

  /**
   * The element's instance.
   *
   * @return its key
   */
  public long elementInstanceKey() {
    return fields.elementInstanceKey;
  }

  /**
   * How many retries it has left, this one included.
   *
   * @return 1 or more
   */
  public int retries() {
    return fields.retries;
  }

  /**
   * Until when the job is the worker's, by the gateway's clock; then another gets it. It moves on with {@link
   * JobWorkerBuilder#extendTimeout}, and has passed once the gateway said that the job is not the worker's any more. The handler is not
   * interrupted then, and an end that comes later is sent all the same, with a warning in the log.
   *
   * @return as it is now
   */
  public Instant deadline() {
    return Instant.ofEpochMilli(fields.handle.deadline());
  }

  /**
   * The job's tenant.
   *
   * @return its id
   */
  public String tenantId() {
    return fields.tenantId;
  }

  /**
   * The worker's name that the gateway gave it to.
   *
   * @return that of {@link JobWorkerBuilder#workerName}
   */
  public String workerName() {
    return fields.worker;
  }

  /**
   * The headers of its task.
   *
   * @return a JSON object of texts
   */
  public String customHeaders() {
    return fields.customHeaders;
  }

  /**
   * The headers of its task, through Jackson.
   *
   * @param <T> as which
   * @param type such as {@code Map.class}
   * @return made of the JSON object
   * @throws IllegalStateException jackson-databind is not on the class path
   * @throws IllegalArgumentException they make no such object
   */
  public <T> T customHeaders(Class<T> type) {
    return Json.read(fields.customHeaders, type);
  }

  /**
   * Its variables.
   *
   * @return a JSON object
   */
  public String variables() {
    return fields.variables;
  }

  /**
   * Its variables, through Jackson; those for which the type has no property are passed over.
   *
   * @param <T> as which
   * @param type such as {@code Map.class}
   * @return made of the JSON object
   * @throws IllegalStateException jackson-databind is not on the class path
   * @throws IllegalArgumentException they make no such object
   */
  public <T> T variables(Class<T> type) {
    return Json.read(fields.variables, type);
  }

  /**
   * What it is of, by the number of the protocol's {@code ActivatedJob.JobKind}.
   *
   * @return 0 an element, 1 an execution listener, 2 a task listener, 3 an ad-hoc sub-process
   */
  public int kind() {
    return fields.kind;
  }

  /**
   * A listener's event, by the number of the protocol's {@code ActivatedJob.ListenerEventType}.
   *
   * @return 6: none
   */
  public int listenerEventType() {
    return fields.listenerEventType;
  }

  /**
   * The encoded {@code ActivatedJob}, with what has no method here, for a generated {@code ActivatedJob.parseFrom}.
   *
   * @return as it came
   * @throws IllegalStateException the job was ended
   */
  public byte[] message() {
    byte[] message = fields.handle.message();
    if (message == null) {
      throw new IllegalStateException("the job " + key() + " was ended: its message is no longer there");
    }
    return message;
  }

  @Override
  public String toString() {
    return "Job[" + fields.key + " " + fields.type + "]";
  }
}
