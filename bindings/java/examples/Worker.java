import java.time.Duration;
import java.util.Map;
import org.libzeebe.JobHandler;
import org.libzeebe.JobWorker;
import org.libzeebe.ZeebeChannel;

/** A job worker: {@code Worker JOB_TYPE}. At SIGTERM or SIGINT jobs at work are completed, the others go back. The gateway is the environment's: ZEEBE_ADDRESS, ... */
public class Worker {
  public static void main(String[] arguments) {
    JobHandler handler =
        job -> {
          if (job.variables().contains("\"fail\"")) {
            throw new IllegalStateException("not today"); // the job has one retry less
          }
          // What is UNKNOWN may be complete: an answer was lost. Whatever has not ended comes again.
          var end = job.complete(Map.of("done", true)).join();
          System.out.println(end.outcome() + " " + job.key());
        };
    try (ZeebeChannel channel = ZeebeChannel.fromEnvironment().build();
        JobWorker worker = channel.newWorker(arguments[0], handler).retryBackoff(Duration.ofSeconds(1)).open()) {
      Runtime.getRuntime().addShutdownHook(new Thread(worker::close));
      worker.ended().join();
    }
  }
}
