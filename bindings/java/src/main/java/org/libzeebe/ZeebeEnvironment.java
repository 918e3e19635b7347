package org.libzeebe;

import java.nio.charset.StandardCharsets;

/**
 * What the environment variables say. A variable that is empty counts as not set.
 *
 * <p>Every function throws a {@link ZeebeException} of kind SETTINGS if nothing is given.
 */
public final class ZeebeEnvironment {
  private ZeebeEnvironment() {}

  /**
   * {@code ZEEBE_ADDRESS}, else the default, else {@code localhost:26500}.
   *
   * @param defaultValue may be null
   * @return the address
   */
  public static String zeebeAddress(String defaultValue) {
    return get(0, defaultValue, null);
  }

  /**
   * The token URL: {@code CAMUNDA_OAUTH_URL}, else {@code ZEEBE_AUTHORIZATION_SERVER_URL}, else the default, which may be null.
   *
   * @param defaultValue may be null
   * @return the URL
   */
  public static String oauthUrl(String defaultValue) {
    return get(1, defaultValue, null);
  }

  /**
   * {@code CAMUNDA_CLIENT_ID}, else {@code ZEEBE_CLIENT_ID}.
   *
   * @return the id
   */
  public static String clientId() {
    return get(2, null, null);
  }

  /**
   * {@code CAMUNDA_CLIENT_SECRET}, else {@code ZEEBE_CLIENT_SECRET}.
   *
   * @return a secret
   */
  public static String clientSecret() {
    return get(3, null, null);
  }

  /**
   * {@code CAMUNDA_CLUSTER_ID}.
   *
   * @return the id
   */
  public static String clusterId() {
    return get(4, null, null);
  }

  /**
   * {@code CAMUNDA_CLUSTER_REGION}, else the default, which may be null.
   *
   * @param defaultValue may be null
   * @return the region
   */
  public static String clusterRegion(String defaultValue) {
    return get(5, defaultValue, null);
  }

  /**
   * {@code CAMUNDA_TOKEN_AUDIENCE}, else {@code ZEEBE_TOKEN_AUDIENCE}, else the default, which may be null.
   *
   * @param defaultValue may be null
   * @return the audience
   */
  public static String tokenAudience(String defaultValue) {
    return get(6, defaultValue, null);
  }

  /**
   * The address of a cluster in Camunda's cloud: {@code {id}.{region}.zeebe.camunda.io:443}. Reads no variable.
   *
   * @param clusterId as Camunda's console shows it
   * @param region such as {@code bru-2}
   * @return the address
   */
  public static String camundaAddress(String clusterId, String region) {
    return get(7, clusterId, region);
  }

  private static String get(int variable, String first, String second) {
    NativeLibrary.require();
    try (var arguments = new Arguments()) {
      arguments.text(first).text(second);
      byte[][] out = new byte[1][];
      ZeebeException.check(
          Native.environment(variable, arguments.bytes(), arguments.length(), out));
      return new String(out[0], StandardCharsets.UTF_8);
    }
  }
}
