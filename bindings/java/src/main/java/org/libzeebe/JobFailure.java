package org.libzeebe;

import java.time.Duration;

/** Thrown by a {@link JobHandler}: how a job fails. By default it has one retry less then, and the worker's back-off. */
public class JobFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** ONE_LESS: not said. */
  private int retries = NativeJob.ONE_LESS;

  /** Until it comes again; null: not said. */
  private Duration backoff;

  /** Set where the task is. */
  private transient Object variables;

  /**
   * A failure.
   *
   * @param message why, to people; null: no words
   */
  public JobFailure(String message) {
    super(message);
  }

  /**
   * A failure with its cause, which is for the program's log.
   *
   * @param message why, to people; null: no words
   * @param cause what went wrong
   */
  public JobFailure(String message, Throwable cause) {
    super(message, cause);
  }

  /**
   * Sets how often the job may be tried again.
   *
   * @param retries 0: there is an incident
   * @return this
   */
  public JobFailure retries(int retries) {
    if (retries < 0) {
      throw new IllegalArgumentException("retries are " + retries + ": 0 or more");
    }
    this.retries = retries;
    return this;
  }

  /**
   * Sets how long until the job comes again, rounded up to milliseconds.
   *
   * @param backoff zero: at once; null: the worker's
   * @return this
   */
  public JobFailure backoff(Duration backoff) {
    if (backoff != null && backoff.isNegative()) {
      throw new IllegalArgumentException("the back-off is " + backoff + ": zero or more");
    }
    this.backoff = backoff;
    return this;
  }

  /**
   * Sets variables where the task is.
   *
   * @param variables as {@link Job#complete(Object)} takes them; null: none
   * @return this
   */
  public JobFailure variables(Object variables) {
    this.variables = variables;
    return this;
  }

  final int retries() {
    return retries;
  }

  final long backoffMillis() {
    return backoff == null
        ? NativeJob.BACKOFF_OF_WORKER
        : Arguments.roundUp(backoff, Arguments.MILLI);
  }

  final Object variables() {
    return variables;
  }
}
