package org.libzeebe;

import io.grpc.Status;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Optional;

/**
 * Why something failed, in words for people; never with a secret.
 *
 * <p>What the channel's own functions throw. Of a call that failed it is the cause of the {@code StatusRuntimeException} that
 * the stub throws, where {@link #of} finds it.
 */
public final class ZeebeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What went wrong. */
  public enum Kind {
    /** An argument is malformed or out of range. */
    INVALID_ARGUMENT,
    /** The function cannot be used now or here. */
    ILLEGAL_STATE,
    /** A setting is missing or cannot be used. */
    SETTINGS,
    /** The token endpoint refused the client. Trying again does not help. */
    INVALID_OAUTH_CREDENTIALS,
    /** A certificate or key does not parse. */
    TLS,
    /** A call ended with a gRPC status, or a wait with a time-out. */
    RPC,
    /** The channel was shut down. */
    SHUTDOWN,
    /** A bug in the library, or a kind that this version does not know: see the status. */
    INTERNAL;

    private static Kind of(int number) {
      return number >= 1 && number <= KINDS.length ? KINDS[number - 1] : INTERNAL;
    }
  }

  /** Who says so. */
  public enum Source {
    /** The program: an argument, a cancel, its own token source. */
    CALLER,
    /** The OAuth2 authorization server. */
    TOKEN_ENDPOINT,
    /** Network, TLS, HTTP/2, or a proxy on the way. */
    TRANSPORT,
    /** The gateway's own answer. */
    GATEWAY,
    /** This library: a deadline, a limit, a shutdown. */
    LIBRARY;

    private static Source of(int number) {
      return number >= 1 && number <= SOURCES.length ? SOURCES[number - 1] : LIBRARY;
    }
  }

  // With these all that the last events need is loaded before they come: the class loader may be closed by then.
  private static final Kind[] KINDS = Kind.values();
  private static final Source[] SOURCES = Source.values();

  /** What went wrong. */
  private final Kind kind;
  /** Who says so. */
  private final Source source;
  /** The gRPC status. */
  private final Status.Code code;
  /** Of {@link #isRetryable}. */
  private final boolean retryable;
  /** Of {@link #mayHaveBeenProcessed}. */
  private final boolean processed;
  /** Negative: not said. */
  private final long retryAfterMillis;
  /** Of {@link #details}. */
  private final byte[] details;
  /** Null: none. */
  private final String option;

  ZeebeException(
      String message,
      int kind,
      int source,
      int status,
      boolean retryable,
      boolean processed,
      long retryAfterMillis,
      String option,
      byte[] details) {
    // Made on the reader's thread, whose stack says nothing: check() fills in that of a thrower.
    super(option == null ? message : OptionNames.inJava(message), null, true, false);
    this.option = option == null ? null : OptionNames.inJava(option);
    this.kind = Kind.of(kind);
    this.source = Source.of(source);
    this.code = Status.fromCodeValue(status).getCode();
    this.retryable = retryable;
    this.processed = processed;
    this.retryAfterMillis = retryAfterMillis;
    this.details = details;
  }

  /** As thrown: with the stack of who called. */
  private ZeebeException(ZeebeException of) {
    super(of.getMessage());
    kind = of.kind;
    source = of.source;
    code = of.code;
    retryable = of.retryable;
    processed = of.processed;
    retryAfterMillis = of.retryAfterMillis;
    details = of.details;
    option = of.option;
  }

  /** What the library does not get to see. */
  static ZeebeException refused(String option, String why) {
    return ofCaller(Kind.INVALID_ARGUMENT, Status.Code.INVALID_ARGUMENT, option, option + " " + why);
  }

  /** What cannot be done now, which the library does not get to see. */
  static ZeebeException illegalState(String why) {
    return ofCaller(Kind.ILLEGAL_STATE, Status.Code.FAILED_PRECONDITION, null, why);
  }

  /** The end of what cannot be told how it ended. */
  static ZeebeException lost(String why) {
    return ofLibrary(Kind.INTERNAL, Status.Code.INTERNAL, why);
  }

  /** The end of what runs while the library's runtime is shut down. */
  static ZeebeException shutDown() {
    return ofLibrary(Kind.SHUTDOWN, Status.Code.UNAVAILABLE, "the runtime was shut down");
  }

  private static ZeebeException ofLibrary(Kind kind, Status.Code code, String why) {
    return new ZeebeException(
        why,
        kind.ordinal() + 1,
        Source.LIBRARY.ordinal() + 1,
        code.value(),
        false,
        true,
        -1,
        null,
        new byte[0]);
  }

  private static ZeebeException ofCaller(Kind kind, Status.Code code, String option, String why) {
    return new ZeebeException(
        new ZeebeException(
            why,
            kind.ordinal() + 1,
            Source.CALLER.ordinal() + 1,
            code.value(),
            false,
            false,
            -1,
            option,
            new byte[0]));
  }

  /** Throws the error behind a handle, unless it is 0. */
  static void check(long error) {
    ZeebeException exception = take(error);
    if (exception != null) {
      throw new ZeebeException(exception);
    }
  }

  /** The error behind a handle, which is freed; null for 0. */
  static ZeebeException take(long error) {
    return error == 0
        ? null
        : Event.readError(ByteBuffer.wrap(Native.errorTake(error)).order(ByteOrder.nativeOrder()));
  }

  /**
   * What the library said about a failure, such as that of a stub's call.
   *
   * @param failure any throwable, such as a {@code StatusRuntimeException}
   * @return the first {@code ZeebeException} among it and its causes; empty: it is not the library's
   */
  public static Optional<ZeebeException> of(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof ZeebeException exception) {
        return Optional.of(exception);
      }
    }
    return Optional.empty();
  }

  /**
   * What went wrong.
   *
   * @return never null
   */
  public Kind kind() {
    return kind;
  }

  /**
   * Who says so.
   *
   * @return never null
   */
  public Source source() {
    return source;
  }

  /**
   * The gRPC status, with this exception as its cause.
   *
   * @return with its description
   */
  public Status status() {
    return Status.fromCode(code).withDescription(getMessage()).withCause(this);
  }

  /**
   * Whether the same request may succeed later, whatever its idempotence: UNAVAILABLE, the gateway's back-pressure, passing
   * token failures.
   *
   * @return true: it may
   */
  public boolean isRetryable() {
    return retryable;
  }

  /**
   * False only if the gateway certainly did nothing with the call: ask it before repeating what must not happen twice.
   *
   * @return true: it may have been
   */
  public boolean mayHaveBeenProcessed() {
    return processed;
  }

  /**
   * How long the peer asks to wait before the next try.
   *
   * @return empty: it did not say
   */
  public Optional<Duration> retryAfter() {
    return retryAfterMillis < 0 ? Optional.empty() : Optional.of(Duration.ofMillis(retryAfterMillis));
  }

  /**
   * The option that is at fault or would help, such as {@code allowInsecureTokenUrl()}.
   *
   * @return one that the message names; empty: it names none
   */
  public Optional<String> option() {
    return Optional.ofNullable(option);
  }

  /**
   * The encoded {@code google.rpc.Status} that came with the failure; empty: none.
   *
   * @return a copy
   */
  public byte[] details() {
    return details.clone();
  }
}
