package org.libzeebe;

import java.lang.System.Logger.Level;

/**
 * One record of the library's log. It holds no token and no secret.
 *
 * @param level how urgent
 * @param part the part of the library that it comes from, such as {@code zeebe::channel}
 * @param message what happened
 */
public record LogEntry(Level level, String part, String message) {
  /** By the library's numbers; one that this version does not know is INFO. */
  private static final Level[] LEVELS = {
    Level.OFF, Level.ERROR, Level.WARNING, Level.INFO, Level.DEBUG, Level.TRACE
  };

  static Level level(int number) {
    return number >= 1 && number < LEVELS.length ? LEVELS[number] : Level.INFO;
  }

  static int number(Level level) {
    return level == Level.ALL ? number(Level.TRACE) : java.util.List.of(LEVELS).indexOf(level);
  }
}
