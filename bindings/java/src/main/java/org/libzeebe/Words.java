package org.libzeebe;

/** What an exception says, as the message of a job that failed by it. */
final class Words {
  private static final int LENGTH_MAX = 8192;
  private static final int CAUSES_MAX = 8;

  private Words() {}

  /** With its causes. It is never null, and can be passed on. */
  static String of(Throwable thrown) {
    var words = new StringBuilder();
    Throwable cause = thrown;
    for (int i = 0; cause != null && i <= CAUSES_MAX && words.length() < LENGTH_MAX; i++) {
      words.append(i == 0 ? "" : "; caused by ").append(said(cause));
      cause = cause.getCause();
    }
    words.setLength(Math.min(words.length(), LENGTH_MAX));
    return passable(words);
  }

  /** An exception may itself not be able to say it. */
  private static String said(Throwable thrown) {
    try {
      return String.valueOf(thrown);
    } catch (Throwable e) {
      return thrown.getClass().getName();
    }
  }

  /** Without what {@link Arguments#text} refuses. */
  private static String passable(StringBuilder words) {
    for (int i = 0; i < words.length(); i++) {
      char c = words.charAt(i);
      boolean isPair =
          Character.isHighSurrogate(c)
              && i + 1 < words.length()
              && Character.isLowSurrogate(words.charAt(i + 1));
      if (isPair) {
        i++;
      } else if (c == '\0' || Character.isSurrogate(c)) {
        words.setCharAt(i, '\uFFFD');
      }
    }
    return words.toString();
  }
}
