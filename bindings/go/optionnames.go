package zeebe

import "regexp"

// optionNames are this package's names of the options that the library's messages name as C does; one with a space is an argument.
var optionNames = map[string]string{
	"options.grpc_address":         "WithAddress",
	"options.channel_options":      "WithStringOption",
	"options.client_id":            "WithClientID",
	"options.client_secret":        "WithClientSecret",
	"options.authorization_server": "WithAuthorizationServer",
	"options.scope":                "WithScope",
	"options.audience":             "WithAudience",
	"options.cluster_id":           "WithClusterID",
	"options.region":               "WithRegion",
	"options.leeway":               "WithLeeway",
	"options.expire_in":            "WithExpireIn",

	"options.io_threads":    "RuntimeOptions.IOThreads",
	"options.caller_driven": "RuntimeOptions.IOThreads",

	"connection_options.connect_address":        "WithConnectAddress",
	"connection_options.timeout_ms":             "WithTimeout",
	"connection_options.wait_for_ready":         "WithWaitForReady",
	"connection_options.allow_insecure_gateway": "WithInsecureGatewayAllowed",
	"connection_options.max_waiting_calls":      "WithMaxWaitingCalls",

	"token_options.client_authentication":    "TokenOptions.ClientAuthentication",
	"token_options.allow_insecure_token_url": "TokenOptions.AllowInsecureTokenURL",
	"token_options.prefetch":                 "TokenOptions.Prefetch",
	"token_options.connect_timeout_ms":       "TokenOptions.ConnectTimeout",
	"token_options.timeout_ms":               "TokenOptions.Timeout",
	"token_options.token_ca":                 "TokenOptions.CA",
	"token_options.private_key":              "TokenOptions.PrivateKey",
	"token_options.certificate_chain":        "TokenOptions.CertificateChain",
	"token_options.key_id":                   "TokenOptions.KeyID",
	"token_options.assertion_audience":       "TokenOptions.AssertionAudience",
	"token_options.send_root_certificate":    "TokenOptions.SendRootCertificate",
	"token_options.http_proxy":               "TokenOptions.HTTPProxy",
	"token_options.cache_path":               "TokenOptions.CachePath",

	"options.root_certificates": "TLSOptions.RootCertificates",
	"options.private_key":       "TLSOptions.PrivateKey",
	"options.certificate_chain": "TLSOptions.CertificateChain",

	"options.timeout_ms":                 "context.WithTimeout",
	"options.authority":                  "grpc.CallAuthority",
	"options.max_receive_message_length": "grpc.MaxCallRecvMsgSize",
	"options.wait_for_ready":             "grpc.WaitForReady",
	"options.compression":                "grpc.UseCompressor",
	"options.max_buffered_messages":      "MaxBuffered",
	"options.max_buffered_bytes":         "MaxBuffered",

	"options.max_buffered_jobs":      "JobStreamOptions.MaxBufferedJobs",
	"options.max_buffered_job_bytes": "JobStreamOptions.MaxBufferedBytes",
	"options.watchdog_ms":            "JobStreamOptions.Watchdog",
	"options.poll_interval_ms":       "JobStreamOptions.PollInterval",

	"worker_options.job_type":               "the job type",
	"worker_options.worker_name":            "JobWorkerOptions.WorkerName",
	"worker_options.job_timeout_ms":         "JobWorkerOptions.JobTimeout",
	"worker_options.max_jobs_active":        "JobWorkerOptions.MaxJobsActive",
	"worker_options.handlers_at_once":       "JobWorkerOptions.HandlersAtOnce",
	"worker_options.fetch_variables":        "JobWorkerOptions.FetchVariables",
	"worker_options.tenant_ids":             "JobWorkerOptions.TenantIDs",
	"worker_options.polls_alone":            "JobWorkerOptions.PollsAlone",
	"worker_options.extend_timeout":         "JobWorkerOptions.ExtendTimeout",
	"worker_options.leave_freed_jobs":       "JobWorkerOptions.LeaveFreedJobs",
	"worker_options.forward_trace_context":  "JobWorkerOptions.ForwardTraceContext",
	"worker_options.watchdog_ms":            "JobWorkerOptions.Watchdog",
	"worker_options.stream_timeout_ms":      "JobWorkerOptions.StreamTimeout",
	"worker_options.poll_interval_ms":       "JobWorkerOptions.PollInterval",
	"worker_options.request_timeout_ms":     "JobWorkerOptions.RequestTimeout",
	"worker_options.backoff_min_ms":         "JobWorkerOptions.BackoffMin",
	"worker_options.backoff_max_ms":         "JobWorkerOptions.BackoffMax",
	"worker_options.backoff_factor_percent": "JobWorkerOptions.BackoffFactorPercent",
	"worker_options.backoff_jitter_percent": "JobWorkerOptions.BackoffJitterPercent",
	"worker_options.retry_backoff_ms":       "JobWorkerOptions.RetryBackoff",
	"worker_options.grace_ms":               "JobWorkerOptions.Grace",
}

var optionName = regexp.MustCompile(`[a-z0-9_.]*options\.[a-z0-9_]+`)

// inGo says options by their names here, in an option's name or in a message. What has no such name stays.
func inGo(text string) string {
	return optionName.ReplaceAllStringFunc(text, func(name string) string {
		if own, has := optionNames[name]; has {
			return own
		}
		return name
	})
}
