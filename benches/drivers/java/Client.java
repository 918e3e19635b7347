import com.sun.management.OperatingSystemMXBean;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Status;
import io.grpc.TlsChannelCredentials;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.libzeebe.GatewayCredentials;
import org.libzeebe.ZeebeChannel;

/**
 * The clients zeebe-java, libzeebe through the Java binding, and grpc-java, on Netty: with the same calls, whose messages stay
 * bytes, and callbacks on the thread that reads. The first argument says which; src/run.rs is the agreement on the others, and
 * on what is printed. It warms up until the JIT has nothing left to compile, which on one core takes its time; what is measured
 * then is the same code to the last branch, or the JIT would throw away what it compiled just when measuring begins.
 */
final class Client {
  private static final int WARM_UP_MOST_SECONDS = 45;
  /** Of one second: what an idle JIT takes. */
  private static final long JIT_IDLE_NANOS = 20_000_000;
  /** As many as a long run has; a power of two. */
  private static final int LATENCIES = 1 << 20;

  private static final MethodDescriptor.Marshaller<byte[]> BYTES =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] message) {
          return new ByteArrayInputStream(message);
        }

        @Override
        public byte[] parse(InputStream stream) {
          try {
            return stream.readAllBytes();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }
      };

  private static final MethodDescriptor<byte[], byte[]> TOPOLOGY =
      method("gateway_protocol.Gateway/Topology", MethodType.UNARY);
  private static final MethodDescriptor<byte[], byte[]> STREAM_ACTIVATED_JOBS =
      method("gateway_protocol.Gateway/StreamActivatedJobs", MethodType.SERVER_STREAMING);

  private final String library;
  private final String address;
  private final String ca;
  private final int inFlight;
  private final double seconds;

  private volatile boolean isOver;
  private final Semaphore ended = new Semaphore(0);
  /** From the beginning on; written by the reading thread alone. */
  private volatile long count;
  /** Of the last calls, each at its number; the reading thread's until the end of all. */
  private final long[] latencies = new long[LATENCIES];

  private Client(String[] arguments) {
    library = arguments[0];
    address = arguments[1];
    ca = arguments[2];
    inFlight = Integer.parseInt(arguments[4]);
    seconds = Double.parseDouble(arguments[5]);
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 6) {
      throw new IllegalArgumentException("usage: LIBRARY ADDRESS CA ROW IN_FLIGHT SECONDS");
    }
    var client = new Client(arguments);
    String result =
        switch (arguments[3]) {
          case "unary" -> client.unary();
          case "stream" -> client.stream();
          case "cold" -> client.cold();
          case "idle" -> client.idle();
          default -> throw new IllegalArgumentException("no such row: " + arguments[3]);
        };
    System.out.println("{\"version\":\"" + client.version() + "\"," + result + "}");
    System.exit(0);
  }

  private boolean isOurs() {
    return library.equals("zeebe-java");
  }

  private String version() {
    return isOurs()
        ? "libzeebe " + ZeebeChannel.libraryVersion() + ", Java " + Runtime.version().feature()
        : "grpc-java " + io.grpc.internal.GrpcUtil.IMPLEMENTATION_VERSION;
  }

  private static MethodDescriptor<byte[], byte[]> method(String name, MethodType type) {
    return MethodDescriptor.<byte[], byte[]>newBuilder(BYTES, BYTES)
        .setType(type)
        .setFullMethodName(name)
        .build();
  }

  private ManagedChannel newChannel() throws IOException {
    boolean isSecure = !ca.equals("-");
    if (!isOurs()) {
      var credentials =
          isSecure
              ? TlsChannelCredentials.newBuilder().trustManager(new File(ca)).build()
              : InsecureChannelCredentials.create();
      return Grpc.newChannelBuilder(address, credentials).directExecutor().build();
    }
    if (!isSecure) {
      return ZeebeChannel.insecure().address(address).directExecutor().build();
    }
    return ZeebeChannel.secure()
        .address(address)
        .credentials(GatewayCredentials.tls(Files.readString(Path.of(ca))))
        .directExecutor()
        .build();
  }

  private static ClientCall<byte[], byte[]> newCall(
      ManagedChannel channel, MethodDescriptor<byte[], byte[]> method) {
    return channel.newCall(method, CallOptions.DEFAULT.withDeadlineAfter(30, TimeUnit.SECONDS));
  }

  /** Sends the one request, which is empty. */
  private static void start(
      ClientCall<byte[], byte[]> call, ClientCall.Listener<byte[]> listener, int requested) {
    call.start(listener, new Metadata());
    call.request(requested);
    call.sendMessage(new byte[0]);
    call.halfClose();
  }

  private static void check(Status status) {
    if (!status.isOk()) {
      System.err.println(status);
      Runtime.getRuntime().halt(1);
    }
  }

  /** One of the calls in flight: as it ends, the next one starts. */
  private final class Slot extends ClientCall.Listener<byte[]> {
    private final ManagedChannel channel;
    private long from;

    Slot(ManagedChannel channel) {
      this.channel = channel;
    }

    void next() {
      from = System.nanoTime();
      start(newCall(channel, TOPOLOGY), this, 2);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      check(status);
      countOne(from);
      if (isOver) {
        ended.release();
      } else {
        next();
      }
    }
  }

  /** On one thread at a time. */
  private void countOne(long from) {
    latencies[(int) count & LATENCIES - 1] = System.nanoTime() - from;
    count = count + 1;
  }

  private final class Stream extends ClientCall.Listener<byte[]> {
    private final ManagedChannel channel;
    private ClientCall<byte[], byte[]> call;

    Stream(ManagedChannel channel) {
      this.channel = channel;
    }

    void next() {
      call = newCall(channel, STREAM_ACTIVATED_JOBS);
      start(call, this, 1);
    }

    @Override
    public void onMessage(byte[] message) {
      count = count + 1;
      if (isOver) {
        call.cancel("over", null);
      } else {
        call.request(1);
      }
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      if (isOver) {
        ended.release();
        return;
      }
      check(status);
      next();
    }
  }

  private String measure(Runnable begin, int atATime, boolean isTimed)
      throws InterruptedException, IOException {
    begin.run();
    warmUp();
    long from = System.nanoTime();
    long cpuFrom = cpu();
    long countFrom = count;
    sleep(seconds);
    long countTo = count;
    long counted = countTo - countFrom;
    long cpu = cpu() - cpuFrom;
    double took = (System.nanoTime() - from) / 1e9;
    isOver = true;
    ended.acquire(atATime);
    String result =
        String.format(
            Locale.ROOT,
            "\"count\":%d,\"seconds\":%f,\"cpu_us\":%f",
            counted,
            took,
            cpu / 1e3 / counted);
    if (isTimed) {
      long[] measured =
          LongStream.range(Math.max(countFrom, countTo - LATENCIES / 2), countTo)
              .map(number -> latencies[(int) number & LATENCIES - 1])
              .sorted()
              .toArray();
      result +=
          String.format(
              Locale.ROOT,
              ",\"p50_us\":%f,\"p99_us\":%f",
              measured[measured.length / 2] / 1e3,
              measured[(int) (measured.length * 99L / 100)] / 1e3);
    }
    return result;
  }

  /** The JIT is done when it has rested for three seconds: a profile has to grow before it goes on. */
  private static void warmUp() throws InterruptedException, IOException {
    long before = jitNanos();
    for (int second = 0, idle = 0; second < WARM_UP_MOST_SECONDS && idle < 3; second++) {
      sleep(1);
      long now = jitNanos();
      idle = now - before < JIT_IDLE_NANOS ? idle + 1 : 0;
      before = now;
    }
  }

  /** Processor time of the JIT's threads so far. */
  private static long jitNanos() throws IOException {
    long nanos = 0;
    try (var threads = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
      for (Path thread : threads) {
        try {
          if (Files.readString(thread.resolve("comm")).contains(" CompilerThre")) {
            nanos += Long.parseLong(Files.readString(thread.resolve("schedstat")).split(" ")[0]);
          }
        } catch (IOException e) {
          // It has ended meanwhile.
        }
      }
    }
    return nanos;
  }

  private static void sleep(double seconds) throws InterruptedException {
    Thread.sleep((long) (seconds * 1000));
  }

  private String unary() throws Exception {
    ManagedChannel channel = newChannel();
    call(channel); // connects
    return measure(
        () -> {
          for (int i = 0; i < inFlight; i++) {
            new Slot(channel).next();
          }
        },
        inFlight,
        true);
  }

  private String stream() throws Exception {
    ManagedChannel channel = newChannel();
    return measure(new Stream(channel)::next, 1, false);
  }

  private String cold() throws Exception {
    var thread =
        new Thread(
            () -> {
              while (!isOver) {
                long from = System.nanoTime();
                try {
                  ManagedChannel channel = newChannel();
                  call(channel);
                  channel.shutdown();
                } catch (IOException | InterruptedException e) {
                  throw new IllegalStateException(e);
                }
                countOne(from);
              }
              ended.release();
            });
    return measure(thread::start, 1, true);
  }

  private String idle() throws Exception {
    // What the first one needs, the process needs once.
    List<ManagedChannel> channels = new ArrayList<>();
    channels.add(newChannel());
    call(channels.get(0));
    double before = rssKib();
    for (int i = 0; i < inFlight; i++) {
      ManagedChannel channel = newChannel();
      channels.add(channel);
      call(channel);
    }
    double each = (rssKib() - before) / inFlight;
    java.lang.ref.Reference.reachabilityFence(channels);
    return String.format(Locale.ROOT, "\"rss_kib\":%f", each);
  }

  private static void call(ManagedChannel channel) throws InterruptedException {
    var done = new Semaphore(0);
    start(
        newCall(channel, TOPOLOGY),
        new ClientCall.Listener<>() {
          @Override
          public void onClose(Status status, Metadata trailers) {
            check(status);
            done.release();
          }
        },
        2);
    done.acquire();
  }

  /** Processor time of this process so far, user and system, in nanoseconds. */
  private static long cpu() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private static double rssKib() throws IOException {
    return Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ")[1]) * 4.0;
  }
}
