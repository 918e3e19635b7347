package org.libzeebe;

import java.lang.System.Logger.Level;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Where the native library's log goes; at first, nowhere. There is one for the process: of several class loaders, the last that
 * asks has it.
 *
 * <pre>{@code
 * ZeebeLog.to(System.getLogger("org.libzeebe"));
 * }</pre>
 *
 * <p>Records come while there is a channel or a plugin, one at a time, in order, on a daemon thread; they hold no token and no
 * secret. One that is slow loses records, and is told how many; it delays nothing.
 */
public final class ZeebeLog {
  private ZeebeLog() {}

  /**
   * To a logger, from the level on that it has now.
   *
   * @param logger gets each record's text, after the part of the library that it comes from
   */
  public static void to(System.Logger logger) {
    Level level = Level.OFF;
    for (Level candidate : new Level[] {Level.ERROR, Level.WARNING, Level.INFO, Level.DEBUG, Level.TRACE}) {
      if (logger.isLoggable(candidate)) {
        level = candidate;
      }
    }
    to(level, entry -> logger.log(entry.level(), entry.part() + ": " + entry.message()));
  }

  /**
   * To a handler.
   *
   * @param level records of this level, and more urgent ones
   * @param handler gets each record; it may use this package
   */
  public static void to(Level level, Consumer<? super LogEntry> handler) {
    Objects.requireNonNull(handler, "handler");
    int number = LogEntry.number(level);
    CompletionQueue.setLog(number == 0 ? null : new CompletionQueue.Log(number, handler));
  }

  /** To nobody. */
  public static void off() {
    CompletionQueue.setLog(null);
  }
}
