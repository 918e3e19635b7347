package org.libzeebe;

import java.util.Map;
import java.util.regex.Pattern;

/** What options are called in Java that the library's messages name as C does. */
final class OptionNames {
  static final Map<String, String> OWN =
      Map.ofEntries(
          Map.entry("options.grpc_address", "address()"),
          Map.entry("options.channel_options", "option()"),
          Map.entry("options.client_id", "clientId()"),
          Map.entry("options.client_secret", "clientSecret()"),
          Map.entry("options.authorization_server", "authorizationServer()"),
          Map.entry("options.scope", "scope()"),
          Map.entry("options.audience", "audience()"),
          Map.entry("options.cluster_id", "clusterId()"),
          Map.entry("options.region", "region()"),
          Map.entry("options.leeway", "leeway()"),
          Map.entry("options.expire_in", "expireIn()"),
          Map.entry("connection_options.connect_address", "connectAddress()"),
          Map.entry("connection_options.timeout_ms", "timeout()"),
          Map.entry("connection_options.wait_for_ready", "waitForReady()"),
          Map.entry("connection_options.allow_insecure_gateway", "allowInsecureGateway()"),
          Map.entry("connection_options.max_waiting_calls", "maxWaitingCalls()"),
          Map.entry("token_options.client_authentication", "clientAuthentication()"),
          Map.entry("token_options.allow_insecure_token_url", "allowInsecureTokenUrl()"),
          Map.entry("token_options.prefetch", "prefetchToken()"),
          Map.entry("token_options.connect_timeout_ms", "tokenConnectTimeout()"),
          Map.entry("token_options.timeout_ms", "tokenTimeout()"),
          Map.entry("token_options.token_ca", "tokenCa()"),
          Map.entry("token_options.private_key", "privateKey()"),
          Map.entry("token_options.certificate_chain", "certificateChain()"),
          Map.entry("token_options.key_id", "keyId()"),
          Map.entry("token_options.assertion_audience", "assertionAudience()"),
          Map.entry("token_options.send_root_certificate", "sendRootCertificate()"),
          Map.entry("token_options.http_proxy", "tokenHttpProxy()"),
          Map.entry("token_options.cache_path", "tokenCache()"),
          Map.entry("options.io_threads", "ZeebeRuntime.ioThreads()"),
          Map.entry("options.caller_driven", "ZeebeRuntime.ioThreads()"),
          Map.entry("options.root_certificates", "GatewayCredentials.roots"),
          Map.entry("options.private_key", "GatewayCredentials.privateKey"),
          Map.entry("options.certificate_chain", "GatewayCredentials.certificateChain"),
          Map.entry("options.timeout_ms", "CallOptions.withDeadline()"),
          Map.entry("options.authority", "CallOptions.withAuthority()"),
          Map.entry(
              "options.max_receive_message_length", "CallOptions.withMaxInboundMessageSize()"),
          Map.entry("options.wait_for_ready", "CallOptions.withWaitForReady()"),
          Map.entry("options.compression", "CallOptions.withCompression()"),
          Map.entry("options.max_buffered_messages", "ZeebeChannel.MAX_BUFFERED_MESSAGES"),
          Map.entry("options.max_buffered_bytes", "ZeebeChannel.MAX_BUFFERED_BYTES"),
          Map.entry("options.max_buffered_jobs", "maxBufferedJobs()"),
          Map.entry("options.max_buffered_job_bytes", "maxBufferedBytes()"),
          Map.entry("options.watchdog_ms", "watchdog()"),
          Map.entry("options.poll_interval_ms", "pollInterval()"),
          Map.entry("worker_options.job_type", "ZeebeChannel.newWorker()"),
          Map.entry("worker_options.worker_name", "workerName()"),
          Map.entry("worker_options.job_timeout_ms", "jobTimeout()"),
          Map.entry("worker_options.max_jobs_active", "maxJobsActive()"),
          Map.entry("worker_options.handlers_at_once", "handlersAtOnce()"),
          Map.entry("worker_options.fetch_variables", "fetchVariables()"),
          Map.entry("worker_options.tenant_ids", "tenantIds()"),
          Map.entry("worker_options.polls_alone", "pollsAlone()"),
          Map.entry("worker_options.extend_timeout", "extendTimeout()"),
          Map.entry("worker_options.leave_freed_jobs", "leaveDroppedJobs()"),
          Map.entry("worker_options.forward_trace_context", "forwardTraceContext()"),
          Map.entry("worker_options.watchdog_ms", "watchdog()"),
          Map.entry("worker_options.stream_timeout_ms", "streamTimeout()"),
          Map.entry("worker_options.poll_interval_ms", "pollInterval()"),
          Map.entry("worker_options.request_timeout_ms", "requestTimeout()"),
          Map.entry("worker_options.backoff_min_ms", "backoffMin()"),
          Map.entry("worker_options.backoff_max_ms", "backoffMax()"),
          Map.entry("worker_options.backoff_factor_percent", "backoffFactor()"),
          Map.entry("worker_options.backoff_jitter_percent", "backoffJitter()"),
          Map.entry("worker_options.retry_backoff_ms", "retryBackoff()"),
          Map.entry("worker_options.grace_ms", "grace()"));

  private static final Pattern NAME = Pattern.compile("[a-z0-9_.]*options\\.[a-z0-9_]+");

  private OptionNames() {}

  /** A name or a message with its options by their names here. What has no such name stays. */
  static String inJava(String text) {
    return NAME.matcher(text)
        .replaceAll(
            found ->
                java.util.regex.Matcher.quoteReplacement(
                    OWN.getOrDefault(found.group(), found.group())));
  }
}
