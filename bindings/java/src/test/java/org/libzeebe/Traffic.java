package org.libzeebe;

import gateway_protocol.GatewayGrpc;
import gateway_protocol.GatewayOuterClass.StreamActivatedJobsRequest;
import gateway_protocol.GatewayOuterClass.TopologyRequest;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A program that goes through all of the glue, and then ends with a channel, a stream, a job stream, a worker, its job and a token source that are open:
 * {@code ADDRESS OAUTH_ADDRESS CA_FILE TOKEN_URL}.
 */
final class Traffic {
  private static final Queue<Job> KEPT = new ConcurrentLinkedQueue<>();

  private Traffic() {}

  public static void main(String[] arguments) throws Exception {
    Integer ioThreads = Integer.getInteger("ioThreads");
    if (ioThreads != null) {
      ZeebeRuntime.options().ioThreads(ioThreads).configure();
    }
    ZeebeLog.to(System.Logger.Level.TRACE, entry -> {});
    var channel =
        ZeebeChannel.insecure()
            .address(arguments[0])
            .option("grpc.primary_user_agent", "traffic")
            .option("grpc.keepalive_time_ms", 30_000)
            .build();
    var headers = new Metadata();
    headers.put(Metadata.Key.of("some-bin", Metadata.BINARY_BYTE_MARSHALLER), new byte[] {0, 1});
    var stub =
        GatewayGrpc.newBlockingStub(channel)
            .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
    for (int i = 0; i < 100; i++) {
      stub.withDeadlineAfter(20, TimeUnit.SECONDS).topology(TopologyRequest.getDefaultInstance());
    }
    var jobs = StreamActivatedJobsRequest.newBuilder().setType("none").setTimeout(1000).build();
    stub.streamActivatedJobs(jobs);
    try {
      stub.withDeadlineAfter(50, TimeUnit.MILLISECONDS).streamActivatedJobs(jobs).hasNext();
    } catch (StatusRuntimeException e) {
      require(e.getStatus().getCode() == Status.Code.DEADLINE_EXCEEDED);
    }
    var work = new Work(channel);
    var served = Work.stream(channel).open();
    work.create(20);
    for (int i = 0; i < 20; i++) {
      work.complete(served.take());
    }
    served.cancel();
    work(channel, work);
    Work.stream(channel).open();
    channel.stats();
    channel.notifyWhenStateChanged(channel.getState(true), () -> {});

    String ca = Files.readString(Path.of(arguments[2]));
    var plugin =
        MetadataPlugin.tokens(
            () ->
                CompletableFuture.supplyAsync(
                    () -> {
                      try {
                        return new Token(Tokens.fetch(arguments[3]), null);
                      } catch (Exception e) {
                        throw new IllegalStateException(e);
                      }
                    }));
    var authorized =
        ZeebeChannel.secure()
            .address(arguments[1])
            .credentials(GatewayCredentials.tls(ca).with(plugin))
            .build();
    GatewayGrpc.newBlockingStub(authorized)
        .withDeadlineAfter(20, TimeUnit.SECONDS)
        .topology(TopologyRequest.getDefaultInstance());
    try (var closed = ZeebeChannel.insecure().address(arguments[0]).build()) {
      closed.getState(true);
    }
    require(hasIoThread() == (ioThreads != null && ioThreads > 0));
    System.out.println("traffic: done");
  }

  /** All that the glue has of workers; one stays open, and a job. */
  private static void work(ZeebeChannel channel, Work work) throws Exception {
    var left = new CountDownLatch(20);
    JobHandler handler =
        job -> {
          job.message();
          job.deadline();
          switch ((int) left.getCount() % 4) {
            case 0 -> job.complete("{}").join();
            case 1 -> job.fail("no", 0, null).join();
            case 2 -> job.throwError("code", "no").join();
            default -> job.complete("{\"text\": \"" + job.variables().length() + "\"}");
          }
          left.countDown();
        };
    var builder = channel.newWorker("work", handler).fetchVariables("a", "b").tenantIds("<default>");
    try (var worker = builder.open()) {
      for (int i = 0; i < 20; i++) {
        work.create("{\"a\": \"" + "x".repeat(i * 2_000) + "\"}");
      }
      require(left.await(20, TimeUnit.SECONDS));
      require(worker.stats().contains("jobs_here"));
      require(JobWorker.prometheus(List.of(worker)).contains("zeebe_job_worker_jobs_here"));
    }
    var kept = new CountDownLatch(1);
    channel
        .newWorker(
            "work",
            job -> {
              job.endLater();
              KEPT.add(job);
              kept.countDown();
            })
        .open();
    work.create(1);
    require(kept.await(20, TimeUnit.SECONDS));
  }

  private static boolean hasIoThread() throws IOException {
    try (var threads = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
      for (Path thread : threads) {
        try {
          if (Files.readString(thread.resolve("comm")).startsWith("zeebe-io")) {
            return true;
          }
        } catch (IOException e) {
          // It has ended since it was listed, as the JVM's own come and go.
          if (Files.exists(thread)) {
            throw e;
          }
        }
      }
    }
    return false;
  }

  private static void require(boolean condition) {
    if (!condition) {
      throw new AssertionError();
    }
  }
}
