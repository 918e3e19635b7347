"""What options are called here that the library's messages name as C does."""

from __future__ import annotations

import re

OPTION_NAMES = {
    "options.grpc_address": "grpc_address",
    "options.channel_options": "channel_options",
    "options.client_id": "client_id",
    "options.client_secret": "client_secret",
    "options.authorization_server": "authorization_server",
    "options.scope": "scope",
    "options.audience": "audience",
    "options.cluster_id": "cluster_id",
    "options.region": "region",
    "options.leeway": "leeway",
    "options.expire_in": "expire_in",
    "connection_options.connect_address": "ConnectionOptions.connect_address",
    "connection_options.timeout_ms": "ConnectionOptions.timeout",
    "connection_options.wait_for_ready": "ConnectionOptions.wait_for_ready",
    "connection_options.allow_insecure_gateway": "ConnectionOptions.allow_insecure_gateway",
    "connection_options.max_waiting_calls": "ConnectionOptions.max_waiting_calls",
    "token_options.client_authentication": "TokenOptions.client_authentication",
    "token_options.allow_insecure_token_url": "TokenOptions.allow_insecure_token_url",
    "token_options.prefetch": "TokenOptions.prefetch",
    "token_options.connect_timeout_ms": "TokenOptions.connect_timeout",
    "token_options.timeout_ms": "TokenOptions.timeout",
    "token_options.token_ca": "TokenOptions.token_ca",
    "token_options.private_key": "TokenOptions.private_key",
    "token_options.certificate_chain": "TokenOptions.certificate_chain",
    "token_options.key_id": "TokenOptions.key_id",
    "token_options.assertion_audience": "TokenOptions.assertion_audience",
    "token_options.send_root_certificate": "TokenOptions.send_root_certificate",
    "token_options.http_proxy": "TokenOptions.http_proxy",
    "token_options.cache_path": "TokenOptions.cache_path",
    "options.root_certificates": "root_certificates",
    "options.private_key": "private_key",
    "options.certificate_chain": "certificate_chain",
    "options.timeout_ms": "timeout",
    "options.wait_for_ready": "wait_for_ready",
    "options.compression": "compression",
    "options.max_buffered_jobs": "JobStreamOptions.max_buffered_jobs",
    "options.max_buffered_job_bytes": "JobStreamOptions.max_buffered_job_bytes",
    "options.watchdog_ms": "JobStreamOptions.watchdog",
    "options.poll_interval_ms": "JobStreamOptions.poll_interval",
    "worker_options.job_type": "task_type",
    "worker_options.fetch_variables": "variables_to_fetch",
    "worker_options.worker_name": "WorkerOptions.worker_name",
    "worker_options.job_timeout_ms": "WorkerOptions.job_timeout",
    "worker_options.max_jobs_active": "WorkerOptions.max_jobs_active",
    "worker_options.handlers_at_once": "WorkerOptions.handlers_at_once",
    "worker_options.tenant_ids": "WorkerOptions.tenant_ids",
    "worker_options.polls_alone": "WorkerOptions.polls_alone",
    "worker_options.extend_timeout": "WorkerOptions.extend_timeout",
    "worker_options.leave_freed_jobs": "WorkerOptions.leave_dropped_jobs",
    "worker_options.forward_trace_context": "WorkerOptions.forward_trace_context",
    "worker_options.watchdog_ms": "WorkerOptions.watchdog",
    "worker_options.stream_timeout_ms": "WorkerOptions.stream_timeout",
    "worker_options.poll_interval_ms": "WorkerOptions.poll_interval",
    "worker_options.request_timeout_ms": "WorkerOptions.request_timeout",
    "worker_options.backoff_min_ms": "WorkerOptions.backoff_min",
    "worker_options.backoff_max_ms": "WorkerOptions.backoff_max",
    "worker_options.backoff_factor_percent": "WorkerOptions.backoff_factor_percent",
    "worker_options.backoff_jitter_percent": "WorkerOptions.backoff_jitter_percent",
    "worker_options.retry_backoff_ms": "WorkerOptions.retry_backoff",
    "worker_options.grace_ms": "WorkerOptions.grace",
}

_NAME = re.compile(r"[a-z0-9_.]*options\.[a-z0-9_]+")


def in_python(text: str) -> str:
    """A name or a message with its options by their names here. What has no such name stays."""
    return _NAME.sub(lambda found: OPTION_NAMES.get(found[0], found[0]), text)
