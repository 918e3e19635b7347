package org.libzeebe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
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

  private String run(String name, String source, Gateway gateway) throws Exception {
    Path file = directory.resolve(name + ".java");
    Files.writeString(file, source);
    String classPath = System.getProperty("java.class.path");
    int failed =
        ToolProvider.getSystemJavaCompiler()
            .run(null, null, null, "-cp", classPath, "-d", directory.toString(), file.toString());
    assertEquals(0, failed);
    return Jvm.run(
        Map.of(
            "ZEEBE_ADDRESS", gateway.address("plaintext"), "ZEEBE_INSECURE_CONNECTION", "true"),
        java.util.List.of(),
        classPath + File.pathSeparator + directory,
        name);
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

  @Test
  void worker() throws Exception {
    try (var gateway = new Gateway()) {
      String said = run("Worker", Files.readString(BINDING.resolve("examples/Worker.java")), gateway);
      assertEquals(10, said.lines().filter(line -> line.startsWith("job {")).count(), said);
      String counters = gateway.ask("GET", "/counters");
      assertTrue(counters.contains("CompleteJob"), counters);
    }
  }
}
