package org.libzeebe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the documentation shows works as it stands. */
@Timeout(120)
class DocumentationTest {
  private static final Path BINDING = Gateway.ROOT.resolve("bindings/java");

  @TempDir private Path directory;

  private void compile(String name, String source) throws Exception {
    Path file = directory.resolve(name + ".java");
    Files.writeString(file, source);
    int failed =
        ToolProvider.getSystemJavaCompiler()
            .run(null, null, null, "-cp", classPath(), "-d", directory.toString(), file.toString());
    assertEquals(0, failed);
  }

  private String classPath() {
    return System.getProperty("java.class.path") + File.pathSeparator + directory;
  }

  private static String block(String language) throws Exception {
    var block =
        Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(BINDING.resolve("README.md")));
    assertTrue(block.find());
    return block.group(1);
  }

  /** By the README's own commands, with what {@code make java} made. */
  @Test
  void quickStart() throws Exception {
    Files.writeString(directory.resolve("QuickStart.java"), block("java"));
    Path output = directory.resolve("output");
    try (var gateway = new Gateway()) {
      var shell =
          new ProcessBuilder("bash", "-euc", block("sh"))
              .directory(directory.toFile())
              .redirectErrorStream(true)
              .redirectOutput(output.toFile());
      shell.environment().put("LIBZEEBE", Gateway.ROOT.toRealPath().toString());
      shell.environment().put("ZEEBE_ADDRESS", gateway.address("plaintext"));
      shell.environment().put("ZEEBE_INSECURE_CONNECTION", "true");
      Process process = shell.start();
      try {
        boolean ended = process.waitFor(60, TimeUnit.SECONDS);
        String said = Files.readString(output);
        assertTrue(ended && process.exitValue() == 0, said);
        assertTrue(said.contains("cluster_size") || said.contains("brokers"), said);
      } finally {
        process.destroyForcibly();
      }
    }
  }

  /** Nothing is lost while the gateway is killed and comes back with nothing, and its port stays the same. */
  @Test
  void worker() throws Exception {
    Path output = directory.resolve("output");
    compile("Worker", Files.readString(BINDING.resolve("examples/Worker.java")));
    var gateway = new Gateway();
    String port = gateway.get("plaintext");
    Process worker = null;
    try {
      var builder =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xcheck:jni",
                  "-cp",
                  classPath(),
                  "Worker",
                  "work")
              .redirectErrorStream(true)
              .redirectOutput(output.toFile());
      builder.environment().put("ZEEBE_ADDRESS", "localhost:" + port);
      builder.environment().put("ZEEBE_INSECURE_CONNECTION", "true");
      worker = builder.start();
      for (int first = 1; first <= 2001; first += 1000) {
        if (first > 1) {
          gateway.kill();
          gateway = new Gateway("--plaintext-port", port, "--first-key", Integer.toString(first));
        }
        try (var channel = ZeebeChannel.insecure().address("localhost:" + port).build()) {
          var work = new Work(channel);
          work.create(20);
          work.create("{\"why\": \"fail\"}");
        }
        int completed = 20 * (1 + first / 1000);
        until(output, said -> said.lines().filter(line -> line.startsWith("ENDED ")).count() == completed);
      }
      until(output, said -> said.lines().filter(line -> line.contains("not today")).count() >= 3);
      worker.destroy(); // SIGTERM
      assertTrue(worker.waitFor(20, TimeUnit.SECONDS));
      assertEquals(128 + 15, worker.exitValue());
      List<String> ends = Files.readAllLines(output).stream().filter(line -> line.startsWith("ENDED ")).toList();
      assertEquals(60, Set.copyOf(ends).size());
    } finally {
      if (worker != null) {
        worker.destroyForcibly();
      }
      gateway.close();
    }
  }

  private static void until(Path output, Predicate<String> condition) throws Exception {
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.test(Files.readString(output))) {
      assertTrue(System.nanoTime() < until, Files.readString(output));
      Thread.sleep(20);
    }
  }
}
