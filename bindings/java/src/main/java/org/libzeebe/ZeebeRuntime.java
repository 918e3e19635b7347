package org.libzeebe;

/**
 * The native library's runtime, of which a process has one: how its I/O is done. To be said before the first channel or plugin.
 *
 * <pre>{@code
 * ZeebeRuntime.options().ioThreads(2).configure();
 * }</pre>
 *
 * <p>Where nobody says it, the thread that takes events and hands them to callbacks does the I/O, too, so that nothing is handed
 * from thread to thread. With {@code directExecutor()} it runs the callbacks: while one runs, nothing is sent or received, of any
 * channel.
 */
public final class ZeebeRuntime {
  private static volatile boolean isConfigured;

  private int ioThreads;

  private ZeebeRuntime() {}

  /**
   * Options at their defaults.
   *
   * @return them
   */
  public static ZeebeRuntime options() {
    return new ZeebeRuntime();
  }

  /**
   * How many threads of the library's do the I/O, which then goes on while a callback blocks the thread that takes events; a call
   * costs more.
   *
   * @param count 1 to 64; 0, by default on Linux: none; elsewhere it is 1
   * @return this
   */
  public ZeebeRuntime ioThreads(int count) {
    ioThreads = count;
    return this;
  }

  /**
   * From now on, for all of the process.
   *
   * @throws ZeebeException a number is out of range; or the runtime runs already
   */
  public void configure() {
    NativeLibrary.require();
    ZeebeException.check(Native.runtimeConfigure(ioThreads));
    isConfigured = true;
  }

  /** Before a runtime may begin. One that runs already is others', and is as they made it. */
  static void configureByDefault() {
    if (!isConfigured) {
      long error = Native.runtimeConfigure(0);
      if (error == 0) {
        isConfigured = true;
      } else {
        ZeebeException.take(error);
      }
    }
  }
}
