// SPDX-License-Identifier: Apache-2.0
// What options are called in C++ that messages of zeebe.h name. Part of zeebe.hpp.
#ifndef ZEEBE_OPTION_NAMES_HPP
#define ZEEBE_OPTION_NAMES_HPP

#include <string>
#include <string_view>

namespace zeebe::detail {

struct OptionName {
    std::string_view c;
    const char *own;
};

/// Of options that several structs have, the field alone is said.
inline constexpr OptionName option_names[] = {
    {"options.grpc_address", "grpc_address"},
    {"options.channel_options", "channel_options"},
    {"options.client_id", "client_id"},
    {"options.client_secret", "client_secret"},
    {"options.authorization_server", "authorization_server"},
    {"options.scope", "scope"},
    {"options.audience", "audience"},
    {"options.cluster_id", "CamundaCloudChannelOptions::cluster_id"},
    {"options.region", "CamundaCloudChannelOptions::region"},
    {"options.leeway", "leeway"},
    {"options.expire_in", "expire_in"},
    {"connection_options.connect_address", "ConnectionOptions::connect_address"},
    {"connection_options.timeout_ms", "ConnectionOptions::timeout"},
    {"connection_options.wait_for_ready", "ConnectionOptions::wait_for_ready"},
    {"connection_options.allow_insecure_gateway", "ConnectionOptions::allow_insecure_gateway"},
    {"connection_options.max_waiting_calls", "ConnectionOptions::max_waiting_calls"},
    {"token_options.client_authentication", "TokenOptions::client_authentication"},
    {"token_options.allow_insecure_token_url", "TokenOptions::allow_insecure_token_url"},
    {"token_options.prefetch", "TokenOptions::prefetch"},
    {"token_options.connect_timeout_ms", "TokenOptions::connect_timeout"},
    {"token_options.timeout_ms", "TokenOptions::timeout"},
    {"token_options.token_ca", "TokenOptions::token_ca"},
    {"token_options.private_key", "TokenOptions::private_key"},
    {"token_options.certificate_chain", "TokenOptions::certificate_chain"},
    {"token_options.key_id", "TokenOptions::key_id"},
    {"token_options.assertion_audience", "TokenOptions::assertion_audience"},
    {"token_options.send_root_certificate", "TokenOptions::send_root_certificate"},
    {"token_options.http_proxy", "TokenOptions::http_proxy"},
    {"token_options.cache_path", "TokenOptions::cache_path"},
    {"options.root_certificates", "SslOptions::root_certificates"},
    {"options.private_key", "SslOptions::private_key"},
    {"options.certificate_chain", "SslOptions::certificate_chain"},
    {"options.timeout_ms", "CallOptions::timeout"},
    {"options.authority", "CallOptions::authority"},
    {"options.max_receive_message_length", "CallOptions::max_receive_message_length"},
    {"options.wait_for_ready", "CallOptions::wait_for_ready"},
    {"options.compression", "CallOptions::compression"},
    {"options.manual_requests", "manual_requests"},
    {"options.discard_metadata", "CallOptions::discard_metadata"},
    {"options.max_buffered_messages", "CallOptions::max_buffered_messages"},
    {"options.max_buffered_bytes", "CallOptions::max_buffered_bytes"},
    {"options.max_buffered_job_bytes", "JobStreamOptions::max_buffered_bytes"},
    {"options.max_buffered_jobs", "JobStreamOptions::max_buffered_jobs"},
    {"options.watchdog_ms", "JobStreamOptions::watchdog"},
    {"options.poll_interval_ms", "JobStreamOptions::poll_interval"},
    {"worker_options.job_type", "JobWorkerOptions::job_type"},
    {"worker_options.worker_name", "JobWorkerOptions::worker_name"},
    {"worker_options.job_timeout_ms", "JobWorkerOptions::job_timeout"},
    {"worker_options.max_jobs_active", "JobWorkerOptions::max_jobs_active"},
    {"worker_options.handlers_at_once", "JobWorkerOptions::handlers_at_once"},
    {"worker_options.fetch_variables", "JobWorkerOptions::fetch_variables"},
    {"worker_options.tenant_ids", "JobWorkerOptions::tenant_ids"},
    {"worker_options.polls_alone", "JobWorkerOptions::polls_alone"},
    {"worker_options.extend_timeout", "JobWorkerOptions::extend_timeout"},
    {"worker_options.leave_freed_jobs", "JobWorkerOptions::leave_freed_jobs"},
    {"worker_options.forward_trace_context", "JobWorkerOptions::forward_trace_context"},
    {"worker_options.watchdog_ms", "JobWorkerOptions::watchdog"},
    {"worker_options.stream_timeout_ms", "JobWorkerOptions::stream_timeout"},
    {"worker_options.poll_interval_ms", "JobWorkerOptions::poll_interval"},
    {"worker_options.request_timeout_ms", "JobWorkerOptions::request_timeout"},
    {"worker_options.backoff_min_ms", "JobWorkerOptions::backoff_min"},
    {"worker_options.backoff_max_ms", "JobWorkerOptions::backoff_max"},
    {"worker_options.backoff_factor_percent", "JobWorkerOptions::backoff_factor_percent"},
    {"worker_options.backoff_jitter_percent", "JobWorkerOptions::backoff_jitter_percent"},
    {"worker_options.retry_backoff_ms", "JobWorkerOptions::retry_backoff"},
    {"worker_options.grace_ms", "JobWorkerOptions::grace"},
    {"options.io_threads", "RuntimeOptions::io_threads"},
    {"options.caller_driven", "RuntimeOptions::caller_driven"},
    {"options.callback_threads", "RuntimeOptions::callback_threads"},
    {"options.thread_name", "RuntimeOptions::thread_name"},
};

/// A name or a message with its options by their names here. What has no such name stays.
inline std::string with_own_names(std::string_view text)
{
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789_.";
    std::string said;
    while (!text.empty()) {
        std::size_t end = text.find_first_not_of(letters);
        if (end == 0) { // up to the next word
            end = text.find_first_of(letters);
            said += text.substr(0, end);
        } else {
            std::string_view word = text.substr(0, end);
            // A full stop may follow, of a sentence.
            const std::string_view name = word.substr(0, word.find_last_not_of('.') + 1);
            for (const auto &[c, own] : option_names) {
                if (c != name) continue;
                said += own;
                word.remove_prefix(name.size());
                break;
            }
            said += word;
        }
        text.remove_prefix(end == std::string_view::npos ? text.size() : end);
    }
    return said;
}

} // namespace zeebe::detail

#endif
