package org.libzeebe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What concerns the whole JVM: its end, its checks of JNI, the library's files, and class loaders that go away. */
@Timeout(120)
class ProcessTest {
  private static Gateway gateway;

  @BeforeAll
  static void startGateway() throws Exception {
    gateway = new Gateway();
  }

  @AfterAll
  static void stopGateway() throws Exception {
    gateway.close();
  }

  private static String traffic(String... options) throws Exception {
    return Jvm.run(
        List.of(options),
        Traffic.class,
        gateway.address("plaintext"),
        gateway.address("tls_oauth"),
        gateway.get("ca"),
        gateway.tokenUrl());
  }

  @Test
  void jvmEndsWithOpenChannels() throws Exception {
    assertEquals("traffic: done\n", traffic());
  }

  @Test
  void checkJniHasNothingToSay() throws Exception {
    assertEquals("traffic: done\n", traffic("-Xcheck:jni"));
  }

  @Test
  void threadsForIoAreThereForWhoAsksForThem() throws Exception {
    assertEquals("traffic: done\n", traffic("-DioThreads=0"));
    assertEquals("traffic: done\n", traffic("-DioThreads=2"));
    assertEquals("traffic: done\n", traffic("-DioThreads=2", "-Xcheck:jni"));
  }

  /** And not with the program: who does the I/O ends with the last channel, too. */
  @Test
  void connectionsEndWithTheLastChannel() throws Exception {
    long before = counter("accepted_connections");
    Process program =
        Jvm.start(
            Closed.class, gateway.address("plaintext"), gateway.address("tls"), gateway.get("ca"));
    try {
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (counter("accepted_connections") < before + 4 || counter("open_connections") > 0) {
        assertTrue(program.isAlive() && System.nanoTime() < end, "connections are open");
        Thread.sleep(10);
      }
    } finally {
      program.destroyForcibly().waitFor();
    }
  }

  private static long counter(String name) throws Exception {
    return Gateway.JSON.readTree(gateway.ask("GET", "/counters")).required(name).asLong();
  }

  @Test
  void extractedLibraryIsPrivateAndRemoved() throws Exception {
    Path directory = Files.createTempDirectory("extracted");
    traffic("-Djava.io.tmpdir=" + directory);
    try (var left = Files.list(directory)) {
      assertEquals(List.of(), left.filter(path -> path.toString().contains("libzeebe")).toList());
    }
    // The glue and the library are in the property's directory, too.
    traffic(
        "-Djava.io.tmpdir=/nowhere",
        "-Dzeebe.library.path="
            + Gateway.ROOT.resolve("build/java/native/linux-" + machine()));
    Files.delete(directory);
  }

  private static String machine() {
    String arch = System.getProperty("os.arch");
    return arch.equals("amd64") ? "x86_64" : arch;
  }

  /** Each time, and not only the first. */
  private static void cannotBeLoaded(String classPath, List<String> options, String... words)
      throws Exception {
    String said = Jvm.run(Map.of(), options, classPath, Missing.class.getName());
    var uses = said.lines().filter(line -> line.startsWith("use: ")).toList();
    assertEquals(8, uses.size(), said);
    for (String use : uses) {
      for (String word : words) {
        assertTrue(use.contains(word), use);
      }
      assertTrue(use.contains("zeebe.library.path"), use);
    }
  }

  private static void cannotBeLoaded(List<String> options, String... words) throws Exception {
    cannotBeLoaded(System.getProperty("java.class.path"), options, words);
  }

  @Test
  void missingLibrarySaysWhatToDo(@TempDir Path directory) throws Exception {
    cannotBeLoaded(List.of("-Dzeebe.library.path=/nowhere"), "/nowhere");
    Files.writeString(directory.resolve("libzeebe_jni.so"), "no library");
    cannotBeLoaded(List.of("-Dzeebe.library.path=" + directory), directory.toString());
    // Where nobody can write.
    cannotBeLoaded(List.of("-Djava.io.tmpdir=/proc"), "extracted to /proc", "java.io.tmpdir");
    cannotBeLoaded(List.of("-Dos.arch=vax"), "has no build for linux-vax");
  }

  @Test
  void jvmThatAllowsNoLibrarySaysWhatToDo() throws Exception {
    if (Runtime.version().feature() >= 24) {
      cannotBeLoaded(List.of("--illegal-native-access=deny"), "--enable-native-access=ALL-UNNAMED");
    }
  }

  /** Where the system lets a test mount something. */
  @Test
  void noexecDirectorySaysWhatToDo(@TempDir Path directory) throws Exception {
    String script =
        "mount -t tmpfs -o noexec tmpfs " + directory + " && exec \"$0\" -Djava.io.tmpdir=" + directory + " -cp \"$1\" \"$2\"";
    var builder =
        new ProcessBuilder(
                "unshare",
                "--user",
                "--map-root-user",
                "--mount",
                "sh",
                "-c",
                script,
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                System.getProperty("java.class.path"),
                Missing.class.getName())
            .redirectErrorStream(true);
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes());
    assumeTrue(process.waitFor() == 0, said);
    said.lines()
        .filter(line -> line.startsWith("use: "))
        .forEach(use -> assertTrue(use.contains("noexec") && use.contains("java.io.tmpdir"), use));
    assertTrue(said.contains("use: "), said);
  }

  static final class Missing {
    public static void main(String[] arguments) {
      for (int time = 0; time < 2; time++) {
        use(ZeebeChannel::libraryVersion);
        use(() -> ZeebeChannel.insecure().address("localhost:1").build());
        use(() -> MetadataPlugin.bearer("x"));
        use(() -> ZeebeEnvironment.zeebeAddress(null));
      }
    }

    private static void use(Runnable use) {
      try {
        use.run();
        throw new AssertionError("loaded");
      } catch (UnsatisfiedLinkError e) {
        System.out.println("use: " + e.getMessage().replace("\n", " "));
      }
    }
  }

  /** Jackson is there for those who have it. */
  @Test
  void workersNeedNoJackson() throws Exception {
    String without =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(path -> !path.contains("jackson"))
            .collect(Collectors.joining(File.pathSeparator));
    String said =
        Jvm.run(
            Map.of(),
            List.of(),
            without,
            WithoutJackson.class.getName(),
            gateway.address("plaintext"));
    assertTrue(said.contains("jackson-databind") && said.endsWith("text: ENDED\n"), said);
  }

  static final class WithoutJackson {
    public static void main(String[] arguments) throws Exception {
      var ended = new CompletableFuture<JobOutcome>();
      JobHandler handler =
          job -> {
            try {
              job.complete(Map.of("a", 1));
            } catch (IllegalStateException e) {
              System.out.println(e.getMessage());
              ended.complete(job.complete("{\"a\": 1}").join().outcome());
            }
          };
      try (var channel = ZeebeChannel.insecure().address(arguments[0]).build();
          var worker = channel.newWorker("work", handler).open()) {
        new Work(channel).create(1);
        System.out.println("text: " + ended.get(20, TimeUnit.SECONDS));
      }
    }
  }

  /** Twice: a library is loaded by one class loader at a time. */
  @Test
  void classLoaderIsUnloaded() throws Exception {
    var failures = new ConcurrentLinkedQueue<Throwable>();
    Thread.setDefaultUncaughtExceptionHandler((thread, failure) -> failures.add(failure));
    try {
      useLoaders();
    } finally {
      Thread.setDefaultUncaughtExceptionHandler(null);
    }
    assertEquals(List.of(), List.copyOf(failures));
  }

  private static void useLoaders() throws Exception {
    for (int round = 0; round < 2; round++) {
      WeakReference<ClassLoader> loader = useInLoader();
      for (int i = 0; i < 200 && loader.get() != null; i++) {
        System.gc();
        Thread.sleep(50);
      }
      assertNull(loader.get(), "the class loader is not collected");
    }
  }

  /** A channel and its calls, in classes of their own; one that is closed, and one that is forgotten. */
  private static WeakReference<ClassLoader> useInLoader() throws Exception {
    URL[] urls =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(path -> url(path))
            .toArray(URL[]::new);
    var loader = new URLClassLoader(urls, ClassLoader.getPlatformClassLoader());
    Class<?> main = loader.loadClass(InLoader.class.getName());
    assertNotNull(main);
    assertTrue(main != InLoader.class);
    var method = main.getDeclaredMethod("use", String.class);
    method.setAccessible(true);
    method.invoke(null, gateway.address("plaintext"));
    var reference = new WeakReference<ClassLoader>(loader);
    loader.close();
    return reference;
  }

  private static URL url(String path) {
    try {
      return Path.of(path).toUri().toURL();
    } catch (java.net.MalformedURLException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
