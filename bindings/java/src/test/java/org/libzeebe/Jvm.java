package org.libzeebe;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A program in a JVM of its own. */
final class Jvm {
  private Jvm() {}

  /** Runs a main class with this test's class path; returns what it said, both outputs. It must end well, within a minute. */
  static String run(List<String> options, Class<?> main, String... arguments) throws Exception {
    return run(
        Map.of(), options, System.getProperty("java.class.path"), main.getName(), arguments);
  }

  static String run(
      Map<String, String> environment,
      List<String> options,
      String classPath,
      String main,
      String... arguments)
      throws Exception {
    File output = File.createTempFile("output", ".txt");
    var builder =
        builder(options, classPath, main, arguments)
            .redirectErrorStream(true)
            .redirectOutput(output);
    builder.environment().putAll(environment);
    Process process = builder.start();
    try {
      boolean ended = process.waitFor(60, TimeUnit.SECONDS);
      String said = java.nio.file.Files.readString(output.toPath());
      assertEquals("ended with 0", ended ? "ended with " + process.exitValue() : "runs", said);
      return said;
    } finally {
      process.destroyForcibly().waitFor();
      output.delete();
    }
  }

  /** One that goes on until it is destroyed, or its standard input is closed. */
  static Process start(Class<?> main, String... arguments) throws Exception {
    return builder(List.of(), System.getProperty("java.class.path"), main.getName(), arguments)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private static ProcessBuilder builder(
      List<String> options, String classPath, String main, String... arguments) {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Dproject.root=" + Gateway.ROOT);
    if (Runtime.version().feature() >= 24) {
      // It warns else, of native code, and of protobuf's.
      command.add("--sun-misc-unsafe-memory-access=allow");
      if (!options.contains("--illegal-native-access=deny")) {
        command.add("--enable-native-access=ALL-UNNAMED");
      }
    }
    command.addAll(options);
    command.addAll(List.of("-cp", classPath, main));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command);
  }
}
