package org.libzeebe;

import java.time.Duration;

/** Told what a job stream goes on after: see {@link JobStreamBuilder#onError}. */
@FunctionalInterface
public interface JobStreamListener {
  /**
   * A call of the stream failed, and is made again. What this throws is logged, and changes nothing.
   *
   * @param error why
   * @param failures so many in a row, with this one; of the stream and of the polls beside it each on its own; a job, 30 s of
   *     life, or the cut of a stream that was taken on and outlived the pause before it, begins anew
   * @param pause until the next try
   */
  void onError(ZeebeException error, long failures, Duration pause);
}
