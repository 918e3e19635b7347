package org.libzeebe;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;

/** JSON objects as the program has them: as text, or through Jackson, if that is on the class path. */
final class Json {
  private static final boolean HAS_JACKSON = hasJackson();

  private Json() {}

  private static boolean hasJackson() {
    try {
      Class.forName("com.fasterxml.jackson.databind.json.JsonMapper");
      return true;
    } catch (ClassNotFoundException | LinkageError e) {
      return false;
    }
  }

  private static void needJackson(String what) {
    if (!HAS_JACKSON) {
      throw new IllegalStateException(
          what + " needs com.fasterxml.jackson.core:jackson-databind on the class path; JSON as a String needs nothing");
    }
  }

  /** Text is taken as it is; null: none. */
  static String write(Object object) {
    if (object == null || object instanceof String) {
      return (String) object;
    }
    needJackson("to make JSON of " + object.getClass().getName());
    return Jackson.write(object);
  }

  static <T> T read(String json, Class<T> type) {
    needJackson("to make " + type.getName() + " of JSON");
    return Jackson.read(json, type);
  }

  /** All that names its classes: loaded only where they are there. */
  private static final class Jackson {
    static final ObjectMapper MAPPER =
        JsonMapper.builder()
            .findAndAddModules()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    static String write(Object object) {
      String type = object.getClass().getName();
      try {
        String json = MAPPER.writeValueAsString(object);
        if (!json.startsWith("{")) {
          throw new IllegalArgumentException(
              "variables are a JSON object, which " + type + " is not made to");
        }
        return json;
      } catch (JsonProcessingException e) {
        throw new IllegalArgumentException("no JSON can be made of " + type, e);
      }
    }

    static <T> T read(String json, Class<T> type) {
      try {
        return MAPPER.readValue(json, type);
      } catch (JsonProcessingException e) {
        throw new IllegalArgumentException("the JSON makes no " + type.getName(), e);
      }
    }
  }
}
