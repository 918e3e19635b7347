package org.libzeebe;

import io.grpc.Drainable;
import io.grpc.KnownLength;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;

/** Messages as the marshallers of a method give and take them, and as bytes. */
final class WireMessage {
  private WireMessage() {}

  static byte[] bytes(InputStream in) throws IOException {
    try (in) {
      if (in instanceof Drainable drainable) {
        int length = in instanceof KnownLength ? in.available() : 512;
        var out = new Encoder(length);
        drainable.drainTo(out);
        return out.bytes();
      }
      return in.readAllBytes();
    }
  }

  static InputStream stream(byte[] bytes) {
    return new Decoder(bytes);
  }

  /** Gives its bytes away without a copy when their number was foreseen. */
  private static final class Encoder extends ByteArrayOutputStream {
    Encoder(int length) {
      super(length);
    }

    byte[] bytes() {
      return count == buf.length ? buf : toByteArray();
    }
  }

  private static final class Decoder extends ByteArrayInputStream implements KnownLength {
    Decoder(byte[] bytes) {
      super(bytes);
    }
  }
}
