package org.libzeebe;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;

/**
 * A peer over HTTP/2 without TLS that says what no server would: it answers each call with header fields as they are given, and
 * with an empty message, if that is asked for. Of a request it reads where it ends.
 */
final class Peer implements AutoCloseable {
  private static final int DATA = 0;
  private static final int HEADERS = 1;
  private static final int SETTINGS = 4;
  private static final int PING = 6;
  private static final int END_STREAM = 1;
  private static final int ACK = 1;
  private static final int END_HEADERS = 4;
  private static final byte[] PREFACE = new byte[24];
  private static final byte[] EMPTY_MESSAGE = new byte[5];

  /**
   * Names and values one after the other.
   *
   * @param trailers empty: the headers are all
   */
  record Answer(List<String> headers, List<String> trailers) {
    private void write(OutputStream out, int stream) throws IOException {
      var first = new ArrayList<>(List.of(":status", "200", "content-type", "application/grpc"));
      first.addAll(headers);
      int flags = trailers.isEmpty() ? END_HEADERS | END_STREAM : END_HEADERS;
      frame(out, HEADERS, flags, stream, block(first));
      if (!trailers.isEmpty()) {
        frame(out, DATA, 0, stream, EMPTY_MESSAGE);
        frame(out, HEADERS, END_HEADERS | END_STREAM, stream, block(trailers));
      }
      out.flush();
    }
  }

  private final ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
  private final Thread thread = new Thread(this::serve, "peer");
  private volatile Socket connection;
  private final List<Answer> answers;
  private int next;

  /** Each answers one call, the last all that follow. */
  Peer(Answer... answers) throws IOException {
    this.answers = List.of(answers);
    thread.setDaemon(true);
    thread.start();
  }

  String address() {
    return "localhost:" + listener.getLocalPort();
  }

  private void serve() {
    try {
      while (true) {
        try (Socket socket = listener.accept()) {
          connection = socket;
          serve(new DataInputStream(socket.getInputStream()), socket.getOutputStream());
        }
      }
    } catch (IOException e) {
      // The test is over.
    }
  }

  private void serve(DataInputStream in, OutputStream out) throws IOException {
    in.readFully(PREFACE);
    frame(out, SETTINGS, 0, 0, new byte[0]);
    for (int start = in.read(); start >= 0; start = in.read()) {
      byte[] payload = new byte[start << 16 | in.readUnsignedShort()];
      int type = in.read();
      int flags = in.read();
      int stream = in.readInt();
      in.readFully(payload);
      if (type == SETTINGS && (flags & ACK) == 0) {
        frame(out, SETTINGS, ACK, 0, new byte[0]);
      } else if (type == PING && (flags & ACK) == 0) {
        frame(out, PING, ACK, 0, payload);
      } else if (type <= HEADERS && (flags & END_STREAM) != 0) {
        answers.get(Math.min(next++, answers.size() - 1)).write(out, stream);
      }
    }
  }

  private static void frame(OutputStream out, int type, int flags, int stream, byte[] payload)
      throws IOException {
    var frame = new ByteArrayOutputStream();
    for (int shift = 16; shift >= 0; shift -= 8) {
      frame.write(payload.length >> shift);
    }
    frame.write(type);
    frame.write(flags);
    for (int shift = 24; shift >= 0; shift -= 8) {
      frame.write(stream >> shift);
    }
    frame.write(payload);
    out.write(frame.toByteArray());
  }

  /** HPACK: each field as a literal that is not indexed, in plain text of less than 127 bytes. */
  private static byte[] block(List<String> fields) throws IOException {
    var block = new ByteArrayOutputStream();
    for (int i = 0; i < fields.size(); i++) {
      if (i % 2 == 0) {
        block.write(0);
      }
      byte[] text = fields.get(i).getBytes(US_ASCII);
      block.write(text.length);
      block.write(text);
    }
    return block.toByteArray();
  }

  @Override
  public void close() throws Exception {
    listener.close();
    if (connection != null) {
      connection.close();
    }
    thread.join(20_000);
  }
}
