package org.libzeebe;

import io.grpc.Metadata;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;

/**
 * Packs arguments so that they cross JNI at once: numbers, and offsets into bytes. Text is real UTF-8 and ends with NUL; the
 * glue reads all in the order in which it was added.
 */
final class Arguments implements AutoCloseable {
  private long[] fields = new long[16];
  private byte[] bytes;
  private int fieldCount;
  private int length;

  Arguments() {
    this(256);
  }

  /** With room for so many bytes. */
  Arguments(int room) {
    bytes = new byte[room];
  }

  Arguments number(long number) {
    if (fieldCount == fields.length) {
      fields = Arrays.copyOf(fields, 2 * fieldCount);
    }
    fields[fieldCount++] = number;
    return this;
  }

  Arguments flag(boolean flag) {
    return number(flag ? 1 : 0);
  }

  /** Null: not given. */
  Arguments millis(Duration duration) {
    return number(duration == null ? 0 : millisOf(duration));
  }

  /** Rounded up, so that what is little is not nothing. */
  private static long millisOf(Duration duration) {
    try {
      return Math.addExact(duration.toMillis(), duration.toNanosPart() % 1_000_000 == 0 ? 0 : 1);
    } catch (ArithmeticException e) {
      return duration.isNegative() ? Long.MIN_VALUE : Long.MAX_VALUE;
    }
  }

  /**
   * Null: not given.
   *
   * @throws IllegalArgumentException the text has a NUL or an unpaired surrogate: C would see another text
   */
  Arguments text(String text) {
    if (text == null) {
      return number(-1);
    }
    if (text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("text with U+0000 cannot be passed on");
    }
    ByteBuffer utf8;
    try {
      utf8 = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("text with an unpaired surrogate has no UTF-8");
    }
    number(length);
    int count = utf8.remaining();
    ensure(count + 1);
    utf8.get(bytes, length, count);
    length += count;
    bytes[length++] = 0;
    Arrays.fill(utf8.array(), (byte) 0);
    return this;
  }

  Arguments bytes(byte[] value) {
    number(length);
    number(value.length);
    ensure(value.length);
    System.arraycopy(value, 0, bytes, length, value.length);
    length += value.length;
    return this;
  }

  Arguments metadata(Metadata metadata) {
    return WireMetadata.write(metadata, this);
  }

  private void ensure(int more) {
    if (length + more > bytes.length) {
      byte[] before = bytes;
      bytes = Arrays.copyOf(before, Math.max(2 * before.length, length + more));
      Arrays.fill(before, (byte) 0);
    }
  }

  long[] fields() {
    return fields;
  }

  byte[] bytes() {
    return bytes;
  }

  /** Overwrites the bytes: among them may be secrets. */
  @Override
  public void close() {
    Arrays.fill(bytes, (byte) 0);
  }
}
