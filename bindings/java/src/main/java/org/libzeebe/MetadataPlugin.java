package org.libzeebe;

import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.LongFunction;

/**
 * Authenticates calls; channels share it. Close it when no more channel is made with it: those made keep it. One that is
 * forgotten is closed when it is collected.
 */
public final class MetadataPlugin implements AutoCloseable {
  private final CompletionQueue queue;
  private final Handle handle;

  private MetadataPlugin(long pointer, CompletionQueue queue) {
    this.queue = queue;
    handle = new Handle(this, pointer, queue, Native::pluginFree);
  }

  /**
   * Sends a bearer token that the program has; {@link #setToken} replaces it.
   *
   * @param token a secret
   * @return the plugin
   */
  public static MetadataPlugin bearer(String token) {
    return create(false, token, null);
  }

  /**
   * HTTP Basic (RFC 7617), as UTF-8: self-managed Camunda from 8.8 on.
   *
   * @param username who
   * @param password a secret
   * @return the plugin
   */
  public static MetadataPlugin basic(String username, String password) {
    return create(true, username, password);
  }

  private static MetadataPlugin create(boolean basic, String first, String second) {
    try (var arguments = new Arguments()) {
      arguments.text(first).text(second);
      return create(
          (queue, out) -> Native.pluginNew(basic, arguments.bytes(), arguments.length(), out));
    }
  }

  /**
   * Sends the tokens of the program's own source, with a leeway of a minute.
   *
   * @param source asked for tokens
   * @return the plugin
   */
  public static MetadataPlugin tokens(TokenSource source) {
    return tokens(source, null, null);
  }

  /**
   * Sends the tokens of the program's own source.
   *
   * @param source asked for tokens
   * @param leeway how long before its expiry a token counts as expired, rounded up to seconds; zero: none; null: a minute
   * @param expireIn how long a token is good that does not say so itself, rounded up to seconds; null: not given
   * @return the plugin
   */
  public static MetadataPlugin tokens(TokenSource source, Duration leeway, Duration expireIn) {
    try (var arguments = new Arguments()) {
      arguments.leeway(leeway).seconds("expireIn()", expireIn);
      return create(
          (queue, out) -> {
            long id = queue.register(new Retriever(source, queue));
            long error =
                Native.pluginFromSource(
                    arguments.bytes(), arguments.length(), queue.handle(), id, out);
            if (error != 0) {
              queue.forget(id);
            }
            return error;
          });
    }
  }

  private interface Constructor {
    long create(CompletionQueue queue, long[] out);
  }

  private static MetadataPlugin create(Constructor constructor) {
    CompletionQueue queue = CompletionQueue.retain();
    long[] out = new long[1];
    try {
      ZeebeException.check(constructor.create(queue, out));
    } catch (RuntimeException e) {
      queue.release();
      throw e;
    }
    return new MetadataPlugin(out[0], queue);
  }

  /**
   * Replaces the token of a {@link #bearer} plugin, for calls that start from now on.
   *
   * @param token a secret
   * @throws ZeebeException INVALID_ARGUMENT: no header may hold the token; ILLEGAL_STATE: another kind of plugin
   */
  public void setToken(String token) {
    try (var arguments = new Arguments()) {
      arguments.text(token);
      use(
          pointer -> {
            ZeebeException.check(
                Native.pluginSetToken(pointer, arguments.bytes(), arguments.length()));
            return null;
          });
    }
  }

  /**
   * Whether a call would need a new token now.
   *
   * @return true: it would
   * @throws ZeebeException ILLEGAL_STATE: the plugin fetches no token
   */
  public boolean isTokenExpired() {
    return use(
        pointer -> {
          long[] out = new long[1];
          ZeebeException.check(Native.pluginIsTokenExpired(pointer, out));
          return out[0] != 0;
        });
  }

  /**
   * Fetches a token, even if there is a good one.
   *
   * @return completes once there is one, else with a {@link ZeebeException}
   * @throws ZeebeException ILLEGAL_STATE: the plugin fetches no token
   */
  public CompletableFuture<Void> retrieveToken() {
    return use(
        pointer -> {
          var done = new Completion(queue);
          long id = queue.register(done);
          done.started(id, Native.pluginRetrieveToken(pointer, queue.handle(), id));
          return done.future();
        });
  }

  /** Closes it; may be repeated. */
  @Override
  public void close() {
    handle.close();
  }

  <T> T use(LongFunction<T> function) {
    long pointer = handle.acquire();
    if (pointer == 0) {
      throw new IllegalStateException("the plugin was closed");
    }
    try {
      return function.apply(pointer);
    } finally {
      handle.release();
    }
  }

  /** Asks the source, and answers the library. */
  private static final class Retriever implements CompletionQueue.Receiver {
    private final TokenSource source;
    private final CompletionQueue queue;
    private CompletableFuture<Token> fetch;

    Retriever(TokenSource source, CompletionQueue queue) {
      this.source = source;
      this.queue = queue;
    }

    @Override
    public void receive(Event event) {
      if (event.posted == Event.TOKEN_REQUEST) {
        queue.executor().execute(() -> ask(event.request));
      } else {
        queue.executor().execute(this::cancel);
      }
    }

    @Override
    public boolean awaitsEnd() {
      return false;
    }

    private void ask(long request) {
      CompletableFuture<Token> fetch;
      try {
        fetch = source.retrieve().toCompletableFuture();
      } catch (Throwable e) {
        fetch = CompletableFuture.failedFuture(e);
      }
      synchronized (this) {
        this.fetch = fetch;
      }
      fetch.whenComplete((token, failure) -> answer(request, token, failure));
    }

    private synchronized void cancel() {
      if (fetch != null) {
        fetch.cancel(true);
      }
    }

    private static void answer(long request, Token token, Throwable failure) {
      try {
        if (failure == null && token != null) {
          complete(request, token);
        } else {
          fail(
              request,
              failure == null ? new NullPointerException("the source gave null") : failure);
        }
      } catch (RuntimeException e) {
        fail(request, e);
      } finally {
        Native.tokenFree(request);
      }
    }

    private static void complete(long request, Token token) {
      try (var arguments = new Arguments()) {
        arguments.text(token.accessToken()).text(token.scope()).lifetime(token.expiresIn());
        ZeebeException.check(
            Native.tokenComplete(request, arguments.bytes(), arguments.length()));
      }
    }

    private static void fail(long request, Throwable failure) {
      Throwable cause =
          failure instanceof CompletionException && failure.getCause() != null
              ? failure.getCause()
              : failure;
      Status status = Status.fromThrowable(cause);
      if (status.getCode() == Status.Code.UNKNOWN) {
        status = Status.UNAVAILABLE.withDescription("the token source failed: " + cause);
      }
      try (var arguments = new Arguments()) {
        String message = String.valueOf(status.getDescription()).replace('\0', ' ');
        arguments.number(status.getCode().value()).text(message).number(-1);
        // It can only fail because the request was answered before.
        ZeebeException.take(Native.tokenFail(request, arguments.bytes(), arguments.length()));
      }
    }
  }
}
