package org.libzeebe;

import io.grpc.Metadata;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/**
 * Packs arguments so that they cross JNI at once, in one array: numbers of eight bytes, and behind their length bytes, and text,
 * which is real UTF-8 and ends with NUL. The glue reads all in the order in which it was added.
 */
final class Arguments implements AutoCloseable {
  static final Duration MILLI = Duration.ofMillis(1);
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final long LEEWAY_NONE = -1;
  private static final long NOT_GIVEN = -1;
  private static final VarHandle NUMBERS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

  private byte[] bytes;
  private int length;

  Arguments() {
    this(256);
  }

  /** With room for so many bytes. */
  Arguments(int room) {
    bytes = new byte[room];
  }

  Arguments number(long number) {
    ensure(Long.BYTES);
    NUMBERS.set(bytes, length, number);
    length += Long.BYTES;
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
    return text("/", method);
  }

  /**
   * Null: not given.
   *
   * @throws IllegalArgumentException the text has a NUL or an unpaired surrogate: C would see another text
   */
  Arguments text(String text) {
    return text == null ? number(NOT_GIVEN) : text("", text);
  }

  /** Behind a first part, which is ASCII. */
  private Arguments text(String first, String rest) {
    int before = length;
    number(0); // until it is known
    int start = length;
    if (!ascii(first) || !ascii(rest)) {
      encoded(rest);
    }
    NUMBERS.set(bytes, before, (long) (length - start));
    ensure(1);
    bytes[length++] = 0;
    return this;
  }

  /** False, and nothing is added: it has other characters. */
  private boolean ascii(String text) {
    int count = text.length();
    ensure(count);
    for (int i = 0; i < count; i++) {
      char c = text.charAt(i);
      if (c == 0 || c >= 0x80) {
        return false;
      }
      bytes[length + i] = (byte) c;
    }
    length += count;
    return true;
  }

  private void encoded(String text) {
    if (text.indexOf('\0') >= 0) {
      throw refused("text with U+0000 cannot be passed on");
    }
    ensure(3 * text.length()); // more no character takes
    var utf8 = ByteBuffer.wrap(bytes, length, bytes.length - length);
    var encoder = StandardCharsets.UTF_8.newEncoder();
    if (!encoder.encode(CharBuffer.wrap(text), utf8, true).isUnderflow()) {
      throw refused("text with an unpaired surrogate has no UTF-8");
    }
    length = utf8.position();
  }

  /** What came before may be a secret, and nobody may be there yet to close this. */
  private IllegalArgumentException refused(String why) {
    close();
    return new IllegalArgumentException(why);
  }

  Arguments texts(List<String> texts) {
    number(texts.size());
    texts.forEach(this::text);
    return this;
  }

  Arguments bytes(byte[] value) {
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
      bytes = Arrays.copyOf(before, before.length + Math.max(length, more));
      Arrays.fill(before, (byte) 0);
    }
  }

  /** Of which {@link #length} are used. */
  byte[] bytes() {
    return bytes;
  }

  int length() {
    return length;
  }

  /** Overwrites the bytes: among them may be secrets. */
  @Override
  public void close() {
    Arrays.fill(bytes, (byte) 0);
  }
}
