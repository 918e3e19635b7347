package org.libzeebe;

/** Works on the jobs of a {@link JobWorker}, several at once. */
@FunctionalInterface
public interface JobHandler {
  /**
   * Works on a job. It may block, and is not interrupted: {@link Job#deadline} says until when the job is the worker's.
   *
   * <p>To return completes the job, unless it was ended here, or is ended {@linkplain Job#endLater later}. What is thrown fails it, with
   * one retry less and its words; a {@link JobFailure} says how it fails, and a {@link BpmnError} is thrown in the process.
   *
   * @param job to be worked on
   * @throws Exception the job fails
   */
  void handle(Job job) throws Exception;

  /**
   * A handler that completes jobs with what a function returns.
   *
   * <pre>{@code
   * channel.newWorker("greet", JobHandler.returning(job -> Map.of("greeting", "hello"))).open();
   * }</pre>
   *
   * @param function returns variables as {@link Job#complete(Object)} takes them, null for none, or a {@code CompletionStage} of
   *     them, with whose end the job ends
   * @return the handler
   */
  static JobHandler returning(JobFunction function) {
    return job -> job.returned(function.apply(job));
  }
}
