package org.libzeebe;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** Tokens as a program would fetch them itself. */
final class Tokens {
  private Tokens() {}

  static String fetch(String url) throws Exception {
    String body =
        "grant_type=client_credentials&audience=zeebe-api&client_id=demo-client&client_secret=demo-secret";
    var request =
        HttpRequest.newBuilder(URI.create(url))
            .header("content-type", "application/x-www-form-urlencoded")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    var response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    return Gateway.JSON.readTree(response.body()).required("access_token").asText();
  }
}
