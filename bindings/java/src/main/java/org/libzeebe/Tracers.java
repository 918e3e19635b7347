package org.libzeebe;

import io.grpc.CallOptions;
import io.grpc.ClientStreamTracer;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.List;
import java.util.function.Consumer;

/**
 * The tracers of a call, such as OpenTelemetry's, which learn what happens to its stream. What they are to be told of is added
 * where the call is locked, which decides the order, and told outside of that, by {@link #tell}: they are the program's, and may
 * have locks of their own.
 *
 * <p>The library tells no sizes on the wire: they count as those of the messages.
 */
final class Tracers {
  static final Tracers NONE = new Tracers(List.of());

  private final List<ClientStreamTracer> tracers;
  private final SerializingExecutor due = new SerializingExecutor(Runnable::run);
  private int sent;
  private int received;

  private Tracers(List<ClientStreamTracer> tracers) {
    this.tracers = tracers;
  }

  /** Factories may add to the headers. */
  static Tracers create(CallOptions options, Metadata headers) {
    var factories = options.getStreamTracerFactories();
    if (factories.isEmpty()) {
      return NONE;
    }
    var info = ClientStreamTracer.StreamInfo.newBuilder().setCallOptions(options).build();
    return new Tracers(
        factories.stream().map(factory -> factory.newClientStreamTracer(info, headers)).toList());
  }

  /** Tells what is due, on this thread, unless another does. Not where the call is locked. */
  void tell() {
    due.schedule();
  }

  boolean areDue() {
    return !due.isEmpty();
  }

  boolean areNone() {
    return tracers.isEmpty();
  }

  /** Has something run behind what is due by now, as the listener is told: in grpc-java, too, a tracer knows of the end before it. */
  void then(Runnable next) {
    due.add(next);
  }

  private void add(Consumer<ClientStreamTracer> what) {
    if (!tracers.isEmpty()) {
      due.add(() -> tell(what));
    }
  }

  /** What a tracer throws is its own: the call goes on, and so do the others. */
  private void tell(Consumer<ClientStreamTracer> what) {
    for (ClientStreamTracer tracer : tracers) {
      try {
        what.accept(tracer);
      } catch (Throwable e) {
        CompletionQueue.log("a tracer failed", e);
      }
    }
  }

  void outboundHeaders() {
    add(ClientStreamTracer::outboundHeaders);
  }

  void outboundMessage(int size) {
    if (tracers.isEmpty()) {
      return; // all calls share what counts nothing
    }
    int number = sent++;
    add(
        tracer -> {
          tracer.outboundMessage(number);
          tracer.outboundMessageSent(number, size, size);
          tracer.outboundUncompressedSize(size);
          tracer.outboundWireSize(size);
        });
  }

  void inboundHeaders(Metadata headers) {
    add(tracer -> tracer.inboundHeaders(headers));
  }

  void inboundMessage(int size) {
    if (tracers.isEmpty()) {
      return;
    }
    int number = received++;
    add(
        tracer -> {
          tracer.inboundMessage(number);
          tracer.inboundMessageRead(number, size, size);
          tracer.inboundUncompressedSize(size);
          tracer.inboundWireSize(size);
        });
  }

  void closed(Status status, Metadata trailers) {
    add(
        tracer -> {
          tracer.inboundTrailers(trailers);
          tracer.streamClosed(status);
        });
  }
}
