package org.libzeebe;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * What secures a channel's connections and authenticates its calls. A value: any number of channels may be made with it.
 * Certificates and keys are PEM text.
 */
public final class GatewayCredentials {
  private static final int TLS = 0;
  private static final int PLAINTEXT = 1;
  private static final int LOCAL = 2;

  private final int kind;
  private final String roots;
  private final String privateKey;
  private final String certificateChain;
  private final List<MetadataPlugin> plugins;

  private GatewayCredentials(
      int kind,
      String roots,
      String privateKey,
      String certificateChain,
      List<MetadataPlugin> plugins) {
    this.kind = kind;
    this.roots = roots;
    this.privateKey = privateKey;
    this.certificateChain = certificateChain;
    this.plugins = plugins;
  }

  /**
   * TLS with the platform's roots.
   *
   * @return the credentials
   */
  public static GatewayCredentials tls() {
    return tls(null);
  }

  /**
   * TLS with these roots; null: the platform's.
   *
   * @param roots PEM text; null: the platform's
   * @return the credentials
   */
  public static GatewayCredentials tls(String roots) {
    return new GatewayCredentials(TLS, roots, null, null, List.of());
  }

  /**
   * Mutual TLS: with the program's own key and certificate chain.
   *
   * @param roots PEM text; null: the platform's
   * @param privateKey PEM text
   * @param chain PEM text, the own certificate first
   * @return the credentials
   */
  public static GatewayCredentials mutualTls(String roots, String privateKey, String chain) {
    return new GatewayCredentials(TLS, roots, privateKey, chain, List.of());
  }

  /**
   * Plaintext. Plugins are refused with it beyond loopback, unless the channel allows it.
   *
   * @return the credentials
   */
  public static GatewayCredentials plaintext() {
    return new GatewayCredentials(PLAINTEXT, null, null, null, List.of());
  }

  /**
   * Plaintext that never leaves the machine: for loopback and {@code unix:} targets only.
   *
   * @return the credentials
   */
  public static GatewayCredentials local() {
    return new GatewayCredentials(LOCAL, null, null, null, List.of());
  }

  /**
   * These, with a plugin more. Of several the later wins.
   *
   * @param plugin shared with other channels
   * @return new credentials
   */
  public GatewayCredentials with(MetadataPlugin plugin) {
    var all = new ArrayList<>(plugins);
    all.add(Objects.requireNonNull(plugin));
    return new GatewayCredentials(kind, roots, privateKey, certificateChain, List.copyOf(all));
  }

  /** The native credentials, to be freed. */
  long create() {
    long[] out = new long[1];
    try (var arguments = new Arguments()) {
      arguments.text(roots).text(privateKey).text(certificateChain);
      ZeebeException.check(
          Native.credentialsNew(kind, arguments.bytes(), arguments.length(), out));
    }
    for (MetadataPlugin plugin : plugins) {
      long base = out[0];
      try {
        plugin.use(
            pointer -> {
              ZeebeException.check(Native.credentialsComposite(base, pointer, out));
              return null;
            });
      } finally {
        Native.credentialsFree(base);
      }
    }
    return out[0];
  }
}
