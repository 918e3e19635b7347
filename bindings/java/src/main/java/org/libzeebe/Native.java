package org.libzeebe;

import java.nio.ByteBuffer;

/**
 * The functions of the JNI glue, one for each that is used of {@code zeebe.h}. A {@code long} that is returned is an error's
 * handle, 0 on success, for {@link ZeebeException#check}; results go to {@code out}. {@link NativeLibrary#require} comes first.
 */
final class Native {
  private Native() {}

  static native byte[] version();

  static native long runtimeConfigure(int ioThreads);

  static native long environment(int variable, byte[] bytes, int length, byte[][] out);

  static native long channelNew(int form, byte[] bytes, int length, long credentials, long[] out);

  static native void channelFree(long channel);

  static native long channelDescribe(long channel, boolean stats, byte[][] out);

  static native long channelsPrometheus(long[] channels, byte[][] out);

  static native long channelGetState(long channel, boolean connect, long[] out);

  static native long channelWaitForStateChange(long channel, int last, long queue, long id);

  static native long channelClose(long channel, long graceMillis, long queue, long id);

  static native long channelRetrieveToken(long channel, long queue, long id);

  static native long credentialsNew(int kind, byte[] bytes, int length, long[] out);

  static native long credentialsComposite(long base, long plugin, long[] out);

  static native void credentialsFree(long credentials);

  static native long pluginNew(boolean basic, byte[] bytes, int length, long[] out);

  static native long pluginFromSource(
      byte[] bytes, int length, long queue, long id, long[] out);

  static native long pluginSetToken(long plugin, byte[] bytes, int length);

  static native long pluginIsTokenExpired(long plugin, long[] out);

  static native long pluginRetrieveToken(long plugin, long queue, long id);

  static native void pluginFree(long plugin);

  static native long tokenComplete(long request, byte[] bytes, int length);

  static native long tokenFail(long request, byte[] bytes, int length);

  static native void tokenFree(long request);

  /** The call; negative: minus an error. */
  static native long callUnary(long channel, byte[] bytes, int length, long queue, long tag);

  /** As callUnary. */
  static native long callStart(long channel, byte[] bytes, int length, long queue, long tag);

  static native long callSend(long call, byte[] message, boolean isLast);

  static native long callHalfClose(long call);

  static native long callRequest(long call, long count);

  static native boolean callIsReady(long call);

  static native void callCancel(long call);

  static native void callFree(long call);

  /** The first so many; 0 is none. */
  static native void callsFree(long[] calls, int count);

  static native long jobStreamStart(
      long channel, byte[] bytes, int length, long queue, long id, long[] out);

  static native long jobStreamRequest(long stream, long count);

  static native void jobStreamClose(long stream);

  static native void jobStreamFree(long stream);

  static native long jobWorkerStart(
      long channel, byte[] bytes, int length, long queue, long id, long[] out);

  static native void jobWorkerClose(long worker);

  static native long jobWorkerStats(long worker, byte[][] out);

  static native long jobWorkersPrometheus(long[] workers, byte[][] out);

  static native void jobWorkerFree(long worker);

  static native byte[] jobText(long job, int which);

  static native byte[] jobMessage(long job);

  static native long jobDeadline(long job);

  static native long jobEnd(long job, int kind, byte[] bytes, int length, long queue, long id);

  static native void jobFree(long job);

  static native long logStart(int level, long queue, long id);

  static native void logStop();

  static native long queueNew(long[] out);

  static native void queueFree(long queue);

  static native void queueWake(long queue);

  /**
   * Blocks until there are events and writes them to a direct buffer: returns how many bytes, or minus what the next event
   * alone needs, unless it is to be cut; {@code Long.MIN_VALUE}: the runtime was shut down.
   */
  static native long queueTake(long queue, ByteBuffer buffer, boolean cut);

  static native byte[] errorTake(long error);

  static native void bufferTake(long buffer, byte[] bytes);

  static native void bufferFree(long buffer);
}
