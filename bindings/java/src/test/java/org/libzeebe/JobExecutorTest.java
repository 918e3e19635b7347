package org.libzeebe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Where handlers run: whatever the executor does, no job is lost, and nothing else waits for it. */
@Timeout(60)
class JobExecutorTest {
  private static final int FIRST_WITH_VIRTUAL_THREADS = 21;

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

  private static int count(JobWorker worker, String name) throws Exception {
    return Gateway.JSON.readTree(worker.stats()).at("/jobs/" + name).asInt(-1);
  }

  private static void await(JobWorker worker, String name, int count) throws Exception {
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (count(worker, name) < count) {
      assertTrue(System.nanoTime() < until, worker.stats());
      Thread.sleep(5);
    }
    assertEquals(count, count(worker, name));
  }

  private JsonNode jobs() throws Exception {
    return Gateway.JSON.readTree(gateway.ask("GET", "/state")).at("/jobs");
  }

  @Test
  void threadsAreVirtualWhereThereAreSuch() throws Exception {
    var threads = new LinkedBlockingQueue<Thread>();
    try (var worker = channel.newWorker("work", job -> threads.add(Thread.currentThread())).open()) {
      work.create(1);
      Thread thread = threads.poll(20, TimeUnit.SECONDS);
      boolean isVirtual = Runtime.version().feature() >= FIRST_WITH_VIRTUAL_THREADS;
      assertEquals(!isVirtual, thread.getName().startsWith("zeebe-callback-"), thread.toString());
      assertTrue(thread.isDaemon());
      await(worker, "completed", 1);
    }
  }

  /** Handlers that block do not wait for each other, up to as many as may. */
  @Test
  void handlersRunSideBySide() throws Exception {
    var all = new CountDownLatch(16);
    var atOnce = new AtomicInteger();
    var most = new AtomicInteger();
    JobHandler handler =
        job -> {
          most.accumulateAndGet(atOnce.incrementAndGet(), Math::max);
          all.countDown();
          assertTrue(all.await(20, TimeUnit.SECONDS));
          atOnce.decrementAndGet();
        };
    try (var worker = channel.newWorker("work", handler).handlersAtOnce(16).open()) {
      work.create(40);
      await(worker, "completed", 40);
      assertTrue(most.get() >= 16 && most.get() <= 17, most + " at once");
    }
  }

  /** One thread for all: handlers that wait for ends, a channel's callbacks, and a worker's. */
  @Test
  void handlerMayWaitForAnEndOnTheOnlyThread() throws Exception {
    ExecutorService one = Executors.newSingleThreadExecutor();
    var same = ZeebeChannel.insecure().address(gateway.address("plaintext")).executor(one).build();
    var threads = ConcurrentHashMap.<Thread>newKeySet();
    JobHandler handler =
        job -> {
          threads.add(Thread.currentThread());
          assertTrue(job.complete().get(20, TimeUnit.SECONDS).hasEnded());
        };
    try (var worker = same.newWorker("work", handler).executor(one).open()) {
      work.create(20);
      await(worker, "completed", 20);
      assertEquals(1, threads.size());
    } finally {
      same.close();
      assertTrue(same.awaitTermination(20, TimeUnit.SECONDS));
      one.shutdown();
    }
  }

  /** They run handlers on the thread that hands them jobs, which is not the one that reads all events. */
  @Test
  void directExecutorsHoldUpNothingElse() throws Exception {
    var callerRuns =
        new ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, new SynchronousQueue<>(), new ThreadPoolExecutor.CallerRunsPolicy());
    for (Executor executor : new Executor[] {Runnable::run, callerRuns}) {
      JobHandler handler =
          job -> {
            // Needs the reader.
            work.create("{\"from\": \"handler\"}");
            assertTrue(job.complete().get(20, TimeUnit.SECONDS).hasEnded());
          };
      JobHandler once = job -> { if (job.variables().contains("handler")) { job.complete(); } else { handler.handle(job); } };
      try (var worker = channel.newWorker("work", once).executor(executor).open()) {
        work.create(10);
        await(worker, "completed", 20);
        assertEquals(0, count(worker, "failed"));
      }
    }
    callerRuns.shutdown();
  }

  /** A job that is refused comes again, with the retries that it had. */
  @Test
  void refusedJobsComeAgain() throws Exception {
    var calls = new AtomicInteger();
    Executor moody =
        task -> {
          switch (calls.incrementAndGet()) {
            case 1 -> throw new RejectedExecutionException("not now");
            case 2 -> throw new OutOfMemoryError("no thread, on purpose");
            default -> new Thread(task).start();
          }
        };
    var retries = new LinkedBlockingQueue<Integer>();
    try (var worker = channel.newWorker("work", job -> retries.add(job.retries())).executor(moody).open()) {
      work.create(1);
      await(worker, "completed", 1);
      assertEquals(3, retries.poll());
      assertEquals(2, count(worker, "failed"));
    }
  }

  /** Also by one that is shut down, from which another worker has them. */
  @Test
  void executorThatIsShutDownLosesNoJob() throws Exception {
    ExecutorService over = Executors.newSingleThreadExecutor();
    over.shutdown();
    try (var worker = channel.newWorker("work", job -> {}).executor(over).open()) {
      work.create(3);
      await(worker, "failed", 3);
      worker.close();
    }
    try (var other = channel.newWorker("work", job -> assertEquals(3, job.retries())).pollInterval(Duration.ofMillis(100)).open()) {
      await(other, "completed", 3);
    }
  }

  /** What an executor drops without a word fails once it is collected. */
  @Test
  void jobsThatAnExecutorDropsFail() throws Exception {
    var drops = new AtomicInteger(2);
    Executor forgetful =
        task -> {
          if (drops.getAndDecrement() <= 0) {
            new Thread(task).start();
          }
        };
    try (var worker = channel.newWorker("work", job -> assertEquals(1, job.retries())).executor(forgetful).open()) {
      work.create(1);
      long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
      while (count(worker, "completed") < 1) {
        assertTrue(System.nanoTime() < until, worker.stats());
        System.gc();
        Thread.sleep(20);
      }
      assertEquals(2, count(worker, "failed"));
    }
  }

  /** What waits in the executor at a close was not begun: it goes back at once, with its retries. */
  @Test
  void whatWaitsInTheExecutorGoesBack() throws Exception {
    ExecutorService one = Executors.newSingleThreadExecutor();
    var began = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    Set<Long> begun = ConcurrentHashMap.newKeySet();
    JobHandler handler =
        job -> {
          begun.add(job.key());
          began.countDown();
          goOn.await();
        };
    var worker = channel.newWorker("work", handler).executor(one).open();
    work.create(10);
    assertTrue(began.await(20, TimeUnit.SECONDS));
    await(worker, "activated", 10);
    var ended = worker.shutdown();
    assertFalse(ended.isDone());
    await(worker, "failed", 9);
    goOn.countDown();
    ended.get(20, TimeUnit.SECONDS);
    one.shutdown();
    assertTrue(one.awaitTermination(20, TimeUnit.SECONDS));
    assertEquals(1, begun.size());
    assertEquals(1, count(worker, "completed"));
    var left = new HashSet<Long>();
    for (JsonNode job : jobs()) {
      assertEquals(3, job.get("retries").asInt(), job.toString());
      left.add(job.get("key").asLong());
    }
    assertEquals(9, left.size());
    left.removeAll(begun);
    assertEquals(9, left.size());
  }
}
