package org.libzeebe;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** What a job says of itself, as {@code events.c} writes it, with its native handle. */
final class JobFields {
  /** In the order of {@code workers.c}. */
  private static final int TEXTS = 7;

  final NativeJob handle;
  final long key;
  final long processInstanceKey;
  final long processDefinitionKey;
  final long elementInstanceKey;
  final int processDefinitionVersion;
  final int retries;
  final int kind;
  final int listenerEventType;
  final String type;
  final String bpmnProcessId;
  final String elementId;
  final String tenantId;
  final String worker;
  final String customHeaders;
  final String variables;

  JobFields(long pointer, ByteBuffer in) {
    key = in.getLong();
    handle = new NativeJob(pointer, key);
    processInstanceKey = in.getLong();
    processDefinitionKey = in.getLong();
    elementInstanceKey = in.getLong();
    processDefinitionVersion = in.getInt();
    retries = in.getInt();
    kind = in.getInt();
    listenerEventType = in.getInt();
    var texts = new String[TEXTS];
    for (int which = 0; which < TEXTS; which++) {
      texts[which] = readText(in, which);
    }
    type = texts[0];
    bpmnProcessId = texts[1];
    elementId = texts[2];
    tenantId = texts[3];
    worker = texts[4];
    customHeaders = texts[5];
    variables = texts[6];
  }

  /** One that is long does not come with the event. */
  private String readText(ByteBuffer in, int which) {
    int length = in.getInt();
    if (length < 0) {
      return handle.text(which);
    }
    byte[] bytes = new byte[length];
    in.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** It comes again, with the retries that it has. Only while the queue is in use. */
  void giveBack(CompletionQueue queue, long backoffMillis, String why) {
    try (var arguments = NativeJob.arguments(null, why, null, retries, backoffMillis)) {
      handle.end(NativeJob.FAIL, arguments, queue.handle(), CompletionQueue.NOBODY);
    } catch (ZeebeException e) {
      // It was ended, or its worker was: it is left to its time-out.
      handle.run();
    }
  }
}
