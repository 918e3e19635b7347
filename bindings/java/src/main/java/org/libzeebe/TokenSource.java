package org.libzeebe;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;

/**
 * Where the program's own tokens come from: a {@link MetadataPlugin} asks it, at most once at a time.
 *
 * <p>It must not refer to the plugin, or that is never collected.
 */
@FunctionalInterface
public interface TokenSource {
  /**
   * Starts to fetch a token; runs on a callback thread.
   *
   * @return the token, within 30 s; its future is cancelled once nobody waits for it. A failure with a
   *     {@code StatusRuntimeException} ends the calls with that status, any other with UNAVAILABLE
   */
  CompletionStage<Token> retrieve();

  /**
   * A source that blocks, asked on {@code executor}.
   *
   * @param source asked for tokens
   * @param executor where it runs
   * @return the source
   */
  static TokenSource blocking(Callable<Token> source, Executor executor) {
    return () ->
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return source.call();
              } catch (Exception e) {
                throw new CompletionException(e);
              }
            },
            executor);
  }
}
