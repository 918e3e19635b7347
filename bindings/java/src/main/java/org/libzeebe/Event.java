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

  /** Reads the next event. */
  Event(ByteBuffer in) {
    long tag = in.getLong();
    type = in.getInt();
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
        message = error == null ? readMessage(in) : null;
      }
      case INITIAL_METADATA -> headers = readMetadata(in);
      case MESSAGE -> message = readMessage(in);
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
      case JOB -> job = new JobFields(in);
      case JOB_ENDED -> {
        outcome = in.getInt();
        error = readError(in);
      }
      case POSTED -> {
        tag = 0;
        posted = in.getInt();
        if (posted != 0) {
          tag = in.getLong();
          int level = in.getInt();
          request = in.getLong();
          logged = posted == LOG ? new LogEntry(LogEntry.level(level), readText(in), readText(in)) : null;
        }
      }
      default -> {}
    }
    if (error != null && error.details().length > 0 && trailers != null) {
      trailers.put(WireMetadata.DETAILS, error.details());
    }
    this.id = tag;
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

  private static byte[] readMessage(ByteBuffer in) {
    long handle = in.getLong();
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
