import io.camunda.client.CamundaClient;
import io.camunda.client.api.response.ActivatedJob;
import io.camunda.client.api.worker.JobClient;
import io.camunda.client.impl.oauth.OAuthCredentialsProviderBuilder;
import java.net.URI;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Map;

/** The round trip of ../main.rs by the official Java client, over gRPC. */
public final class RoundTrip {
  private static final Duration LONG = Duration.ofSeconds(30);

  public static void main(String[] arguments) throws Exception {
    try (var client = connect(arguments[1])) {
      check(client.newTopologyRequest().useGrpc().send().join().getPartitionsCount() == 1, "topology");
      var deployed = client.newDeployResourceCommand().addResourceFile(arguments[0]).send().join();
      check(deployed.getProcesses().get(0).getBpmnProcessId().equals("order"), "deployment");
      var worker = client.newWorker().jobType("work").handler(RoundTrip::work).timeout(Duration.ofMinutes(1));
      try (var open = worker.streamEnabled(true).open()) {
        paid(client, "completes");
        paid(client, "again");
        var completed = run(client, "completes");
        check(completed.equals(Map.of("order", "completes", "orderId", "completes", "worked", 3, "paid", true)), completed);
        var again = run(client, "again");
        check(again.get("worked").equals(2) && again.get("paid").equals(true), again);
        var thrown = run(client, "throws");
        check(!thrown.containsKey("worked"), thrown);
        client.newCreateInstanceCommand().bpmnProcessId("order").latestVersion().variables(variables("never")).send().join();
        System.out.println("round trip");
        // The worker takes the last order to its incident; whoever waits for that says so by a line.
        System.in.read();
      }
    }
  }

  static CamundaClient connect(String mode) throws Exception {
    var scheme = mode.equals("plaintext") ? "http" : "https";
    var builder = CamundaClient.newClientBuilder()
        .grpcAddress(URI.create(scheme + "://" + System.getenv("GATEWAY")))
        .preferRestOverGrpc(false)
        .defaultRequestTimeout(LONG);
    if (!mode.equals("plaintext")) {
      builder.caCertificatePath(System.getenv("CA"));
    }
    if (mode.equals("oauth")) {
      var cache = Files.createTempFile("credentials", ".yaml");
      Files.delete(cache);
      cache.toFile().deleteOnExit();
      builder.credentialsProvider(new OAuthCredentialsProviderBuilder()
          .authorizationServerUrl(System.getenv("TOKEN_URL"))
          .clientId(System.getenv("CLIENT_ID"))
          .clientSecret(System.getenv("CLIENT_SECRET"))
          .audience(System.getenv("AUDIENCE"))
          .credentialsCachePath(cache.toString())
          .build());
    }
    return builder.build();
  }

  private static void work(JobClient client, ActivatedJob job) {
    check(job.getCustomHeaders().equals(Map.of("colour", "blue")), job);
    var order = (String) job.getVariablesAsMap().get("order");
    if (order.equals("throws")) {
      client.newThrowErrorCommand(job).errorCode("refused").errorMessage("this order is refused").send().join();
    } else if (order.equals("never") || order.equals("again") && job.getRetries() == 3) {
      var message = order + " at " + job.getRetries();
      client.newFailCommand(job).retries(job.getRetries() - 1).errorMessage(message).send().join();
    } else {
      client.newCompleteCommand(job).variables(Map.of("worked", job.getRetries())).send().join();
    }
  }

  private static Map<String, Object> run(CamundaClient client, String order) {
    return client.newCreateInstanceCommand().bpmnProcessId("order").latestVersion().variables(variables(order))
        .withResult().requestTimeout(LONG).send().join().getVariablesAsMap();
  }

  private static void paid(CamundaClient client, String order) {
    client.newPublishMessageCommand().messageName("paid").correlationKey(order).variables(Map.of("paid", true))
        .timeToLive(Duration.ofMinutes(1)).send().join();
  }

  private static Map<String, Object> variables(String order) {
    return Map.of("order", order, "orderId", order);
  }

  static void check(boolean holds, Object seen) {
    if (!holds) {
      throw new AssertionError(seen);
    }
  }
}
