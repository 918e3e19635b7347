package org.libzeebe;

/** Works on jobs, and returns variables: see {@link JobHandler#returning}. */
@FunctionalInterface
public interface JobFunction {
  /**
   * Works on a job.
   *
   * @param job to be worked on
   * @return variables as {@link Job#complete(Object)} takes them, null for none, or a {@code CompletionStage} of them; without effect
   *     if the job was ended
   * @throws Exception the job fails
   */
  Object apply(Job job) throws Exception;
}
