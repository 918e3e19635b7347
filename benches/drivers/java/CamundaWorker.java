import com.sun.management.OperatingSystemMXBean;
import io.camunda.client.CamundaClient;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The client camunda-java: the official client's job worker over gRPC, which polls as it does by default. src/run.rs is the agreement on arguments, and on
 * what is printed. Beside a fifth of its time it warms up for 35 seconds: on one core the JIT is not done before.
 */
final class CamundaWorker {
  private static final double WARM_UP = 35;

  public static void main(String[] arguments) throws Exception {
    int active = Integer.parseInt(arguments[3]);
    double seconds = Double.parseDouble(arguments[4]);
    var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    var completed = new AtomicLong();
    try (var client =
        CamundaClient.newClientBuilder()
            .grpcAddress(URI.create("http://" + arguments[0]))
            .preferRestOverGrpc(false)
            .build()) {
      client
          .newWorker()
          .jobType("payment")
          .handler(
              (of, job) ->
                  of.newCompleteCommand(job)
                      .variables("{\"paid\":true}")
                      .send()
                      .thenRun(completed::incrementAndGet))
          .maxJobsActive(active)
          .timeout(Duration.ofMinutes(5))
          .open();
      Thread.sleep((long) ((WARM_UP + seconds / 5) * 1000));
      long begin = System.nanoTime(), cpu = system.getProcessCpuTime(), before = completed.get();
      Thread.sleep((long) (seconds * 1000));
      long count = completed.get() - before;
      double took = (System.nanoTime() - begin) / 1e9, used = (system.getProcessCpuTime() - cpu) / 1e3 / count;
      System.out.printf(
          Locale.ROOT,
          "{\"version\":\"camunda-client-java %s, Java %d\",\"count\":%d,\"seconds\":%f,\"cpu_us\":%f}%n",
          CamundaClient.class.getPackage().getImplementationVersion(), Runtime.version().feature(), count, took, used);
    }
    System.exit(0);
  }
}
