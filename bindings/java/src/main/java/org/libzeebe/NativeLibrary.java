package org.libzeebe;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Finds the native library: in the directory that the property {@code zeebe.library.path} names, else in the jar.
 *
 * <p>The jar's are extracted to a directory that only this user may read, and removed again once they are loaded.
 */
final class NativeLibrary {
  static final String PROPERTY = "zeebe.library.path";

  /** The glue finds the library beside it. */
  private static final String GLUE = "libzeebe_jni.so";
  private static final String LIBRARY = "libzeebe.so.0";

  private static final String ELSEWHERE = "; the property java.io.tmpdir names another directory";

  /** Why there is none; null: it is loaded. */
  private static final UnsatisfiedLinkError FAILURE = load();

  private NativeLibrary() {}

  /**
   * To be called before the first of {@link Native}'s functions.
   *
   * @throws UnsatisfiedLinkError each time, with what to do, if the library cannot be loaded
   */
  static void require() {
    if (FAILURE != null) {
      var failure = new UnsatisfiedLinkError(FAILURE.getMessage());
      failure.initCause(FAILURE.getCause());
      throw failure;
    }
  }

  /** A class whose initialisation fails says why only once: so this returns it. */
  private static UnsatisfiedLinkError load() {
    try {
      String directory = System.getProperty(PROPERTY);
      if (directory == null) {
        loadExtracted();
      } else {
        load(Path.of(directory, GLUE));
      }
      return null;
    } catch (UnsatisfiedLinkError e) {
      return e;
    } catch (Exception | LinkageError e) {
      return failure("cannot be loaded", "", e);
    }
  }

  private static void loadExtracted() {
    String resources = "native/" + platform() + "/";
    try {
      // Mode 700.
      Path extracted = Files.createTempDirectory("libzeebe-");
      Path library = extracted.resolve(LIBRARY);
      Path glue = extracted.resolve(GLUE);
      try {
        extract(resources + LIBRARY, library);
        extract(resources + GLUE, glue);
        load(glue);
      } finally {
        Files.deleteIfExists(glue);
        Files.deleteIfExists(library);
        Files.deleteIfExists(extracted);
      }
    } catch (IOException e) {
      throw failure("cannot be extracted to " + System.getProperty("java.io.tmpdir"), ELSEWHERE, e);
    }
  }

  private static void load(Path glue) {
    try {
      System.load(glue.toAbsolutePath().toString());
    } catch (UnsatisfiedLinkError e) {
      // The loader's words for a directory that is mounted noexec.
      boolean isNoexec = String.valueOf(e.getMessage()).contains("failed to map segment");
      String where = glue.getParent() + (isNoexec ? ", which may be mounted noexec" : "");
      throw failure("cannot be loaded from " + where, isNoexec ? ELSEWHERE : "", e);
    } catch (RuntimeException e) {
      // IllegalCallerException, with --illegal-native-access=deny, and from some Java on by default.
      Module module = NativeLibrary.class.getModule();
      String name = module.isNamed() ? module.getName() : "ALL-UNNAMED";
      throw failure("may not be loaded", "; the JVM's option --enable-native-access=" + name + " allows it", e);
    }
  }

  private static void extract(String resource, Path to) throws IOException {
    try (InputStream in = NativeLibrary.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw failure("has no build for " + platform() + " in this jar", "", null);
      }
      Files.copy(in, to);
    }
  }

  private static String platform() {
    String arch = System.getProperty("os.arch");
    return System.getProperty("os.name").toLowerCase(Locale.ROOT)
        + "-"
        + (arch.equals("amd64") ? "x86_64" : arch);
  }

  private static UnsatisfiedLinkError failure(String what, String remedy, Throwable cause) {
    var error =
        new UnsatisfiedLinkError(
            "libzeebe "
                + what
                + (cause == null ? "" : ": " + cause.getMessage())
                + remedy
                + "; the property "
                + PROPERTY
                + " names a directory with "
                + GLUE
                + " and "
                + LIBRARY);
    error.initCause(cause);
    return error;
  }
}
