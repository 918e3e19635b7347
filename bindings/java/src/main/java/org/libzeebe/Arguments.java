package org.libzeebe;

import io.grpc.Metadata;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/**
 * Packs arguments so that they cross JNI at once: numbers, and offsets into bytes. Text is real UTF-8 and ends with NUL; the
 * glue reads all in the order in which it was added.
 */
final class Arguments implements AutoCloseable {
  static final Duration MILLI = Duration.ofMillis(1);
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final long LEEWAY_NONE = -1;

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

  Arguments millis(String option, Duration duration) {
    return number(units(option, duration, MILLI));
  }

  Arguments seconds(String option, Duration duration) {
    return number(units(option, duration, SECOND));
  }

  /** Of a leeway zero is none, which has a number of its own. */
  Arguments leeway(Duration leeway) {
    return leeway != null && leeway.isZero()
        ? number(LEEWAY_NONE)
        : seconds("leeway()", leeway);
  }

  /** How long a token is good: with nothing left it has ended. */
  Arguments lifetime(Duration left) {
    return number(left == null ? 0 : left.isNegative() || left.isZero() ? -1 : roundUp(left, SECOND));
  }

  /**
   * An option in units, rounded up, so that what is little is not nothing. Null: not given, which is 0.
   *
   * @throws ZeebeException it is zero or negative
   */
  private static long units(String option, Duration duration, Duration unit) {
    if (duration == null) {
      return 0;
    }
    if (duration.isNegative() || duration.isZero()) {
      throw ZeebeException.refused(
          option, "is " + duration + ": more than nothing, or not given for the default");
    }
    return roundUp(duration, unit);
  }

  /**
   * What is too long for the number is the most that it can say.
   *
   * @param unit a second or a part of it
   */
  static long roundUp(Duration duration, Duration unit) {
    // Duration.dividedBy would take as long as all else of a call: it divides decimals of any length.
    long nanos = unit.toNanos();
    try {
      long seconds = Math.multiplyExact(duration.getSeconds(), SECOND.toNanos() / nanos);
      return Math.addExact(seconds, (duration.getNano() + nanos - 1) / nanos);
    } catch (ArithmeticException e) {
      return Long.MAX_VALUE;
    }
  }

  /** A method's, which begins with a slash. */
  Arguments path(String method) {
    ensure(1);
    bytes[length++] = '/';
    text(method);
    fields[fieldCount - 1]--;
    return this;
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
    int count = text.length();
    ensure(count + 1);
    for (int i = 0; i < count; i++) {
      char c = text.charAt(i);
      if (c >= 0x80) {
        return encoded(text);
      }
      bytes[length + i] = (byte) c;
    }
    return ended(count);
  }

  private Arguments encoded(String text) {
    ByteBuffer utf8;
    try {
      utf8 = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("text with an unpaired surrogate has no UTF-8");
    }
    int count = utf8.remaining();
    ensure(count + 1);
    utf8.get(bytes, length, count);
    Arrays.fill(utf8.array(), (byte) 0);
    return ended(count);
  }

  /** So many bytes of text stand behind the others. */
  private Arguments ended(int count) {
    number(length);
    length += count;
    bytes[length++] = 0;
    return this;
  }

  Arguments texts(List<String> texts) {
    number(texts.size());
    texts.forEach(this::text);
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
