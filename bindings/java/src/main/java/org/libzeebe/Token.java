package org.libzeebe;

import java.time.Duration;
import java.util.Objects;

/**
 * A bearer token, as a {@link TokenSource} gives it.
 *
 * @param accessToken printable ASCII without spaces; a secret
 * @param scope what was granted; may be null
 * @param expiresIn from now, rounded up to seconds; null: unknown; nothing or less: good for the calls that wait, and no other
 */
public record Token(String accessToken, String scope, Duration expiresIn) {
  /**
   * Checks that there is a token.
   *
   * @param accessToken printable ASCII without spaces; a secret
   * @param scope null: none
   * @param expiresIn from now, rounded up to seconds; null: unknown; nothing or less: good for the calls that wait, and no other
   */
  public Token {
    Objects.requireNonNull(accessToken, "accessToken");
  }

  /**
   * A token that expires then.
   *
   * @param accessToken printable ASCII without spaces; a secret
   * @param expiresIn from now, rounded up to seconds; null: unknown; nothing or less: good for the calls that wait, and no other
   */
  public Token(String accessToken, Duration expiresIn) {
    this(accessToken, null, expiresIn);
  }

  /** Without the token, which is a secret. */
  @Override
  public String toString() {
    return "Token[scope=" + scope + ", expiresIn=" + expiresIn + "]";
  }
}
