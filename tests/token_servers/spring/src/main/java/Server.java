import static org.springframework.security.oauth2.core.AuthorizationGrantType.CLIENT_CREDENTIALS;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.security.crypto.password.PasswordEncoder;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2ClientCredentialsAuthenticationToken;
import org.springframework.security.oauth2.server.authorization.client.InMemoryRegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClient;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.settings.ClientSettings;
import org.springframework.security.oauth2.server.authorization.settings.TokenSettings;
import org.springframework.security.oauth2.server.authorization.token.JwtEncodingContext;
import org.springframework.security.oauth2.server.authorization.token.OAuth2TokenCustomizer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Spring Authorization Server as Spring Boot sets it up, for the settings in the file that is its argument. */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
public class Server {
  static JsonNode settings;

  public static void main(String[] arguments) throws IOException {
    settings = JsonMapper.shared().readTree(Path.of(arguments[0]));
    SpringApplication application = new SpringApplication(Server.class);
    application.setDefaultProperties(Map.of(
        "server.address", "127.0.0.1",
        "server.port", "0",
        "spring.main.banner-mode", "off",
        "logging.level.root", "ERROR"));
    int status = 1;
    try {
      String port = application.run().getEnvironment().getProperty("local.server.port");
      System.out.println("{\"issuer\": \"http://127.0.0.1:" + port + "\"}");
      System.in.transferTo(OutputStream.nullOutputStream());
      status = 0;
    } finally {
      Runtime.getRuntime().halt(status); // with the threads that publish keys
    }
  }

  @Bean
  RegisteredClientRepository clients() throws IOException {
    return new InMemoryRegisteredClientRepository(settings.get("clients").valueStream().map(Server::client).toList());
  }

  static RegisteredClient client(JsonNode metadata) {
    String id = metadata.get("client_id").stringValue();
    String method = metadata.get("token_endpoint_auth_method").stringValue();
    RegisteredClient.Builder client = RegisteredClient.withId(id)
        .clientId(id)
        .clientAuthenticationMethod(new ClientAuthenticationMethod(method))
        .authorizationGrantType(CLIENT_CREDENTIALS)
        .scope(settings.get("scope").stringValue())
        .tokenSettings(TokenSettings.builder()
            .accessTokenTimeToLive(Duration.ofSeconds(settings.get("lifetime").longValue()))
            .build());
    if (metadata.has("client_secret")) {
      return client.clientSecret(metadata.get("client_secret").stringValue()).build();
    }
    String algorithm = metadata.get("token_endpoint_auth_signing_alg").stringValue();
    return client.clientSettings(ClientSettings.builder()
            .jwkSetUrl(publish(metadata.get("jwks")))
            .tokenEndpointAuthenticationSigningAlgorithm(SignatureAlgorithm.from(algorithm))
            .build())
        .build();
  }

  /** Spring fetches a client's keys, and takes them in no other way. */
  static String publish(JsonNode keys) {
    try {
      HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      server.createContext("/", exchange -> {
        byte[] text = keys.toString().getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(200, text.length);
        exchange.getResponseBody().write(text);
        exchange.close();
      });
      server.start();
      return "http://127.0.0.1:" + server.getAddress().getPort();
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  /** Secrets are kept as they are: they live for seconds. */
  @Bean
  PasswordEncoder secrets() {
    return new PasswordEncoder() {
      @Override
      public String encode(CharSequence secret) {
        return secret.toString();
      }

      @Override
      public boolean matches(CharSequence given, String kept) {
        return kept.contentEquals(given);
      }
    };
  }

  /** Spring's own audience is the client. */
  @Bean
  OAuth2TokenCustomizer<JwtEncodingContext> audience() {
    return context -> {
      OAuth2ClientCredentialsAuthenticationToken grant = context.getAuthorizationGrant();
      Object audience = grant.getAdditionalParameters().get("audience");
      if (audience != null) {
        context.getClaims().audience(List.of(audience.toString()));
      }
    };
  }
}
