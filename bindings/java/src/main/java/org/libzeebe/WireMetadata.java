package org.libzeebe;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.grpc.Metadata;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Metadata of grpc-java and of the library. */
final class WireMetadata {
  private static final System.Logger LOGGER = System.getLogger(WireMetadata.class.getName());

  static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

  /** Of HTTP/2 and gRPC: as in grpc-java, what a program puts there does not count. */
  private static final Set<String> RESERVED =
      Set.of(
          "te", "content-type", "user-agent", "host", "connection", "keep-alive",
          "proxy-connection", "transfer-encoding", "upgrade", "content-length", "grpc-timeout",
          "grpc-encoding", "grpc-accept-encoding", "grpc-status", "grpc-message",
          "grpc-status-details-bin");

  private WireMetadata() {}

  private record Pair(String key, byte[] value) {}

  static Arguments write(Metadata metadata, Arguments to) {
    List<Pair> pairs = List.of();
    if (metadata != null && !metadata.keys().isEmpty()) {
      pairs = new ArrayList<>();
      for (String key : metadata.keys()) {
        if (!RESERVED.contains(key)) {
          add(metadata, key, pairs);
        }
      }
    }
    to.number(pairs.size());
    for (Pair pair : pairs) {
      to.text(pair.key).bytes(pair.value);
    }
    return to;
  }

  private static void add(Metadata metadata, String key, List<Pair> pairs) {
    if (isBinary(key)) {
      for (byte[] value : metadata.getAll(Metadata.Key.of(key, Metadata.BINARY_BYTE_MARSHALLER))) {
        pairs.add(new Pair(key, value));
      }
      return;
    }
    for (String value : metadata.getAll(Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER))) {
      pairs.add(new Pair(key, value.getBytes(US_ASCII)));
    }
  }

  /** HTTP allows keys that grpc-java does not, such as {@code x~y} and {@code -bin}: those are left out. */
  static void put(Metadata metadata, String key, byte[] value) {
    try {
      if (isBinary(key)) {
        metadata.put(Metadata.Key.of(key, Metadata.BINARY_BYTE_MARSHALLER), value);
      } else {
        metadata.put(
            Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER), new String(value, US_ASCII));
      }
    } catch (IllegalArgumentException e) {
      LOGGER.log(System.Logger.Level.DEBUG, "metadata that grpc-java has no key for is left out", e);
    }
  }

  private static boolean isBinary(String key) {
    return key.endsWith(Metadata.BINARY_HEADER_SUFFIX);
  }
}
