package org.libzeebe;

import io.grpc.CallOptions;
import io.grpc.ClientStreamTracer;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.List;
import java.util.function.Consumer;

/**
 * The tracers of a call, such as OpenTelemetry's, which learn what happens to its stream.
 *
 * <p>The library tells no sizes on the wire: they count as those of the messages.
 */
final class Tracers {
  static final Tracers NONE = new Tracers(List.of());

  private final List<ClientStreamTracer> tracers;
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
    tell(ClientStreamTracer::outboundHeaders);
  }

  void outboundMessage(int size) {
    if (tracers.isEmpty()) {
      return; // all calls share what counts nothing
    }
    int number = sent++;
    tell(
        tracer -> {
          tracer.outboundMessage(number);
          tracer.outboundMessageSent(number, size, size);
          tracer.outboundUncompressedSize(size);
          tracer.outboundWireSize(size);
        });
  }

  void inboundHeaders(Metadata headers) {
    tell(tracer -> tracer.inboundHeaders(headers));
  }

  void inboundMessage(int size) {
    if (tracers.isEmpty()) {
      return;
    }
    int number = received++;
    tell(
        tracer -> {
          tracer.inboundMessage(number);
          tracer.inboundMessageRead(number, size, size);
          tracer.inboundUncompressedSize(size);
          tracer.inboundWireSize(size);
        });
  }

  void closed(Status status, Metadata trailers) {
    tell(
        tracer -> {
          tracer.inboundTrailers(trailers);
          tracer.streamClosed(status);
        });
  }
}
