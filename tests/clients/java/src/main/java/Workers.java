import io.camunda.client.CamundaClient;
import io.camunda.client.api.command.ClientStatusException;
import io.camunda.client.api.response.ActivatedJob;
import io.camunda.client.api.worker.JobHandler;
import io.camunda.client.api.worker.JobWorker;
import io.camunda.client.api.worker.JobWorkerBuilderStep1.JobWorkerBuilderStep3;
import io.grpc.Status;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

/** What the official Java client's job worker relies on, by job streams or by polls: {@code Workers stream|polls}. */
public final class Workers {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final String PROCESS = """
      <definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:z="http://camunda.org/schema/zeebe/1.0">
        <error id="error" errorCode="refused"/>
        <process id="%1$s" isExecutable="true"><startEvent id="s"/>
          <serviceTask id="t"><extensionElements><z:taskDefinition type="%1$s" retries="3"/></extensionElements></serviceTask>
          <boundaryEvent id="b" attachedToRef="t"><errorEventDefinition errorRef="error"/></boundaryEvent>
          <endEvent id="e"/><endEvent id="f"/>
          <sequenceFlow id="1" sourceRef="s" targetRef="t"/><sequenceFlow id="2" sourceRef="t" targetRef="e"/>
          <sequenceFlow id="3" sourceRef="b" targetRef="f"/>
        </process></definitions>
      """;

  private final CamundaClient client;
  private final boolean streams;

  private Workers(CamundaClient client, boolean streams) {
    this.client = client;
    this.streams = streams;
  }

  public static void main(String[] arguments) throws Exception {
    try (var client = RoundTrip.connect("plaintext")) {
      var workers = new Workers(client, arguments[0].equals("stream"));
      workers.fetchesVariables();
      workers.hasNoMoreThanMayBeActive();
      workers.failsWithRetriesAndBackOff();
      workers.failsByAnException();
      workers.resolvesIncidents();
      workers.throwsErrors();
      workers.getsJobsAnewAfterTheirTimeOut();
      workers.extendsTimeOuts();
      workers.hasTenants();
      workers.goesOnAfterBackPressure();
      workers.goesOnAfterLostConnections();
      workers.leavesJobsAfterItsClose();
    }
    System.out.println("workers");
  }

  private void fetchesVariables() throws Exception {
    var jobs = new LinkedBlockingQueue<ActivatedJob>();
    try (var worker = open("fetches", complete(jobs), builder -> builder.fetchVariables("a", "none").name("me"))) {
      create("fetches", Map.of("a", 1, "b", 2));
      var job = next(jobs);
      RoundTrip.check(job.getVariablesAsMap().equals(Map.of("a", 1)), job);
      RoundTrip.check(job.getWorker().equals("me") && job.getRetries() == 3 && job.getBpmnProcessId().equals("fetches"), job);
    }
  }

  private void hasNoMoreThanMayBeActive() throws Exception {
    var begun = new AtomicInteger();
    var ended = new CountDownLatch(9);
    var goOn = new CountDownLatch(1);
    JobHandler handler = (of, job) -> {
      begun.incrementAndGet();
      goOn.await();
      of.newCompleteCommand(job).send().join();
      ended.countDown();
    };
    try (var worker = open("bounded", handler, builder -> builder.maxJobsActive(3))) {
      for (int i = 0; i < 9; i++) {
        create("bounded", Map.of());
      }
      until(() -> begun.get() > 0);
      Thread.sleep(300);
      // What polls: those of the threads, and what waits for them. What streams may have more on its way.
      if (!streams) {
        long activated = ask("GET", "/state").split("\"state\":\"activated\"", -1).length - 1;
        RoundTrip.check(activated <= 3, activated);
      }
      goOn.countDown();
      RoundTrip.check(ended.await(20, TimeUnit.SECONDS), ended);
    }
  }

  private void failsWithRetriesAndBackOff() throws Exception {
    var jobs = new LinkedBlockingQueue<ActivatedJob>();
    var failed = new long[1];
    JobHandler handler = (of, job) -> {
      if (job.getRetries() == 3) {
        failed[0] = System.nanoTime();
        of.newFailCommand(job).retries(7).retryBackoff(Duration.ofMillis(400)).errorMessage("later").variables(Map.of("why", "x")).send().join();
      } else {
        of.newCompleteCommand(job).send().join();
      }
      jobs.add(job);
    };
    try (var worker = open("fails", handler, builder -> builder)) {
      create("fails", Map.of());
      var first = next(jobs);
      var second = next(jobs);
      RoundTrip.check(System.nanoTime() - failed[0] >= 350_000_000, failed[0]);
      RoundTrip.check(second.getRetries() == 7 && second.getKey() == first.getKey(), second);
      RoundTrip.check("x".equals(second.getVariablesAsMap().get("why")), second);
    }
  }

  /** The worker fails the job itself, with one retry less and the exception's words. */
  private void failsByAnException() throws Exception {
    var retries = new LinkedBlockingQueue<Integer>();
    JobHandler handler = (of, job) -> {
      retries.add(job.getRetries());
      throw new IllegalStateException("on purpose");
    };
    try (var worker = open("throws", handler, builder -> builder)) {
      create("throws", Map.of());
      for (int left = 3; left > 0; left--) {
        int seen = next(retries);
        RoundTrip.check(seen == left, seen);
      }
      until(() -> ask("GET", "/incidents").contains("on purpose"));
    }
  }

  private void resolvesIncidents() throws Exception {
    var jobs = new LinkedBlockingQueue<ActivatedJob>();
    JobHandler handler = (of, job) -> {
      if (job.getRetries() == 3) {
        of.newFailCommand(job).retries(0).errorMessage("resolve this").send().join();
        fails(Status.Code.FAILED_PRECONDITION, () -> of.newCompleteCommand(job).send().join());
        fails(Status.Code.FAILED_PRECONDITION, () -> of.newFailCommand(job).retries(1).send().join());
      } else {
        of.newCompleteCommand(job).send().join();
        fails(Status.Code.NOT_FOUND, () -> of.newCompleteCommand(job).send().join());
      }
      jobs.add(job);
    };
    try (var worker = open("resolves", handler, builder -> builder)) {
      create("resolves", Map.of());
      var job = next(jobs);
      var incidents = ask("GET", "/incidents");
      var incident = incidents.substring(0, incidents.indexOf("resolve this")).replaceAll("(?s).*\"key\":(\\d+).*", "$1");
      fails(Status.Code.INVALID_ARGUMENT, () -> client.newUpdateRetriesCommand(job.getKey()).retries(0).send().join());
      client.newUpdateRetriesCommand(job.getKey()).retries(2).send().join();
      client.newResolveIncidentCommand(Long.parseLong(incident)).send().join();
      var again = next(jobs);
      RoundTrip.check(again.getRetries() == 2, again);
    }
  }

  private void throwsErrors() throws Exception {
    JobHandler handler = (of, job) -> {
      var code = job.getVariablesAsMap().get("code").toString();
      of.newThrowErrorCommand(job).errorCode(code).errorMessage("in words").variables(Map.of("caught", true)).send().join();
    };
    try (var worker = open("errors", handler, builder -> builder)) {
      var caught = client.newCreateInstanceCommand().bpmnProcessId("errors").latestVersion().variables(Map.of("code", "refused"))
          .withResult().requestTimeout(MINUTE).send().join().getVariablesAsMap();
      RoundTrip.check(caught.get("caught").equals(true), caught);
      create("errors", Map.of("code", "unheard of"));
      until(() -> ask("GET", "/incidents").contains("unheard of"));
    }
  }

  private void getsJobsAnewAfterTheirTimeOut() throws Exception {
    var jobs = new LinkedBlockingQueue<ActivatedJob>();
    JobHandler handler = (of, job) -> {
      jobs.add(job);
      if (jobs.size() == 2) {
        of.newCompleteCommand(job).send().join();
      }
    };
    try (var worker = open("times-out", handler, builder -> builder.timeout(Duration.ofMillis(300)))) {
      create("times-out", Map.of());
      until(() -> jobs.size() == 2);
      var first = next(jobs);
      var second = next(jobs);
      RoundTrip.check(second.getKey() == first.getKey() && second.getRetries() == 3, second);
      RoundTrip.check(second.getDeadline() >= first.getDeadline() + 300, second);
    }
  }

  private void extendsTimeOuts() throws Exception {
    var jobs = new LinkedBlockingQueue<ActivatedJob>();
    JobHandler handler = (of, job) -> {
      client.newUpdateTimeoutCommand(job).timeout(MINUTE).send().join();
      Thread.sleep(700);
      of.newCompleteCommand(job).send().join();
      fails(Status.Code.NOT_FOUND, () -> client.newUpdateTimeoutCommand(job).timeout(MINUTE).send().join());
      jobs.add(job);
    };
    try (var worker = open("extends", handler, builder -> builder.timeout(Duration.ofMillis(300)))) {
      create("extends", Map.of());
      next(jobs);
      RoundTrip.check(jobs.isEmpty(), jobs);
    }
  }

  private void hasTenants() throws Exception {
    var jobs = new LinkedBlockingQueue<ActivatedJob>();
    var xml = PROCESS.formatted("tenants");
    for (var tenant : List.of("acme", "other")) {
      client.newDeployResourceCommand().addResourceStringUtf8(xml, "tenants.bpmn").tenantId(tenant).send().join();
      client.newCreateInstanceCommand().bpmnProcessId("tenants").latestVersion().tenantId(tenant).send().join();
    }
    try (var worker = open("tenants", complete(jobs), builder -> builder.tenantIds("acme", "<default>"))) {
      create("tenants", Map.of());
      var seen = List.of(next(jobs).getTenantId(), next(jobs).getTenantId());
      RoundTrip.check(seen.containsAll(List.of("acme", "<default>")), seen);
      RoundTrip.check(jobs.poll(200, TimeUnit.MILLISECONDS) == null, seen);
    }
  }

  /** Of a poll, the worker's own; of an end, the handler sends it again. */
  private void goesOnAfterBackPressure() throws Exception {
    ask("POST", "/fail?status=8&count=3&rpc=ActivateJobs");
    ask("POST", "/fail?status=8&count=2&rpc=CompleteJob");
    var refused = new AtomicInteger();
    var done = new LinkedBlockingQueue<ActivatedJob>();
    JobHandler handler = (of, job) -> {
      for (;;) {
        try {
          of.newCompleteCommand(job).send().join();
          done.add(job);
          return;
        } catch (ClientStatusException e) {
          RoundTrip.check(e.getStatusCode() == Status.Code.RESOURCE_EXHAUSTED, e);
          refused.incrementAndGet();
        }
      }
    };
    try (var worker = open("pressure", handler, builder -> builder)) {
      create("pressure", Map.of());
      next(done);
      RoundTrip.check(refused.get() == 2, refused);
    }
  }

  private void goesOnAfterLostConnections() throws Exception {
    var jobs = new LinkedBlockingQueue<ActivatedJob>();
    try (var worker = open("lost", complete(jobs), builder -> builder)) {
      create("lost", Map.of());
      next(jobs);
      ask("POST", "/reset-connections");
      client.newTopologyRequest().useGrpc().send().exceptionally(failed -> null).toCompletableFuture().join();
      create("lost", Map.of());
      next(jobs);
    }
  }

  private void leavesJobsAfterItsClose() throws Exception {
    var jobs = new LinkedBlockingQueue<ActivatedJob>();
    // Its last poll ends before it is closed.
    var worker = open("closed", complete(jobs), builder -> builder.requestTimeout(Duration.ofSeconds(1)));
    create("closed", Map.of());
    next(jobs);
    worker.close();
    until(worker::isClosed);
    until(() -> ask("GET", "/state").contains("\"streams\":0"));
    create("closed", Map.of());
    RoundTrip.check(jobs.poll(200, TimeUnit.MILLISECONDS) == null, jobs);
  }

  /** Deploys the process, and works on its jobs. */
  private JobWorker open(String type, JobHandler handler, UnaryOperator<JobWorkerBuilderStep3> options) {
    client.newDeployResourceCommand().addResourceStringUtf8(PROCESS.formatted(type), type + ".bpmn").send().join();
    var builder = client.newWorker().jobType(type).handler(handler).timeout(MINUTE).pollInterval(Duration.ofMillis(50));
    return options.apply(builder.streamEnabled(streams)).open();
  }

  private static JobHandler complete(BlockingQueue<ActivatedJob> jobs) {
    return (of, job) -> {
      of.newCompleteCommand(job).send().join();
      jobs.add(job);
    };
  }

  private void create(String process, Map<String, Object> variables) {
    client.newCreateInstanceCommand().bpmnProcessId(process).latestVersion().variables(variables).send().join();
  }

  private static void fails(Status.Code code, Runnable call) {
    try {
      call.run();
    } catch (ClientStatusException e) {
      RoundTrip.check(e.getStatusCode() == code, e);
      return;
    }
    throw new AssertionError("it did not fail with " + code);
  }

  private static <T> T next(BlockingQueue<T> queue) throws InterruptedException {
    T next = queue.poll(20, TimeUnit.SECONDS);
    RoundTrip.check(next != null, "nothing came");
    return next;
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void until(Condition condition) throws Exception {
    for (long end = System.nanoTime() + 20_000_000_000L; !condition.holds(); Thread.sleep(10)) {
      RoundTrip.check(System.nanoTime() < end, "not in 20 s");
    }
  }

  /** A request to the control port. */
  private static String ask(String method, String path) throws Exception {
    var request = HttpRequest.newBuilder(URI.create("http://" + System.getenv("CONTROL") + path))
        .method(method, HttpRequest.BodyPublishers.noBody());
    var answer = HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
    RoundTrip.check(answer.statusCode() == 200, answer.body());
    return answer.body();
  }
}
