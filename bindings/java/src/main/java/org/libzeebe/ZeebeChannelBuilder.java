package org.libzeebe;

import io.grpc.Metadata;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Executor;

/**
 * Makes a {@link ZeebeChannel}. What is not set comes from environment variables, else it has its default; making a channel
 * does no I/O.
 *
 * <p>Text with U+0000 or an unpaired surrogate is refused with {@code IllegalArgumentException}, when the channel is built.
 *
 * @param <B> the form
 */
public abstract sealed class ZeebeChannelBuilder<B extends ZeebeChannelBuilder<B>> {
  private record Option(String key, String text, long integer) {}

  private final int form;
  private final List<Option> options = new ArrayList<>();
  private final Metadata metadata = new Metadata();
  private String address;
  private String connectAddress;
  private Duration timeout;
  private boolean waitForReady;
  private boolean allowInsecureGateway;
  private int maxWaitingCalls = -1;
  private Executor executor;
  GatewayCredentials credentials;

  private ZeebeChannelBuilder(int form) {
    this.form = form;
  }

  @SuppressWarnings("unchecked")
  final B self() {
    return (B) this;
  }

  /**
   * A channel option, which is a gRPC channel argument, such as {@code grpc.keepalive_time_ms}. The first of a key counts.
   *
   * @param key such as {@code grpc.lb_policy_name}
   * @param value as gRPC takes it
   * @return this
   */
  public B option(String key, long value) {
    options.add(new Option(Objects.requireNonNull(key), null, value));
    return self();
  }

  /**
   * A channel option with text.
   *
   * @param key such as {@code grpc.lb_policy_name}
   * @param value as gRPC takes it
   * @return this
   */
  public B option(String key, String value) {
    options.add(new Option(Objects.requireNonNull(key), Objects.requireNonNull(value), 0));
    return self();
  }

  /**
   * {@code host:port} or {@code unix:path} to dial in place of the target's address; TLS name and authority stay the target's.
   *
   * @param address null: by the environment
   * @return this
   */
  public B connectAddress(String address) {
    connectAddress = address;
    return self();
  }

  /**
   * Sent with every call.
   *
   * @param metadata added to what was given before
   * @return this
   */
  public B metadata(Metadata metadata) {
    this.metadata.merge(metadata);
    return self();
  }

  /**
   * Of every call that has no deadline of its own, rounded up to milliseconds.
   *
   * @param timeout more than nothing; null: none
   * @return this
   */
  public B timeout(Duration timeout) {
    this.timeout = timeout;
    return self();
  }

  /**
   * Calls wait while the gateway cannot be reached, until their deadline.
   *
   * @return this
   */
  public B waitForReady() {
    waitForReady = true;
    return self();
  }

  /**
   * Tokens may be sent in plaintext beyond loopback, where they can be read on the way.
   *
   * @return this
   */
  public B allowInsecureGateway() {
    allowInsecureGateway = true;
    return self();
  }

  /**
   * So many calls wait for a connection, or for a stream where the gateway allows no more: others fail at once with RESOURCE_EXHAUSTED.
   *
   * @param calls -1, which is the default: all wait, as in grpc-java; 0: the library's default, 4096
   * @return this
   */
  public B maxWaitingCalls(int calls) {
    maxWaitingCalls = calls;
    return self();
  }

  /**
   * Where callbacks run of calls that have no executor of their own; by default, daemon threads, as many as needed.
   *
   * <p>On a direct executor a callback that blocks holds up all channels.
   *
   * @param executor where it runs
   * @return this
   */
  public B executor(Executor executor) {
    this.executor = executor;
    return self();
  }

  /**
   * Callbacks run on the thread that reads all events: fast, and they must not block.
   *
   * @return this
   */
  public B directExecutor() {
    return executor(Runnable::run);
  }

  /**
   * Makes the channel.
   *
   * @return the channel, to be closed
   * @throws ZeebeException SETTINGS: something required is neither set nor in a variable; INVALID_ARGUMENT: out of range; TLS:
   *     a certificate or key does not parse
   * @throws UnsatisfiedLinkError the native library cannot be loaded, and what to do
   */
  public ZeebeChannel build() {
    NativeLibrary.require();
    long base = 0;
    CompletionQueue queue = null;
    try (var arguments = new Arguments()) {
      arguments
          .text(connectAddress)
          .millis("timeout()", timeout)
          .number(waitForReady ? 1 : 0)
          .flag(allowInsecureGateway)
          .number(maxWaitingCalls)
          .text(address)
          .number(options.size());
      for (Option option : options) {
        arguments.text(option.key).text(option.text).number(option.integer);
      }
      arguments.metadata(metadata);
      writeTo(arguments);
      base = credentials == null ? 0 : credentials.create();
      queue = CompletionQueue.retain();
      long[] out = new long[1];
      ZeebeException.check(
          Native.channelNew(form, arguments.bytes(), arguments.length(), base, out));
      CompletionQueue used = queue;
      queue = null;
      return new ZeebeChannel(out[0], used, executor);
    } finally {
      Native.credentialsFree(base);
      if (queue != null) {
        queue.release();
      }
    }
  }

  /** What a form has beside the common. */
  void writeTo(Arguments arguments) {}

  final B setAddress(String address) {
    this.address = address;
    return self();
  }

  /** Of {@link ZeebeChannel#insecure}. */
  public static final class Insecure extends ZeebeChannelBuilder<Insecure> {
    Insecure() {
      super(0);
    }

    /**
     * {@code host:port}, {@code dns:///host:port}, {@code unix:path} or a URL; else {@code ZEEBE_ADDRESS}, {@code localhost:26500}.
     *
     * @param address null: by the environment
     * @return this
     */
    public Insecure address(String address) {
      return setAddress(address);
    }
  }

  /** Of {@link ZeebeChannel#secure}. */
  public static final class Secure extends ZeebeChannelBuilder<Secure> {
    Secure() {
      super(1);
    }

    /**
     * {@code host:port}, {@code dns:///host:port}, {@code unix:path} or a URL; else {@code ZEEBE_ADDRESS}, {@code localhost:26500}.
     *
     * @param address null: by the environment
     * @return this
     */
    public Secure address(String address) {
      return setAddress(address);
    }

    /**
     * What secures connections and authenticates calls; by default TLS with the platform's roots.
     *
     * @param credentials null: the default
     * @return this
     */
    public Secure credentials(GatewayCredentials credentials) {
      this.credentials = credentials;
      return this;
    }
  }

  /** Of {@link ZeebeChannel#fromEnvironment}. */
  public static final class FromEnvironment extends ZeebeChannelBuilder<FromEnvironment> {
    FromEnvironment() {
      super(4);
    }

    /** Not possible here: the library takes none beside the environment. */
    @Override
    public FromEnvironment option(String key, long value) {
      throw new UnsupportedOperationException("a channel by the environment has no channel options");
    }

    /** Not possible here: the library takes none beside the environment. */
    @Override
    public FromEnvironment option(String key, String value) {
      throw new UnsupportedOperationException("a channel by the environment has no channel options");
    }
  }

  /** Of {@link ZeebeChannel#oauth2}. */
  public static final class OAuth2 extends Authorized<OAuth2> {
    OAuth2() {
      super(2);
    }

    /**
     * {@code host:port}, {@code dns:///host:port}, {@code unix:path} or a URL; else {@code ZEEBE_ADDRESS}, {@code localhost:26500}.
     *
     * @param address null: by the environment
     * @return this
     */
    public OAuth2 address(String address) {
      return setAddress(address);
    }
  }

  /** Of {@link ZeebeChannel#camundaCloud}. */
  public static final class CamundaCloud extends Authorized<CamundaCloud> {
    private String clusterId;
    private String region;

    CamundaCloud() {
      super(3);
    }

    /**
     * Else {@code CAMUNDA_CLUSTER_ID}.
     *
     * @param clusterId null: by the environment
     * @return this
     */
    public CamundaCloud clusterId(String clusterId) {
      this.clusterId = clusterId;
      return this;
    }

    /**
     * Else {@code CAMUNDA_CLUSTER_REGION}, {@code bru-2}.
     *
     * @param region null: by the environment
     * @return this
     */
    public CamundaCloud region(String region) {
      this.region = region;
      return this;
    }

    @Override
    void writeTo(Arguments arguments) {
      super.writeTo(arguments);
      arguments.text(clusterId).text(region);
    }
  }

  /**
   * The forms with OAuth2 client credentials. Certificates and keys are PEM text.
   *
   * @param <B> the form
   */
  public abstract static sealed class Authorized<B extends Authorized<B>>
      extends ZeebeChannelBuilder<B> {
    private String clientId;
    private String clientSecret;
    private String authorizationServer;
    private String scope;
    private String audience;
    private Duration leeway;
    private Duration expireIn;
    private ClientAuthentication authentication = ClientAuthentication.DEFAULT;
    private boolean allowInsecureTokenUrl;
    private boolean prefetch;
    private Duration connectTimeout;
    private Duration tokenTimeout;
    private String tokenCa;
    private String privateKey;
    private String certificateChain;
    private String keyId;
    private String assertionAudience;
    private boolean sendRootCertificate;
    private String httpProxy;
    private Path cache;

    private Authorized(int form) {
      super(form);
    }

    /**
     * Else {@code CAMUNDA_CLIENT_ID}, {@code ZEEBE_CLIENT_ID}.
     *
     * @param id null: by the environment
     * @return this
     */
    public B clientId(String id) {
      clientId = id;
      return self();
    }

    /**
     * Else {@code CAMUNDA_CLIENT_SECRET}, {@code ZEEBE_CLIENT_SECRET}.
     *
     * @param secret null: by the environment
     * @return this
     */
    public B clientSecret(String secret) {
      clientSecret = secret;
      return self();
    }

    /**
     * The token URL; else {@code CAMUNDA_OAUTH_URL}, {@code ZEEBE_AUTHORIZATION_SERVER_URL}.
     *
     * @param url null: the default
     * @return this
     */
    public B authorizationServer(String url) {
      authorizationServer = url;
      return self();
    }

    /**
     * By default, or with "": none.
     *
     * @param scope null: none
     * @return this
     */
    public B scope(String scope) {
      this.scope = scope;
      return self();
    }

    /**
     * Else {@code CAMUNDA_TOKEN_AUDIENCE}, {@code ZEEBE_TOKEN_AUDIENCE}; with "": none.
     *
     * @param audience null: by the environment
     * @return this
     */
    public B audience(String audience) {
      this.audience = audience;
      return self();
    }

    /**
     * How long before its expiry a token counts as expired, rounded up to seconds; by default a minute.
     *
     * @param leeway zero: none; null: the default
     * @return this
     */
    public B leeway(Duration leeway) {
      this.leeway = leeway;
      return self();
    }

    /**
     * How long a token is good that does not say so itself, rounded up to seconds.
     *
     * @param lifetime more than nothing; null: not given
     * @return this
     */
    public B expireIn(Duration lifetime) {
      expireIn = lifetime;
      return self();
    }

    /**
     * How the client proves who it is to the token endpoint.
     *
     * @param method by default, that of the form
     * @return this
     */
    public B clientAuthentication(ClientAuthentication method) {
      authentication = method;
      return self();
    }

    /**
     * The client's own key: signs with {@link ClientAuthentication#PRIVATE_KEY_JWT}, belongs to the certificate chain.
     *
     * @param pem PEM text
     * @return this
     */
    public B privateKey(String pem) {
      privateKey = pem;
      return self();
    }

    /**
     * Shown on the TLS connection to the token endpoint; needs the private key.
     *
     * @param pem PEM text
     * @return this
     */
    public B certificateChain(String pem) {
      certificateChain = pem;
      return self();
    }

    /**
     * {@code kid} of what {@link ClientAuthentication#PRIVATE_KEY_JWT} signs.
     *
     * @param id null: none
     * @return this
     */
    public B keyId(String id) {
      keyId = id;
      return self();
    }

    /**
     * {@code aud} of what {@link ClientAuthentication#PRIVATE_KEY_JWT} signs, where the server calls
     * itself otherwise than the token URL does.
     *
     * @param audience null: the token URL
     * @return this
     */
    public B assertionAudience(String audience) {
      assertionAudience = audience;
      return self();
    }

    /**
     * Whether a root at the end of the certificate chain is shown to the token endpoint, too; it is
     * not by default.
     *
     * @param sends whether it is
     * @return this
     */
    public B sendRootCertificate(boolean sends) {
      sendRootCertificate = sends;
      return self();
    }

    /**
     * Roots that the token endpoint's certificate is checked against; by default the platform's.
     *
     * @param pem PEM text
     * @return this
     */
    public B tokenCa(String pem) {
      tokenCa = pem;
      return self();
    }

    /**
     * {@code http://[user:password@]host:port}, to the token endpoint; by default by {@code https_proxy} and its like.
     *
     * @param url null: the default
     * @return this
     */
    public B tokenHttpProxy(String url) {
      httpProxy = url;
      return self();
    }

    /**
     * A file, readable by its owner only, that processes share their tokens in. By default tokens stay in memory.
     *
     * @param file null: none
     * @return this
     */
    public B tokenCache(Path file) {
      cache = file;
      return self();
    }

    /**
     * The token is fetched when the channel is made, in the background.
     *
     * @return this
     */
    public B prefetchToken() {
      prefetch = true;
      return self();
    }

    /**
     * An {@code http://} token URL beyond loopback is allowed; the secret can be read on the way.
     *
     * @return this
     */
    public B allowInsecureTokenUrl() {
      allowInsecureTokenUrl = true;
      return self();
    }

    /**
     * To connect to the token endpoint, rounded up to milliseconds; by default ten seconds.
     *
     * @param timeout more than nothing; null: the default
     * @return this
     */
    public B tokenConnectTimeout(Duration timeout) {
      connectTimeout = timeout;
      return self();
    }

    /**
     * Of the whole request for a token, rounded up to milliseconds; by default thirty seconds.
     *
     * @param timeout more than nothing; null: the default
     * @return this
     */
    public B tokenTimeout(Duration timeout) {
      tokenTimeout = timeout;
      return self();
    }

    /**
     * What secures the connections to the gateway; by default TLS with the platform's roots.
     *
     * @param credentials null: the default
     * @return this
     */
    public B credentials(GatewayCredentials credentials) {
      this.credentials = credentials;
      return self();
    }

    @Override
    void writeTo(Arguments arguments) {
      arguments
          .text(clientId)
          .text(clientSecret)
          .text(authorizationServer)
          .text(scope)
          .text(audience)
          .leeway(leeway)
          .seconds("expireIn()", expireIn)
          .number(authentication.ordinal())
          .flag(allowInsecureTokenUrl)
          .flag(prefetch)
          .millis("tokenConnectTimeout()", connectTimeout)
          .millis("tokenTimeout()", tokenTimeout)
          .text(tokenCa)
          .text(privateKey)
          .text(certificateChain)
          .text(keyId)
          .text(assertionAudience)
          .flag(sendRootCertificate)
          .text(httpProxy)
          .text(cache == null ? null : cache.toString());
    }
  }
}
