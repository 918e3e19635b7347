import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.libzeebe.ZeebeChannel;
import org.libzeebe.ZeebeChannelBuilder;
import org.libzeebe.ZeebeEnvironment;
import org.libzeebe.ZeebeException;

/**
 * The conformance driver for Java: answers each line of standard input, a call as JSON, with one line of JSON that says what
 * the binding made of it. It uses the public API and nothing else.
 */
final class Driver {
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .build();
  private static final int TOKEN_WAIT_S = 10;

  /** A request that cannot be passed on. */
  private static final class Unusable extends Exception {
    private static final long serialVersionUID = 1L;

    Unusable(String reason) {
      super(reason);
    }
  }

  private Driver() {}

  public static void main(String[] arguments) throws IOException {
    var in = new BufferedInputStream(System.in);
    var out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    for (byte[] line = readLine(in); line != null && !out.checkError(); line = readLine(in)) {
      out.println(JSON.writeValueAsString(answer(line)));
      out.flush();
    }
  }

  /** Null: the end. */
  private static byte[] readLine(InputStream in) throws IOException {
    var line = new ByteArrayOutputStream();
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0) {
        return line.size() == 0 ? null : line.toByteArray();
      }
      line.write(next);
    }
    return line.toByteArray();
  }

  private static ObjectNode answer(byte[] line) {
    var answer = JSON.createObjectNode();
    try {
      JsonNode request = parse(line);
      if (request.has("id")) {
        answer.set("id", request.get("id"));
      }
      call(request, answer);
    } catch (Unusable | IllegalArgumentException e) {
      answer.put("failed", e.getMessage());
    } catch (ZeebeException e) {
      answer.putObject("raises").put("type", typeOf(e.kind())).put("message", e.getMessage());
    }
    return answer;
  }

  private static JsonNode parse(byte[] line) throws Unusable {
    try {
      // Of text, so that the encoding is UTF-8 and no other.
      String text =
          StandardCharsets.UTF_8.newDecoder().decode(java.nio.ByteBuffer.wrap(line)).toString();
      JsonNode request = JSON.readTree(text);
      if (request == null || request.isMissingNode()) {
        throw new Unusable("the line is empty");
      }
      // An escape may stand for half a character.
      if (!StandardCharsets.UTF_8.newEncoder().canEncode(JSON.writeValueAsString(request))) {
        throw new Unusable("a string has an unpaired surrogate");
      }
      return request;
    } catch (JsonProcessingException e) {
      throw new Unusable("the line is no JSON: " + e.getOriginalMessage());
    } catch (java.nio.charset.CharacterCodingException e) {
      throw new Unusable("the line is no UTF-8");
    }
  }

  /** The name that all languages share, or else that of the kind. */
  private static String typeOf(ZeebeException.Kind kind) {
    return switch (kind) {
      case SETTINGS -> "SettingsError";
      case INVALID_OAUTH_CREDENTIALS -> "InvalidOAuthCredentialsError";
      default -> kind.name();
    };
  }

  private static void call(JsonNode request, ObjectNode answer) throws Unusable {
    JsonNode function = request.path("function");
    if (!function.isTextual()) {
      throw new Unusable("the request names no function");
    }
    JsonNode values = request.path("arguments");
    if (!values.isObject() && !values.isMissingNode()) {
      throw new Unusable("the arguments are no object");
    }
    var arguments = new Arguments(values);
    String value = utility(function.asText(), arguments);
    if (value != null) {
      answer.put("returns", value);
      return;
    }
    try (ZeebeChannel channel = channel(function.asText(), arguments)) {
      if (request.path("retrieve_token").asBoolean()) {
        retrieveToken(channel);
      }
      describe(function.asText(), channel, answer);
    }
  }

  /** Null: it is none. */
  private static String utility(String function, Arguments arguments) throws Unusable {
    return switch (function) {
      case "get_zeebe_address" -> ZeebeEnvironment.zeebeAddress(arguments.text("default"));
      case "get_camunda_oauth_url" -> ZeebeEnvironment.oauthUrl(arguments.text("default"));
      case "get_camunda_client_id" -> ZeebeEnvironment.clientId();
      case "get_camunda_client_secret" -> ZeebeEnvironment.clientSecret();
      case "get_camunda_cluster_id" -> ZeebeEnvironment.clusterId();
      case "get_camunda_cluster_region" -> ZeebeEnvironment.clusterRegion(arguments.text("default"));
      case "get_camunda_token_audience" -> ZeebeEnvironment.tokenAudience(arguments.text("default"));
      case "get_camunda_address" ->
          ZeebeEnvironment.camundaAddress(
              arguments.text("cluster_id"), arguments.text("cluster_region"));
      default -> null;
    };
  }

  private static ZeebeChannel channel(String function, Arguments arguments) throws Unusable {
    return switch (function) {
      case "get_channel_options" -> arguments.options(ZeebeChannel.insecure(), "options").build();
      case "create_insecure_channel" ->
          arguments
              .options(ZeebeChannel.insecure(), "channel_options")
              .address(arguments.text("grpc_address"))
              .build();
      case "create_secure_channel" ->
          arguments
              .options(ZeebeChannel.secure(), "channel_options")
              .address(arguments.text("grpc_address"))
              .build();
      case "create_oauth2_client_credentials_channel" ->
          arguments
              .authorized(ZeebeChannel.oauth2())
              .address(arguments.text("grpc_address"))
              .build();
      case "create_camunda_cloud_channel" ->
          arguments
              .authorized(ZeebeChannel.camundaCloud())
              .clusterId(arguments.text("cluster_id"))
              .region(arguments.text("region"))
              .build();
      default -> throw new Unusable("the function is unknown");
    };
  }

  /** Whatever the outcome: what counts is the request that the token endpoint sees. */
  private static void retrieveToken(ZeebeChannel channel) {
    try {
      channel.retrieveToken().get(TOKEN_WAIT_S, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      // The endpoint has seen it.
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void describe(String function, ZeebeChannel channel, ObjectNode answer) throws Unusable {
    JsonNode description = parse(channel.describe().getBytes(StandardCharsets.UTF_8));
    var options = JSON.createArrayNode();
    for (JsonNode option : description.path("channel_options")) {
      options.addArray().add(option.get("key")).add(option.get("value"));
    }
    if (function.equals("get_channel_options")) {
      answer.set("returns", options);
      return;
    }
    answer.set("target", description.get("target"));
    answer.set("options", options);
    JsonNode oauth2 = description.path("oauth2");
    if (oauth2.isObject()) {
      ObjectNode resolved = answer.putObject("resolved");
      for (String name :
          new String[] {
            "client_id", "authorization_server", "scope", "audience", "leeway", "expire_in"
          }) {
        resolved.set(name, description.path("settings").path(name).get("value"));
      }
      resolved.set("client_authentication", oauth2.get("client_authentication"));
    }
  }

  private record Arguments(JsonNode values) {
    /** Absent or null: not given. */
    String text(String name) throws Unusable {
      return values.hasNonNull(name) ? asText(values.get(name)) : null;
    }

    /** For scope and audience null is explicitly none, which is "". */
    String textOrNone(String name) throws Unusable {
      return values.path(name).isNull() ? "" : text(name);
    }

    /** A time in seconds, or in a fraction of them. Null: not given. */
    private Duration seconds(String name) throws Unusable {
      if (!values.hasNonNull(name)) {
        return null;
      }
      JsonNode value = values.get(name);
      if (!value.isNumber()) {
        throw new Unusable("a time is no number");
      }
      try {
        BigDecimal exact = value.decimalValue();
        BigDecimal whole = exact.setScale(0, RoundingMode.FLOOR);
        BigDecimal nanos = exact.subtract(whole).movePointRight(9).setScale(0, RoundingMode.CEILING);
        return Duration.ofSeconds(whole.longValueExact(), nanos.longValueExact());
      } catch (ArithmeticException e) {
        throw new Unusable("a time is no 64-bit integer");
      }
    }

    private static String asText(JsonNode value) throws Unusable {
      if (!value.isTextual() && !value.isNumber()) {
        throw new Unusable("an argument is neither a string nor a number");
      }
      return value.asText();
    }

    private static long asInteger(JsonNode value) throws Unusable {
      if (!value.isIntegralNumber() || !value.canConvertToLong()) {
        throw new Unusable("an argument is no 64-bit integer");
      }
      return value.asLong();
    }

    <B extends ZeebeChannelBuilder<B>> B options(B builder, String name) throws Unusable {
      if (values.hasNonNull(name) && !values.get(name).isArray()) {
        throw new Unusable("the channel options are no list");
      }
      for (JsonNode pair : values.path(name)) {
        if (!pair.isArray() || pair.size() != 2 || !pair.get(0).isTextual()) {
          throw new Unusable("a channel option is no pair of a key and a value");
        }
        String key = pair.get(0).asText();
        if (pair.get(1).isTextual()) {
          builder.option(key, pair.get(1).asText());
        } else {
          builder.option(key, asInteger(pair.get(1)));
        }
      }
      return builder;
    }

    <B extends ZeebeChannelBuilder.Authorized<B>> B authorized(B builder) throws Unusable {
      builder
          .clientId(text("client_id"))
          .clientSecret(text("client_secret"))
          .authorizationServer(text("authorization_server"))
          .scope(textOrNone("scope"))
          .audience(textOrNone("audience"));
      Duration expireIn = seconds("expire_in");
      builder
          .leeway(seconds("leeway"))
          .expireIn(Duration.ZERO.equals(expireIn) ? null : expireIn); // in C 0 is not given
      return options(builder, "channel_options");
    }
  }
}
