package org.libzeebe;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.grpc.Status;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What crosses JNI as a number is in Java what it is in zeebe.h. */
class HeaderTest {
  /** The constants that begin so, each at its number. */
  private static List<String> constants(String prefix) throws Exception {
    String header = Files.readString(Gateway.ROOT.resolve("include/zeebe.h"));
    Matcher found =
        Pattern.compile("^  " + prefix + "(\\w+) = (\\d+),$", Pattern.MULTILINE).matcher(header);
    var names = new ArrayList<String>();
    while (found.find()) {
      assertEquals(names.size(), Integer.parseInt(found.group(2)), found.group());
      names.add(found.group(1));
    }
    return names;
  }

  /** After the first, which stands for none. */
  private static List<String> names(Enum<?>[] values) {
    var names = new ArrayList<String>(List.of("NONE"));
    Arrays.stream(values).map(Enum::name).forEach(names::add);
    return names;
  }

  @Test
  void numbersAreTheHeaders() throws Exception {
    assertEquals(
        Arrays.stream(Status.Code.values()).map(Enum::name).toList(), constants("ZEEBE_STATUS_"));
    assertEquals(names(ZeebeException.Kind.values()), constants("ZEEBE_ERROR_KIND_"));
    assertEquals(names(ZeebeException.Source.values()), constants("ZEEBE_ERROR_SOURCE_"));
    assertEquals(names(JobOutcome.values()), constants("ZEEBE_JOB_OUTCOME_"));
    for (JobOutcome outcome : JobOutcome.values()) {
      assertEquals(outcome, JobOutcome.of(outcome.ordinal() + 1));
    }
    List<String> events = constants("ZEEBE_EVENT_TYPE_");
    assertEquals("JOB", events.get(Event.JOB));
    assertEquals("JOB_ENDED", events.get(Event.JOB_ENDED));
    assertEquals(
        Arrays.stream(ClientAuthentication.values()).map(Enum::name).toList(),
        constants("ZEEBE_CLIENT_AUTHENTICATION_"));
    assertEquals(
        Arrays.stream(ZeebeChannel.STATES).map(Enum::name).toList(),
        constants("ZEEBE_CONNECTIVITY_"));
    List<String> levels = constants("ZEEBE_LOG_LEVEL_");
    for (int level = 1; level < levels.size(); level++) {
      String name = levels.get(level).equals("WARN") ? "WARNING" : levels.get(level);
      assertEquals(name, LogEntry.level(level).name());
    }
    assertEquals(6, levels.size());
  }
}
