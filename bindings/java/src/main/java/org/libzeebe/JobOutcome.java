package org.libzeebe;

/** What became of a job's end. */
public enum JobOutcome {
  /** The gateway has taken it: the job is completed, has failed, or has thrown its error. */
  ENDED,
  /** The gateway has not taken it, and will not: the job comes again, to some worker, or is another's or nobody's by now. */
  NOT_ENDED,
  /** The gateway may have taken it, or not: an answer was lost. If it has not, the job comes again. */
  UNKNOWN;

  private static final JobOutcome[] ALL = values();

  /** By its number in {@code zeebe.h}, where the first stands for none. */
  static JobOutcome of(int number) {
    return number >= 1 && number <= ALL.length ? ALL[number - 1] : UNKNOWN;
  }
}
