// SPDX-License-Identifier: Apache-2.0
// Credentials: what secures a channel, what authenticates its calls, and a program's own tokens. Part of zeebe.hpp.
#ifndef ZEEBE_CREDENTIALS_HPP
#define ZEEBE_CREDENTIALS_HPP

#include <atomic>
#include <mutex>
#include <zeebe/constants.hpp>
#include <zeebe/duration.hpp>
#include <zeebe/metadata.hpp>

namespace zeebe {

class CompletionQueue;

/// How the token endpoint is asked. Certificates are PEM text, not paths. See zeebe_token_options.
struct TokenOptions {
    ClientAuthentication client_authentication = ClientAuthentication::channel_default;
    /// An http:// URL beyond loopback is allowed. The secret can be read on the way.
    bool allow_insecure_token_url = false;
    /// The token is fetched when the channel is made, in the background.
    bool prefetch = false;
    /// Not given: 10 s.
    std::optional<Milliseconds> connect_timeout = {};
    /// Of the whole request; not given: 30 s.
    std::optional<Milliseconds> timeout = {};
    /// Roots that the endpoint's certificate is checked against; not given: the platform's.
    std::optional<std::string> token_ca = {};
    /// The client's own. A secret.
    std::optional<std::string> private_key = {};
    /// Shown on the TLS connection to the endpoint. Needs `private_key`.
    std::optional<std::string> certificate_chain = {};
    /// `kid` of what `private_key_jwt` signs.
    std::optional<std::string> key_id = {};
    /// `aud` of assertions, where the server calls itself otherwise than the token URL does.
    std::optional<std::string> assertion_audience = {};
    /// Whether a root at the end of `certificate_chain` is shown, too.
    bool send_root_certificate = false;
    /// `http://[user:password@]host:port`; not given: the variables', for channels.
    std::optional<std::string> http_proxy = {};
    /// A file that tokens are kept in, shared by processes; not given: tokens stay in memory.
    std::optional<std::string> cache_path = {};
};

/// Of MetadataPlugin::oauth2_client_credentials(), which reads no environment.
struct OAuth2ClientCredentialsOptions {
    std::optional<std::string> client_id = {};
    std::optional<std::string> client_secret = {};
    /// The token URL.
    std::optional<std::string> authorization_server = {};
    std::optional<std::string> scope = {};
    std::optional<std::string> audience = {};
    /// Before its expiry, from when on a token counts as expired; not given: 60 s. 0: none.
    std::optional<Seconds> leeway = {};
    /// How long a token is good for that does not say so itself.
    std::optional<Seconds> expire_in = {};
    TokenOptions token_options = {};
};

namespace detail {

/// In C 0 is "not given", and there is a constant for none.
inline std::int64_t to_c_leeway(Arguments &arguments, const std::optional<Seconds> &leeway)
{
    if (leeway.has_value() && *leeway == Seconds::zero()) return ZEEBE_LEEWAY_NONE;
    return arguments.time("leeway", leeway, "it is seconds from 0 on");
}

inline std::int64_t to_c_expire_in(Arguments &arguments, const std::optional<Seconds> &expire_in)
{
    return arguments.time("expire_in", expire_in, "give seconds from 1 on; not given, it is for the token to say");
}

inline zeebe_token_options to_c(Arguments &arguments, const TokenOptions &options)
{
    zeebe_token_options c = ZEEBE_TOKEN_OPTIONS_INIT;
    c.client_authentication = static_cast<std::int32_t>(options.client_authentication);
    c.allow_insecure_token_url = options.allow_insecure_token_url;
    c.prefetch = options.prefetch;
    c.connect_timeout_ms =
        arguments.time("TokenOptions::connect_timeout", options.connect_timeout, "give milliseconds from 1 on; not given, it is 10 s");
    c.timeout_ms = arguments.time("TokenOptions::timeout", options.timeout, "give milliseconds from 1 on; not given, it is 30 s");
    c.token_ca = arguments.text("TokenOptions::token_ca", options.token_ca);
    c.private_key = arguments.text("TokenOptions::private_key", options.private_key);
    c.certificate_chain = arguments.text("TokenOptions::certificate_chain", options.certificate_chain);
    c.key_id = arguments.text("TokenOptions::key_id", options.key_id);
    c.assertion_audience = arguments.text("TokenOptions::assertion_audience", options.assertion_audience);
    c.send_root_certificate = options.send_root_certificate;
    c.http_proxy = arguments.text("TokenOptions::http_proxy", options.http_proxy);
    c.cache_path = arguments.text("TokenOptions::cache_path", options.cache_path);
    return c;
}

/// What everything with the client credentials grant has in common. `c` borrows from `options` and `token`.
template <class Options, class C>
void add_client(Arguments &arguments, const Options &options, C &c, zeebe_token_options &token)
{
    c.client_id = arguments.text("client_id", options.client_id);
    c.client_secret = arguments.text("client_secret", options.client_secret);
    c.authorization_server = arguments.text("authorization_server", options.authorization_server);
    c.scope = arguments.text("scope", options.scope);
    c.audience = arguments.text("audience", options.audience);
    c.leeway = to_c_leeway(arguments, options.leeway);
    c.expire_in = to_c_expire_in(arguments, options.expire_in);
    token = to_c(arguments, options.token_options);
    c.token_options = &token;
}

} // namespace detail

/// A bearer token, as a program's own token source gives it.
struct Token {
    /// Printable ASCII without spaces. A secret.
    std::string access_token;
    /// What was granted.
    std::optional<std::string> scope = {};
    /// From now on; not given: unknown. 0 or less: it has ended, so that the calls that wait for it get it, and no other.
    std::optional<Seconds> expires_in = {};
};

namespace detail {
template <class Source>
class TokenSource;
}

/// A token that is asked for. Answer it once, at once or later, from any thread, within 30 s; when the last copy goes unanswered, it
/// fails with UNAVAILABLE.
class TokenRequest {
public:
    /// Answers with a token. invalid_argument: a token that no header may hold. illegal_state: answered before.
    Result<void> complete(const Token &token) const
    {
        detail::Arguments arguments;
        zeebe_token c = ZEEBE_TOKEN_INIT;
        c.access_token = arguments.text("access_token", text_view(token.access_token));
        c.scope = arguments.text("scope", token.scope);
        if (token.expires_in) c.expires_in = token.expires_in->count() > 0 ? token.expires_in->count() : -1;
        if (arguments.error()) return *arguments.error();
        return detail::result(zeebe_token_request_complete(state_->request, &c));
    }
    /// Answers with a failure: its status, message and retry_after(). A status that says something about the call itself becomes INTERNAL.
    Result<void> fail(const Error &error) const noexcept
    {
        const auto retry_after = error.retry_after();
        return fail(error.status(), error.what(), retry_after);
    }
    /// The same with a time after which to ask again.
    Result<void> fail(StatusCode status, const text_view &message, std::optional<Milliseconds> retry_after = {}) const noexcept
    {
        return detail::result(
            zeebe_token_request_fail(state_->request, static_cast<std::int32_t>(status), message.c_str(), retry_after ? retry_after->count() : -1));
    }
    /// Whether nobody waits for it any more; then an answer is ignored.
    bool is_cancelled() const noexcept { return state_->cancelled; }

private:
    template <class Source>
    friend class detail::TokenSource;

    struct State {
        explicit State(zeebe_token_request *owned) noexcept : request(owned) {}
        State(const State &) = delete;
        State &operator=(const State &) = delete;
        ~State() { zeebe_token_request_free(request); }

        zeebe_token_request *const request;
        std::atomic<bool> cancelled{false};
    };
    explicit TokenRequest(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}

    std::shared_ptr<State> state_;
};

/// Of MetadataPlugin::oauth2().
struct TokenSourceOptions {
    /// Before its expiry, from when on a token counts as expired; not given: 60 s. 0: none.
    std::optional<Seconds> leeway = {};
    /// How long a token is good for that does not say so itself.
    std::optional<Seconds> expire_in = {};
};

namespace detail {

/// What the library calls to ask a program's function for a token. No exception gets past it: a source that throws has failed.
template <class Source>
class TokenSource {
public:
    explicit TokenSource(Source source) : source_(std::move(source)) {}

    static void retrieve(void *user_data, zeebe_token_request *owned) noexcept
    {
        auto &self = *static_cast<TokenSource *>(user_data);
        const TokenRequest request(std::make_shared<TokenRequest::State>(owned));
        {
            const std::lock_guard lock(self.mutex_);
            self.current_ = request.state_;
        }
        try {
            self.ask(request);
        } catch (const Error &error) {
            static_cast<void>(request.fail(error));
        } catch (const std::exception &error) {
            static_cast<void>(request.fail(StatusCode::internal, error.what()));
        } catch (...) {
            static_cast<void>(request.fail(StatusCode::internal, "the token source threw something that is no std::exception"));
        }
    }
    /// At most one request is under way, so it can only be the last.
    static void cancel(void *user_data, const zeebe_token_request *request) noexcept
    {
        auto &self = *static_cast<TokenSource *>(user_data);
        const std::lock_guard lock(self.mutex_);
        if (const auto current = self.current_.lock(); current && current->request == request) current->cancelled = true;
    }
    static void destroy(void *user_data) noexcept { delete static_cast<TokenSource *>(user_data); }

private:
    void ask(const TokenRequest &request)
    {
        if constexpr (std::is_invocable_v<Source &, TokenRequest>) {
            source_(request);
        } else {
            // A Result that holds an error throws it, to be caught above.
            Result<Token> token = source_();
            request.complete(token.value()).value();
        }
    }

    Source source_;
    std::mutex mutex_;
    std::weak_ptr<TokenRequest::State> current_;
};

} // namespace detail

/// Adds metadata to calls: authenticates them. A copy is another handle on the same plugin; channels and calls that use it keep it alive.
///
/// Any thread may use it.
class MetadataPlugin : public detail::Handle<zeebe_metadata_plugin, zeebe_metadata_plugin_ref, zeebe_metadata_plugin_free> {
public:
    using Handle::Handle;

    /// A bearer token that the program has (RFC 6750): set_token() replaces it. invalid_argument: one that no header may hold.
    static Result<MetadataPlugin> bearer(const text_view &token)
    {
        MetadataPlugin plugin;
        if (token.has_nul()) return Error::invalid_argument("the token has a NUL in it");
        return detail::result(zeebe_bearer_metadata_plugin_new(token.c_str(), plugin.out()), plugin);
    }

    /// User name and password by HTTP Basic (RFC 7617). invalid_argument: the user name has a colon.
    static Result<MetadataPlugin> basic(const text_view &username, const text_view &password)
    {
        detail::Arguments arguments;
        MetadataPlugin plugin;
        const char *c_username = arguments.text("the user name", username);
        const char *c_password = arguments.text("the password", password);
        if (arguments.error()) return *arguments.error();
        return detail::result(zeebe_basic_metadata_plugin_new(c_username, c_password, plugin.out()), plugin);
    }

    /// The client credentials grant (RFC 6749 section 4.4). No request is made before a token is needed.
    ///
    /// invalid_argument: something that is required is missing or of no use. tls: a key or certificate does not parse.
    static Result<MetadataPlugin> oauth2_client_credentials(const OAuth2ClientCredentialsOptions &options)
    {
        detail::Arguments arguments;
        MetadataPlugin plugin;
        zeebe_token_options token;
        zeebe_oauth2_client_credentials_metadata_plugin_options c = ZEEBE_OAUTH2_CLIENT_CREDENTIALS_METADATA_PLUGIN_OPTIONS_INIT;
        detail::add_client(arguments, options, c, token);
        if (arguments.error()) return *arguments.error();
        return detail::result(zeebe_oauth2_client_credentials_metadata_plugin_new(&c, plugin.out()), plugin);
    }

    /// The program's own tokens: `source` is asked when one is needed, at most once at a time, on a library thread.
    ///
    /// It is called either as `source(TokenRequest)`, which answers at once or later; or as `source()`, which returns a Token or a
    /// `Result<Token>` and must be quick, for I/O waits for it. A source that throws has failed: with the status of an Error, else INTERNAL.
    template <class Source>
    static Result<MetadataPlugin> oauth2(Source &&source, const TokenSourceOptions &options = {})
    {
        using Asked = detail::TokenSource<std::decay_t<Source>>;
        detail::Arguments arguments;
        MetadataPlugin plugin;
        zeebe_oauth2_metadata_plugin_options c = ZEEBE_OAUTH2_METADATA_PLUGIN_OPTIONS_INIT;
        c.retrieve = &Asked::retrieve;
        c.cancel = &Asked::cancel;
        c.destroy = &Asked::destroy;
        c.leeway = detail::to_c_leeway(arguments, options.leeway);
        c.expire_in = detail::to_c_expire_in(arguments, options.expire_in);
        if (arguments.error()) return *arguments.error();
        auto owned = std::make_unique<Asked>(std::forward<Source>(source));
        if (zeebe_error *error = zeebe_oauth2_metadata_plugin_new(&c, owned.get(), plugin.out())) return Error(error);
        static_cast<void>(owned.release()); // the plugin's
        return plugin;
    }

    /// Replaces the token of a bearer() plugin, for calls that start from now on. illegal_state: another kind of plugin.
    Result<void> set_token(const text_view &token) const noexcept
    {
        if (token.has_nul()) return Error::invalid_argument("the token has a NUL in it");
        return detail::result(zeebe_bearer_metadata_plugin_set_token(get(), token.c_str()));
    }
    /// Whether a call would need a new token now. illegal_state: the plugin fetches no token.
    Result<bool> is_token_expired() const noexcept
    {
        std::int32_t expired = 0;
        return detail::result(zeebe_metadata_plugin_is_token_expired(get(), &expired)).and_then([&] { return Result<bool>(expired != 0); });
    }
    /// Fetches a token, even if there is a good one; joins a fetch under way. Completes with nothing: see Channel::call() for completions.
    template <class Completion>
    auto retrieve_token(Completion &&completion) const;
    /// The same as an event of type `done` with `tag`.
    Result<void> retrieve_token_on_queue(const CompletionQueue &queue, std::uint64_t tag) const noexcept;
    /// What the plugin would add to a call, for tests and for other transports; may fetch a token. Completes with Metadata.
    template <class Completion>
    auto get_metadata(const text_view &service_url, const text_view &method_name, Completion &&completion) const;
    /// The same as an event of type `done` with `tag`: Event::metadata(), Event::end().
    Result<void> get_metadata_on_queue(const text_view &service_url, const text_view &method_name, const CompletionQueue &queue,
                                       std::uint64_t tag) const;
};

/// Of ChannelCredentials::ssl(): PEM text, not paths.
struct SslOptions {
    /// Not given: the platform's; `SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured.
    std::optional<std::string> root_certificates = {};
    /// With `certificate_chain`: the program's own, for mutual TLS. A secret.
    std::optional<std::string> private_key = {};
    std::optional<std::string> certificate_chain = {};
};

/// What secures a channel's connections and authenticates its calls. A copy shares it, as may any number of channels.
class ChannelCredentials : public detail::Handle<zeebe_channel_credentials, zeebe_channel_credentials_ref, zeebe_channel_credentials_free> {
public:
    using Handle::Handle;

    /// TLS. tls: something does not parse, or key and certificate do not belong together.
    static Result<ChannelCredentials> ssl(const SslOptions &options = {})
    {
        detail::Arguments arguments;
        ChannelCredentials credentials;
        zeebe_ssl_channel_credentials_options c = ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT;
        c.root_certificates = arguments.text("SslOptions::root_certificates", options.root_certificates);
        c.private_key = arguments.text("SslOptions::private_key", options.private_key);
        c.certificate_chain = arguments.text("SslOptions::certificate_chain", options.certificate_chain);
        if (arguments.error()) return *arguments.error();
        return detail::result(zeebe_ssl_channel_credentials_new(&c, credentials.out()), credentials);
    }
    /// Plaintext. Plugins are refused with it beyond loopback, unless the channel allows it.
    static Result<ChannelCredentials> insecure()
    {
        ChannelCredentials credentials;
        return detail::result(zeebe_insecure_channel_credentials_new(credentials.out()), credentials);
    }
    /// Plaintext that never leaves the machine: for loopback and unix: targets only.
    static Result<ChannelCredentials> local()
    {
        ChannelCredentials credentials;
        return detail::result(zeebe_local_channel_credentials_new(credentials.out()), credentials);
    }
    /// These with a plugin more. Of several plugins the later wins.
    Result<ChannelCredentials> with(const MetadataPlugin &plugin) const
    {
        ChannelCredentials credentials;
        return detail::result(zeebe_composite_channel_credentials_new(get(), plugin.get(), credentials.out()), credentials);
    }
};

} // namespace zeebe

#endif
