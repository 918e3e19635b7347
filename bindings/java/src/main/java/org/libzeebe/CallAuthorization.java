package org.libzeebe;

import io.grpc.Attributes;
import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.SecurityLevel;
import io.grpc.Status;
import java.util.function.Consumer;

/** Asks call credentials for the metadata of a call, and tells them about it. */
final class CallAuthorization extends CallCredentials.RequestInfo {
  private final ZeebeChannel channel;
  private final MethodDescriptor<?, ?> method;
  private final CallOptions options;

  CallAuthorization(ZeebeChannel channel, MethodDescriptor<?, ?> method, CallOptions options) {
    this.channel = channel;
    this.method = method;
    this.options = options;
  }

  /** One of the two gets the answer, now or later. */
  void ask(CallCredentials credentials, Consumer<Metadata> given, Consumer<Status> failed) {
    var applier =
        new CallCredentials.MetadataApplier() {
          @Override
          public void apply(Metadata added) {
            given.accept(added);
          }

          @Override
          public void fail(Status status) {
            failed.accept(status);
          }
        };
    try {
      credentials.applyRequestMetadata(this, channel.executor(), applier);
    } catch (RuntimeException e) {
      failed.accept(
          Status.UNAUTHENTICATED.withDescription("the call credentials failed").withCause(e));
    }
  }

  @Override
  public MethodDescriptor<?, ?> getMethodDescriptor() {
    return method;
  }

  @Override
  public CallOptions getCallOptions() {
    return options;
  }

  @Override
  public SecurityLevel getSecurityLevel() {
    return channel.securityLevel();
  }

  @Override
  public String getAuthority() {
    return options.getAuthority() == null ? channel.authority() : options.getAuthority();
  }

  @Override
  public Attributes getTransportAttrs() {
    return Attributes.EMPTY;
  }
}
