package org.libzeebe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import gateway_protocol.GatewayOuterClass.ActivatedJob;
import io.grpc.Metadata;
import io.grpc.Status;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.UndeclaredThrowableException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How jobs of workers end, and how workers do. */
@Timeout(60)
class JobWorkerTest {
  private Gateway gateway;
  private ZeebeChannel channel;
  private Work work;

  @BeforeEach
  void start() throws Exception {
    gateway = new Gateway();
    channel = ZeebeChannel.insecure().address(gateway.address("plaintext")).build();
    work = new Work(channel);
  }

  @AfterEach
  void stop() throws Exception {
    channel.close();
    assertTrue(channel.awaitTermination(20, TimeUnit.SECONDS));
    gateway.close();
  }

  private JobWorkerBuilder worker(JobHandler handler) {
    return channel.newWorker("work", handler);
  }

  private static void until(Callable<Boolean> condition) throws Exception {
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.call()) {
      assertTrue(System.nanoTime() < until, "not in 20 s");
      Thread.sleep(5);
    }
  }

  private JsonNode state(String pointer) throws Exception {
    return Gateway.JSON.readTree(gateway.ask("GET", "/state")).at(pointer);
  }

  private static int count(JobWorker worker, String name) throws Exception {
    return Gateway.JSON.readTree(worker.stats()).at("/jobs/" + name).asInt(-1);
  }

  private static <T> T next(BlockingQueue<T> queue) throws InterruptedException {
    T next = queue.poll(20, TimeUnit.SECONDS);
    assertTrue(next != null, "nothing came");
    return next;
  }

  @Test
  void returnCompletesTheJob() throws Exception {
    var types = new LinkedBlockingQueue<String>();
    try (var worker = worker(job -> types.add(job.type())).open()) {
      work.create(3);
      until(() -> count(worker, "completed") == 3);
    }
    assertEquals(List.of("work", "work", "work"), List.copyOf(types));
    assertTrue(state("/instances").isEmpty());
  }

  public record Answer(int number, String text) {}

  @Test
  void whatIsReturnedAreTheVariables() throws Exception {
    JobFunction function =
        job ->
            switch (job.variables(Map.class).get("as").toString()) {
              case "text" -> "{\"number\": 1}";
              case "map" -> Map.of("number", 2);
              case "record" -> new Answer(3, "\u2603");
              case "stage" -> CompletableFuture.supplyAsync(() -> Map.of("number", 4));
              case "stage of nothing" -> CompletableFuture.completedFuture(null);
              case "ended" -> job.complete(Map.of("number", 6)).join();
              default -> null;
            };
    try (var worker = worker(JobHandler.returning(function)).open()) {
      var expected =
          Map.of("text", 1, "map", 2, "record", 3, "stage", 4, "stage of nothing", 0, "ended", 6, "none", 0);
      for (var one : expected.entrySet()) {
        String variables = "{\"number\": 0, \"as\": \"" + one.getKey() + "\"}";
        var result = work.createWithResult(variables).get(20, TimeUnit.SECONDS).getVariables();
        JsonNode json = Gateway.JSON.readTree(result);
        assertEquals(one.getValue(), json.get("number").asInt(), result);
        assertEquals(one.getKey().equals("record"), json.has("text"), result);
      }
      assertEquals(0, count(worker, "failed"));
    }
  }

  @Test
  void fieldsAreThoseOfTheProtocol() throws Exception {
    var text = "\u2603".repeat(20_000);
    var jobs = new LinkedBlockingQueue<Job>();
    JobHandler keeps =
        job -> {
          job.endLater();
          jobs.add(job);
        };
    try (var worker = worker(keeps).workerName("me").jobTimeout(Duration.ofMinutes(1)).open()) {
      for (String variables : List.of("{\"text\":\"" + text + "\"}", "{\"text\":\"\"}")) {
        work.create(variables);
        Job job = next(jobs);
        var same = ActivatedJob.parseFrom(job.message());
        assertEquals(same.getKey(), job.key());
        assertEquals(same.getType(), job.type());
        assertEquals(same.getProcessInstanceKey(), job.processInstanceKey());
        assertEquals(same.getProcessDefinitionKey(), job.processDefinitionKey());
        assertEquals(same.getProcessDefinitionVersion(), job.processDefinitionVersion());
        assertEquals(same.getBpmnProcessId(), job.bpmnProcessId());
        assertEquals(same.getElementId(), job.elementId());
        assertEquals(same.getElementInstanceKey(), job.elementInstanceKey());
        assertEquals(same.getRetries(), job.retries());
        assertEquals(Instant.ofEpochMilli(same.getDeadline()), job.deadline());
        assertEquals(same.getTenantId(), job.tenantId());
        assertEquals("me", job.workerName());
        assertEquals(same.getCustomHeaders(), job.customHeaders());
        assertEquals(Map.of(), job.customHeaders(Map.class));
        assertEquals(same.getVariables(), job.variables());
        assertEquals(same.getKindValue(), job.kind());
        assertEquals(same.getListenerEventTypeValue(), job.listenerEventType());
        assertTrue(job.key() > 0 && job.retries() == 3 && job.deadline().isAfter(Instant.now()));
        var deadline = job.deadline();
        assertFalse(job.hasEnded());
        assertTrue(job.complete().join().hasEnded());
        assertTrue(job.hasEnded());
        assertThrows(IllegalStateException.class, job::message);
        // The rest stays.
        assertEquals(same.getVariables(), job.variables());
        assertEquals(deadline, job.deadline());
      }
      assertEquals(2, count(worker, "completed"));
    }
  }

  private static final class Mute extends RuntimeException {
    private static final long serialVersionUID = 1L;

    @Override
    public String toString() {
      throw new IllegalStateException("mute");
    }
  }

  private static final class Broken {
    static final Object FIELD = fails();

    private static Object fails() {
      throw new IllegalStateException("cannot be loaded");
    }
  }

  private static final class Recursive {
    static int deep(int depth) {
      return deep(depth + 1) + 1;
    }
  }

  /** Three times, each with one retry less; the last time there is an incident. */
  private void fails(JobHandler handler, String... words) throws Exception {
    var retries = new LinkedBlockingQueue<Integer>();
    JobHandler counts =
        job -> {
          retries.add(job.retries());
          handler.handle(job);
        };
    int before = state("/incidents").size();
    try (var worker = worker(counts).open()) {
      work.create(1);
      until(() -> state("/incidents").size() > before);
      until(() -> count(worker, "failed") == 3);
    }
    assertEquals(List.of(3, 2, 1), List.copyOf(retries));
    String message = state("/incidents/" + before + "/message").asText();
    for (String word : words) {
      assertTrue(message.contains(word), message);
    }
  }

  @Test
  void whatIsThrownFailsTheJob() throws Exception {
    fails(job -> { throw new Exception("not today", new java.io.IOException("no disk")); }, "not today", "no disk");
    fails(job -> { throw new IllegalStateException("a\0b \ud800 \ud83d\ude00"); }, "a\ufffdb \ufffd \ud83d\ude00");
    fails(job -> { throw new IllegalStateException("x".repeat(3_000_000)); }, "IllegalStateException: xxx");
    fails(job -> { throw new Mute(); }, Mute.class.getName());
    fails(job -> { throw new InterruptedException("stop"); }, "stop");
    fails(job -> { throw new ExecutionException(null); }, "ExecutionException");
    fails(JobHandler.returning(job -> CompletableFuture.failedFuture(new Exception("later"))), "later");
    fails(job -> job.complete("a\0b"), "U+0000");
    fails(job -> job.fail(new JobFailure("\ud800")), "surrogate");
    fails(JobHandler.returning(job -> List.of(1)), "JSON object");
    fails(JobHandler.returning(job -> new Object()), "no JSON");
    fails(JobHandler.returning(job -> CompletableFuture.completedFuture(3)), "JSON object");
  }

  @Test
  void errorsThatAreThrownFailTheJob() throws Exception {
    fails(job -> Broken.FIELD.toString(), "NoClassDefFoundError", "Broken");
    fails(job -> Recursive.deep(0), "StackOverflowError");
    fails(job -> { throw new OutOfMemoryError("on purpose"); }, "on purpose");
    fails(job -> { throw new AssertionError("wrong"); }, "wrong");
    fails(job -> Class.forName("org.example.Gone"), "org.example.Gone");
  }

  @Test
  void failureSaysHowTheJobFails() throws Exception {
    var seen = new LinkedBlockingQueue<Integer>();
    var began = new long[1];
    JobHandler handler =
        job -> {
          seen.add(job.retries());
          switch (seen.size()) {
            case 1 -> {
              began[0] = System.nanoTime();
              throw new JobFailure("later", new Exception()).retries(7).backoff(Duration.ofMillis(300)).variables(Map.of("why", 1));
            }
            case 2 -> {
              assertTrue(System.nanoTime() - began[0] >= 250_000_000);
              assertEquals(1, job.variables(Map.class).get("why"));
              assertTrue(job.fail("again", 5, Duration.ZERO).join().hasEnded());
            }
            case 3 -> throw new ExecutionException(new JobFailure("no more").retries(0));
            default -> throw new AssertionError();
          }
        };
    try (var worker = worker(handler).open()) {
      work.create(1);
      until(() -> state("/incidents").size() == 1);
      assertEquals(List.of(3, 7, 5), List.copyOf(seen));
      assertEquals("no more", state("/incidents/0/message").asText());
      until(() -> count(worker, "failed") == 3);
    }
    assertThrows(IllegalArgumentException.class, () -> new JobFailure("x").retries(-1));
    assertThrows(IllegalArgumentException.class, () -> new JobFailure("x").backoff(Duration.ofNanos(-1)));
  }

  @Test
  void bpmnErrorsAreThrown() throws Exception {
    List<JobHandler> handlers =
        List.of(
            job -> { throw new BpmnError("gone", "nobody minds", "{\"a\": 1}"); },
            job -> { throw new BpmnError("gone", null); },
            job -> job.throwError("gone", "nobody minds"),
            job -> { throw new InvocationTargetException(new BpmnError("gone", "by reflection")); },
            job -> { throw new UndeclaredThrowableException(new BpmnError("gone", "by a proxy")); },
            JobHandler.returning(job -> CompletableFuture.failedFuture(new BpmnError("gone", "later"))));
    for (int i = 0; i < handlers.size(); i++) {
      int incidents = i + 1;
      try (var worker = worker(handlers.get(i)).open()) {
        work.create(1);
        until(() -> state("/incidents").size() == incidents);
        until(() -> count(worker, "thrown") == 1);
      }
      assertTrue(state("/incidents/" + i + "/message").asText().contains("gone"));
    }
  }

  @Test
  void jobsEndOnce() throws Exception {
    var refusals = new LinkedBlockingQueue<ZeebeException.Kind>();
    JobHandler handler =
        job -> {
          job.complete();
          for (Callable<?> end : List.<Callable<?>>of(job::complete, () -> job.fail("x"), () -> job.throwError("x", "x"))) {
            refusals.add(assertThrows(ZeebeException.class, end::call).kind());
          }
          throw new IllegalStateException("after its end");
        };
    try (var worker = worker(handler).open()) {
      work.create(1);
      until(() -> refusals.size() == 3);
      until(() -> count(worker, "completed") == 1);
      assertEquals(0, count(worker, "failed"));
      refusals.forEach(kind -> assertEquals(ZeebeException.Kind.ILLEGAL_STATE, kind));
    }
  }

  /** Of many threads that end a job at once, one does. */
  @Test
  void racesForTheEndHaveOneWinner() throws Exception {
    int threads = 4;
    var ends = new AtomicInteger();
    JobHandler handler =
        job -> {
          var all = new Thread[threads];
          for (int i = 0; i < threads; i++) {
            all[i] =
                new Thread(
                    () -> {
                      try {
                        job.complete();
                        ends.incrementAndGet();
                      } catch (ZeebeException e) {
                        assertEquals(ZeebeException.Kind.ILLEGAL_STATE, e.kind());
                      }
                    });
            all[i].start();
          }
          for (Thread thread : all) {
            thread.join();
          }
        };
    try (var worker = worker(handler).open()) {
      work.create(100);
      until(() -> count(worker, "completed") == 100);
      assertEquals(100, ends.get());
    }
  }

  @Test
  void outcomesAreTold() throws Exception {
    var ends = new LinkedBlockingQueue<JobEnd>();
    JobHandler handler = job -> ends.add(job.complete().join());
    // No job goes to the stream of a worker that has ended a moment ago.
    Callable<Boolean> isIdle = () -> Gateway.JSON.readTree(gateway.ask("GET", "/counters")).at("/open_calls").asInt(-1) == 0;
    try (var worker = worker(handler).open()) {
      work.create(1);
      assertEquals(new JobEnd(JobOutcome.ENDED, null), next(ends));
    }
    until(isIdle);
    try (var worker = worker(handler).jobTimeout(Duration.ofSeconds(1)).open()) {
      gateway.ask("POST", "/fail?status=3&rpc=CompleteJob&message=no+object");
      work.create(1);
      JobEnd refused = next(ends);
      assertEquals(JobOutcome.NOT_ENDED, refused.outcome());
      assertEquals(Status.Code.INVALID_ARGUMENT, refused.error().status().getCode());
      assertFalse(refused.hasEnded());
      // It comes again after its time-out.
      assertEquals(JobOutcome.ENDED, next(ends).outcome());
    }
    until(isIdle);
    ends.clear(); // it may have come more often
    try (var worker = worker(handler).requestTimeout(Duration.ofMillis(300)).jobTimeout(Duration.ofSeconds(1)).open()) {
      gateway.ask("POST", "/fault?kind=rst&at=data&reason=2&count=100&rpc=CompleteJob");
      work.create(1);
      JobEnd unknown = next(ends);
      assertEquals(JobOutcome.UNKNOWN, unknown.outcome(), () -> unknown.toString());
      assertTrue(unknown.error() != null);
    }
  }

  @Test
  void jobsEndLaterOnAnyThread() throws Exception {
    var kept = new LinkedBlockingQueue<Job>();
    JobHandler keeps =
        job -> {
          job.endLater();
          kept.add(job);
        };
    try (var worker = worker(keeps).open()) {
      work.create(2);
      next(kept).complete("{}").get(20, TimeUnit.SECONDS);
      assertTrue(next(kept).fail("no", 0, null).join().hasEnded());
      assertEquals(1, count(worker, "completed"));
      assertEquals(1, count(worker, "failed"));
    }
  }

  /** What is dropped fails, or is left. */
  @Test
  void droppedJobsAreNotLost() throws Exception {
    try (var worker = worker(Job::endLater).open()) {
      work.create(1);
      until(
          () -> {
            System.gc();
            return count(worker, "failed") == 3;
          });
      assertTrue(state("/incidents/0/message").asText().contains("let go of the job"));
    }
    try (var worker = worker(Job::endLater).leaveDroppedJobs().jobTimeout(Duration.ofMillis(100)).pollInterval(Duration.ofMillis(50)).open()) {
      work.create(1);
      until(
          () -> {
            System.gc();
            return count(worker, "left") >= 2;
          });
      assertEquals(0, count(worker, "failed"));
    }
  }

  @Test
  void closeDrains() throws Exception {
    var begun = new CountDownLatch(4);
    var worker =
        worker(
                job -> {
                  begun.countDown();
                  Thread.sleep(300);
                })
            .open();
    work.create(4);
    assertTrue(begun.await(20, TimeUnit.SECONDS));
    worker.close();
    worker.close();
    assertNull(worker.ended().get(0, TimeUnit.SECONDS));
    assertEquals(4, count(worker, "completed"));
    assertTrue(state("/instances").isEmpty());
  }

  @Test
  void graceIsAllThatCloseWaits() throws Exception {
    var began = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    var late = new CompletableFuture<ZeebeException.Kind>();
    var told = new CompletableFuture<ZeebeException>();
    JobHandler slow =
        job -> {
          began.countDown();
          goOn.await();
          late.complete(assertThrows(ZeebeException.class, job::complete).kind());
        };
    var worker = worker(slow).grace(Duration.ofMillis(100)).onClose(told::complete).open();
    work.create(1);
    assertTrue(began.await(20, TimeUnit.SECONDS));
    worker.close();
    var failure = assertThrows(ExecutionException.class, () -> worker.ended().get(0, TimeUnit.SECONDS));
    var why = (ZeebeException) failure.getCause();
    assertEquals(Status.Code.DEADLINE_EXCEEDED, why.status().getCode());
    assertEquals(why, told.get(20, TimeUnit.SECONDS));
    goOn.countDown();
    assertEquals(ZeebeException.Kind.SHUTDOWN, late.get(20, TimeUnit.SECONDS));
    assertEquals(0, count(worker, "completed"));
  }

  /** Where to wait would be for ever. */
  @Test
  void closeDoesNotWaitForItself() throws Exception {
    var own = new CompletableFuture<JobWorker>();
    var worker = worker(job -> own.join().close()).open();
    own.complete(worker);
    work.create(1);
    worker.ended().get(20, TimeUnit.SECONDS);
    assertEquals(1, count(worker, "completed"));

    gateway.ask("POST", "/fail?status=13&count=100000&rpc=StreamActivatedJobs");
    var direct = ZeebeChannel.insecure().address(gateway.address("plaintext")).directExecutor().build();
    var another = new CompletableFuture<JobWorker>();
    var told =
        direct
            .newWorker("work", job -> {})
            .onError((error, inARow, pause) -> another.join().close())
            .open();
    another.complete(told);
    told.ended().get(20, TimeUnit.SECONDS);
    direct.close();
    assertTrue(direct.awaitTermination(20, TimeUnit.SECONDS));
  }

  @Test
  void interruptEndsTheWaitOfClose() throws Exception {
    var began = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    var worker =
        worker(
                job -> {
                  began.countDown();
                  goOn.await();
                })
            .open();
    work.create(1);
    assertTrue(began.await(20, TimeUnit.SECONDS));
    Thread.currentThread().interrupt();
    worker.close();
    assertTrue(Thread.interrupted());
    assertFalse(worker.ended().isDone());
    goOn.countDown();
    worker.ended().get(20, TimeUnit.SECONDS);
    assertEquals(1, count(worker, "completed"));
  }

  @Test
  void whatCannotPassEndsTheWorker() throws Exception {
    gateway.ask("POST", "/fail?status=7&count=100&rpc=StreamActivatedJobs&message=not+yours");
    var told = new CompletableFuture<ZeebeException>();
    var worker = worker(job -> {}).onClose(told::complete).open();
    assertEquals(Status.Code.PERMISSION_DENIED, told.get(20, TimeUnit.SECONDS).status().getCode());
    assertThrows(ExecutionException.class, () -> worker.ended().get(20, TimeUnit.SECONDS));
    worker.close();
  }

  @Test
  void channelEndsItsWorkers() throws Exception {
    var began = new CountDownLatch(1);
    var late = new CompletableFuture<Throwable>();
    JobHandler slow =
        job -> {
          began.countDown();
          job.endLater();
          new Thread(
                  () -> {
                    while (!channel.isTerminated()) {
                      Thread.onSpinWait();
                    }
                    late.complete(assertThrows(RuntimeException.class, job::complete));
                  })
              .start();
        };
    var worker = worker(slow).open();
    work.create(1);
    assertTrue(began.await(20, TimeUnit.SECONDS));
    channel.close();
    var failure = assertThrows(ExecutionException.class, () -> worker.ended().get(20, TimeUnit.SECONDS));
    assertEquals(Status.Code.CANCELLED, ((ZeebeException) failure.getCause()).status().getCode());
    assertTrue(late.get(20, TimeUnit.SECONDS) instanceof IllegalStateException);
    worker.close();
    assertEquals(1, count(worker, "activated"));
    assertThrows(IllegalStateException.class, () -> worker(job -> {}).open());
  }

  /** It goes on though nobody holds it, and ends with its channel. */
  @Test
  void workersAreKeptByTheirChannel() throws Exception {
    var done = new LinkedBlockingQueue<Long>();
    worker(job -> done.add(job.key())).open();
    for (int i = 0; i < 10; i++) {
      System.gc();
      work.create(1);
      next(done);
    }
  }

  @Test
  void failuresAreTold() throws Exception {
    gateway.ask("POST", "/fail?status=13&count=2&rpc=StreamActivatedJobs&message=on+purpose");
    var told = new LinkedBlockingQueue<Long>();
    var done = new CountDownLatch(1);
    JobStreamListener listener =
        (error, inARow, pause) -> {
          assertEquals(Status.Code.INTERNAL, error.status().getCode());
          told.add(inARow);
        };
    try (var worker = worker(job -> done.countDown()).onError(listener).open()) {
      assertEquals(1, next(told));
      assertEquals(2, next(told));
      work.create(1);
      assertTrue(done.await(20, TimeUnit.SECONDS));
    }
  }

  @Test
  void countsAreThere() throws Exception {
    try (var worker = worker(job -> {}).workerName("one").open();
        var idle = channel.newWorker("idle", job -> {}).workerName("two").open()) {
      work.create(5);
      until(() -> count(worker, "completed") == 5);
      assertEquals(0, count(idle, "activated"));
      String text = JobWorker.prometheus(List.of(worker, idle));
      assertTrue(text.contains("zeebe_job_worker_jobs_completed_total{type=\"work\",worker=\"one\"} 5\n"), text);
      assertTrue(text.contains("zeebe_job_worker_jobs_completed_total{type=\"idle\",worker=\"two\"} 0\n"), text);
      assertEquals(1, text.split("# TYPE zeebe_job_worker_jobs_completed_total", -1).length - 1);
      assertEquals("", JobWorker.prometheus(List.of()).replaceAll("#.*\n", ""));
    }
  }

  @Test
  void optionsReachTheGateway() throws Exception {
    var metadata = new Metadata();
    metadata.put(Metadata.Key.of("from-worker", Metadata.ASCII_STRING_MARSHALLER), "here");
    var jobs = new LinkedBlockingQueue<String>();
    try (var worker = worker(job -> jobs.add(job.variables())).pollsAlone().fetchVariables("a", "b").metadata(metadata).open()) {
      work.create("{\"a\": 1, \"c\": 2}");
      assertEquals("{\"a\":1}", next(jobs).replace(" ", ""));
      until(() -> count(worker, "completed") == 1);
    }
    assertEquals(0, Gateway.JSON.readTree(gateway.ask("GET", "/counters")).at("/calls/StreamActivatedJobs").asInt());
    assertTrue(gateway.ask("GET", "/calls?last=256").contains("from-worker"));
    // Another tenant's jobs are not ours.
    try (var other = worker(job -> jobs.add("other")).tenantIds("acme").open()) {
      work.create(1);
      until(() -> gateway.ask("GET", "/counters").contains("\"StreamActivatedJobs\""));
      assertEquals(0, count(other, "activated"));
    }
  }

  @Test
  void timeOutsBeginAnew() throws Exception {
    var own = new CompletableFuture<JobWorker>();
    var deadlines = new LinkedBlockingQueue<Instant>();
    JobHandler slow =
        job -> {
          deadlines.add(job.deadline());
          until(() -> count(own.join(), "extended") >= 3); // past the first time-out
          deadlines.add(job.deadline());
        };
    // The library has half of it to have it begin anew.
    try (var worker = worker(slow).jobTimeout(Duration.ofSeconds(6)).extendTimeout().open()) {
      own.complete(worker);
      work.create(1);
      until(() -> count(worker, "completed") == 1);
      assertTrue(count(worker, "extended") >= 2, worker.stats());
      assertEquals(1, count(worker, "activated"));
      assertTrue(next(deadlines).isBefore(next(deadlines)));
    }
  }
}
