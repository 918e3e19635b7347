package org.libzeebe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
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

  @Test
  void quickStart() throws Exception {
    var block =
        Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(BINDING.resolve("README.md")));
    assertTrue(block.find());
    try (var gateway = new Gateway()) {
      String said = run("QuickStart", block.group(1), gateway);
      assertTrue(said.contains("cluster_size") || said.contains("brokers"), said);
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
