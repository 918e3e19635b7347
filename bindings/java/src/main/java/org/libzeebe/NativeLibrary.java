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

  private NativeLibrary() {}

  static void load() {
    String directory = System.getProperty(PROPERTY);
    if (directory != null) {
      load(Path.of(directory, GLUE));
      return;
    }
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
      throw failure("cannot be extracted to " + System.getProperty("java.io.tmpdir"), e);
    }
  }

  private static void load(Path glue) {
    try {
      System.load(glue.toAbsolutePath().toString());
    } catch (UnsatisfiedLinkError e) {
      throw failure("cannot be loaded from " + glue.getParent(), e);
    }
  }

  private static void extract(String resource, Path to) throws IOException {
    try (InputStream in = NativeLibrary.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw failure("has no build for " + platform() + " in this jar", null);
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

  private static UnsatisfiedLinkError failure(String what, Throwable cause) {
    var error =
        new UnsatisfiedLinkError(
            "libzeebe "
                + what
                + (cause == null ? "" : ": " + cause.getMessage())
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
