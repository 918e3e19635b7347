package org.libzeebe;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.grpc.Metadata;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * One event of a completion queue, as {@code events.c} writes it; the fields that its type has are set.
 */
final class Event {
  static final int UNARY = 1;
  static final int INITIAL_METADATA = 2;
  static final int MESSAGE = 3;
  static final int READY = 4;
  static final int CLOSE = 5;
  private static final int POSTED = 6;
  private static final int DONE = 7;
  static final int JOB_STREAM_ERROR = 8;
  static final int JOB = 9;
  static final int JOB_ENDED = 10;

  /** What was posted: a token is wanted, or no longer; a plugin, or who got the log, has gone; a log record. */
  static final int TOKEN_REQUEST = 1;
  static final int TOKEN_CANCEL = 2;
  static final int DESTROY = 3;
  static final int LOG = 4;

  /** 0 if it is about nobody. */
  final long id;
  final int type;
  /** One of TOKEN_REQUEST and its like, or 0. */
  final int posted;
  final long request;
  final ZeebeException error;
  final Metadata headers;
  final Metadata trailers;
  final byte[] message;
  /** Of a log record. */
  final LogEntry logged;
  /** Of a job stream or a worker, in a row; {@link #error} is the last. */
  final long failures;
  final long pauseMillis;
  /** A worker's, which whoever receives the event owns. */
  final JobFields job;
  /** Of a job's end, by its number. */
  final int outcome;

  /** Reads the next event. One that cannot be read is the end of who waits for it, and no other's. */
  static Event next(ByteBuffer in) {
    int length = in.getInt();
    int start = in.position();
    try {
      return new Event(in);
    } catch (Throwable e) {
      in.position(start);
      return unread(in.getLong(), in.getInt(), in.getLong(), e);
    } finally {
      in.position(start + length);
    }
  }

  /** Of a job, a failure alone or what was posted nobody is told: who gets it goes on with the next. */
  private static Event unread(long id, int type, long handle, Throwable why) {
    switch (type) {
      case JOB -> Native.jobFree(handle);
      case POSTED -> Native.tokenFree(handle);
      default -> Native.bufferFree(handle);
    }
    String what = "what came cannot be read";
    CompletionQueue.log(what, why);
    boolean isOneOfMany = type == JOB || type == JOB_STREAM_ERROR || type == POSTED;
    return new Event(
        isOneOfMany ? CompletionQueue.NOBODY : id, ZeebeException.lost(what + ": " + why));
  }

  /** That nothing more is told of what has this id, and why. */
  Event(long id, ZeebeException error) {
    this.id = id;
    this.error = error;
    type = CLOSE;
    headers = new Metadata();
    trailers = new Metadata();
    posted = 0;
    request = 0;
    message = null;
    logged = null;
    failures = 0;
    pauseMillis = 0;
    job = null;
    outcome = 0;
  }

  private Event(ByteBuffer in) {
    id = in.getLong();
    type = in.getInt();
    long handle = in.getLong();
    int posted = 0;
    long request = 0;
    ZeebeException error = null;
    Metadata headers = null;
    Metadata trailers = null;
    byte[] message = null;
    LogEntry logged = null;
    long failures = 0;
    long pauseMillis = 0;
    JobFields job = null;
    int outcome = 0;
    switch (type) {
      case UNARY -> {
        error = readError(in);
        headers = readMetadata(in);
        trailers = readMetadata(in);
        message = error == null ? readMessage(handle, in) : null;
      }
      case INITIAL_METADATA -> headers = readMetadata(in);
      case MESSAGE -> message = readMessage(handle, in);
      case CLOSE -> {
        error = readError(in);
        trailers = readMetadata(in);
      }
      case DONE -> error = readError(in);
      case JOB_STREAM_ERROR -> {
        error = readError(in);
        failures = in.getLong();
        pauseMillis = in.getLong();
      }
      case JOB -> job = new JobFields(handle, in);
      case JOB_ENDED -> {
        outcome = in.getInt();
        error = readError(in);
      }
      case POSTED -> {
        posted = in.getInt();
        request = handle;
        if (posted == LOG) {
          logged = new LogEntry(LogEntry.level(in.getInt()), readText(in), readText(in));
        }
      }
      default -> {}
    }
    if (error != null && error.details().length > 0 && trailers != null) {
      trailers.put(WireMetadata.DETAILS, error.details());
    }
    this.posted = posted;
    this.request = request;
    this.error = error;
    this.headers = headers;
    this.trailers = trailers;
    this.message = message;
    this.logged = logged;
    this.failures = failures;
    this.pauseMillis = pauseMillis;
    this.job = job;
    this.outcome = outcome;
  }

  /** Whether nothing follows for the same id. */
  boolean isLast() {
    return type == UNARY || type == CLOSE || type == DONE || type == JOB_ENDED || posted == DESTROY;
  }

  /** Null: none. */
  static ZeebeException readError(ByteBuffer in) {
    int kind = in.getInt();
    if (kind == 0) {
      return null;
    }
    int source = in.getInt();
    int status = in.getInt();
    boolean retryable = in.getInt() != 0;
    boolean processed = in.getInt() != 0;
    long retryAfter = in.getLong();
    String message = readText(in);
    String option = readText(in);
    return new ZeebeException(
        message,
        kind,
        source,
        status,
        retryable,
        processed,
        retryAfter,
        option.isEmpty() ? null : option,
        readBlock(in));
  }

  private static Metadata readMetadata(ByteBuffer in) {
    var metadata = new Metadata();
    for (int count = in.getInt(); count > 0; count--) {
      String key = new String(readBlock(in), US_ASCII);
      WireMetadata.put(metadata, key, readBlock(in));
    }
    return metadata;
  }

  private static byte[] readMessage(long handle, ByteBuffer in) {
    byte[] message = new byte[in.getInt()];
    if (handle == 0) {
      in.get(message);
    } else {
      Native.bufferTake(handle, message);
    }
    return message;
  }

  private static String readText(ByteBuffer in) {
    return new String(readBlock(in), StandardCharsets.UTF_8);
  }

  private static byte[] readBlock(ByteBuffer in) {
    byte[] block = new byte[in.getInt()];
    in.get(block);
    return block;
  }
}
