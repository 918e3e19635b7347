package org.libzeebe;

/** A job's native handle, freed once the job was ended: without an end, the library fails the job. None of its methods blocks. */
final class NativeJob implements Runnable {
  /** How a job ends, as {@code workers.c} has it. */
  static final int COMPLETE = 0;

  static final int FAIL = 1;
  static final int THROW_ERROR = 2;

  /** Of a job that fails: retries, and the pause in milliseconds. */
  static final int ONE_LESS = -1;

  static final long BACKOFF_OF_WORKER = -1;
  static final long AT_ONCE = 0;

  private final long key;

  /** 0: freed. */
  private long pointer;

  private boolean ended;

  /** In Unix milliseconds, as it was last. */
  private long deadline;

  NativeJob(long pointer, long key) {
    this.pointer = pointer;
    this.key = key;
  }

  /** What an end is made of; texts that are null are none. */
  static Arguments arguments(
      String variables, String message, String code, int retries, long backoffMillis) {
    return new Arguments()
        .text(variables)
        .text(message)
        .text(code)
        .number(retries)
        .number(backoffMillis);
  }

  /** Only while the queue's handle is in use. Throws why the job has not ended; then it may still. */
  synchronized void end(int kind, Arguments arguments, long queue, long id) {
    if (pointer == 0) {
      throw ZeebeException.illegalState(
          ended
              ? "the job " + key + " was ended before: it can be completed, failed or made to throw an error once"
              : "the job " + key + " was let go of, because its worker has ended");
    }
    deadline();
    ZeebeException.check(
        Native.jobEnd(pointer, kind, arguments.bytes(), arguments.length(), queue, id));
    ended = true;
    run();
  }

  synchronized boolean hasEnded() {
    return ended;
  }

  synchronized long deadline() {
    if (pointer != 0) {
      deadline = Native.jobDeadline(pointer);
    }
    return deadline;
  }

  /** Only before it is ended. */
  synchronized String text(int which) {
    return new String(Native.jobText(pointer, which), java.nio.charset.StandardCharsets.UTF_8);
  }

  /** Null: the job was ended. */
  synchronized byte[] message() {
    return pointer == 0 ? null : Native.jobMessage(pointer);
  }

  @Override
  public synchronized void run() {
    if (pointer != 0) {
      Native.jobFree(pointer);
      pointer = 0;
    }
  }
}
