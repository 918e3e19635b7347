package org.libzeebe;

/**
 * The native library's runtime, of which a process has one: how its I/O is done. To be said before the first channel or plugin.
 *
 * <pre>{@code
 * ZeebeRuntime.options().driven().configure();
 * }</pre>
 */
public final class ZeebeRuntime {
  private int ioThreads;
  private boolean driven;

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
   * How many threads of the library's do the I/O.
   *
   * @param count 1 to 64; by default 1
   * @return this
   */
  public ZeebeRuntime ioThreads(int count) {
    ioThreads = count == 0 ? -1 : count; // in the library 0 is the default
    return this;
  }

  /**
   * No thread of the library's does the I/O, but the one that takes events and hands them to callbacks, so that nothing is handed
   * from thread to thread: a call costs less. With {@code directExecutor()} it runs the callbacks, too: while one runs, nothing is
   * sent or received, of any channel.
   *
   * @return this
   */
  public ZeebeRuntime driven() {
    driven = true;
    return this;
  }

  /**
   * From now on, for all of the process.
   *
   * @throws ZeebeException a number is out of range; or the runtime runs already
   */
  public void configure() {
    NativeLibrary.require();
    ZeebeException.check(Native.runtimeConfigure(ioThreads, driven));
  }
}
