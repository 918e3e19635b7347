package org.libzeebe;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The development gateway, as a process of its own, which ends with this one. */
final class Gateway implements AutoCloseable {
  static final Path ROOT = Path.of(System.getProperty("project.root"));
  static final ObjectMapper JSON = new ObjectMapper();

  private final Process process;
  private final JsonNode ports;

  Gateway(String... arguments) throws IOException {
    Path file = Files.createTempFile("gateway", ".json");
    var command =
        new ArrayList<>(
            List.of(
                ROOT.resolve("target/debug/zeebe-dev-gateway").toString(),
                "--exit-with-stdin",
                "--ports-file",
                file.toString()));
    command.addAll(List.of(arguments));
    process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    var output = new BufferedReader(new InputStreamReader(process.getInputStream()));
    String line = output.readLine();
    if (line == null || !line.contains("ready")) {
      throw new IOException("the gateway said: " + line);
    }
    ports = JSON.readTree(file.toFile());
    Files.delete(file);
  }

  /** At once, as by SIGKILL. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  String get(String name) {
    return ports.required(name).asText();
  }

  String address(String listener) {
    return "localhost:" + get(listener);
  }

  String pem(String name) throws IOException {
    return Files.readString(Path.of(get(name)));
  }

  String tokenUrl() {
    return "http://localhost:" + get("token_http") + "/oauth/token";
  }

  /** A channel with the tokens of its token endpoint. */
  ZeebeChannelBuilder.OAuth2 oauth2() throws IOException {
    return ZeebeChannel.oauth2()
        .address(address("tls_oauth"))
        .credentials(GatewayCredentials.tls(pem("ca")))
        .authorizationServer(tokenUrl())
        .clientId("demo-client")
        .clientSecret("demo-secret")
        .audience("zeebe-api");
  }

  /** A request to the control port. */
  String ask(String method, String path) throws IOException, InterruptedException {
    var request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + get("control") + path))
            .method(method, HttpRequest.BodyPublishers.noBody())
            .build();
    HttpResponse<String> response =
        HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new IOException(method + " " + path + ": " + response.body());
    }
    return response.body();
  }

  @Override
  public void close() throws IOException, InterruptedException {
    process.getOutputStream().close();
    process.waitFor();
  }
}
