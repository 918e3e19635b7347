// The conformance driver for C++: answers each line of standard input, a call as JSON, with one line of JSON that says what zeebe.hpp
// made of it. It uses the public API and nothing else; the reader of JSON is the C driver's.
#include <zeebe.hpp>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>

#include "json.h"

namespace {

using namespace std::chrono_literals;
using Json = std::unique_ptr<json, decltype(&json_free)>;

/// A request that cannot be passed on.
struct Unusable {
    const char *reason;
};

Json parse(std::string_view text)
{
    const char *reason = nullptr;
    Json value(json_parse(text.data(), text.size(), &reason), json_free);
    if (value == nullptr) throw Unusable{reason};
    return value;
}

// ---- arguments ----

/// The text of a string, or of a number as it is written.
std::string as_text(const json &value)
{
    if (value.type != JSON_STRING && value.type != JSON_NUMBER) throw Unusable{"an argument is neither a string nor a number"};
    std::string text(value.text, value.length);
    if (text.find('\0') != text.npos) throw Unusable{"a string with U+0000 cannot be passed to C"};
    return text;
}

std::int64_t as_integer(const json &value)
{
    std::int64_t integer = 0;
    const char *end = value.text + value.length;
    if (value.type != JSON_NUMBER || std::from_chars(value.text, end, integer).ptr != end) throw Unusable{"an argument is no 64-bit integer"};
    return integer;
}

class Arguments {
public:
    explicit Arguments(const json *values) : values_(values)
    {
        if (values != nullptr && values->type != JSON_OBJECT) throw Unusable{"the arguments are no object"};
    }

    std::optional<std::string> text(const char *name) const
    {
        const json *value = given(name);
        return value == nullptr ? std::nullopt : std::optional(as_text(*value));
    }
    /// For scope and audience: null is explicitly none, which is "".
    std::optional<std::string> text_or_none(const char *name) const
    {
        const json *value = json_member(values_, name);
        return value != nullptr && value->type == JSON_NULL ? "" : text(name);
    }
    /// A time in seconds, or a fraction of them; the binding rounds it up.
    std::optional<zeebe::Seconds> seconds(const char *name) const
    {
        const json *value = given(name);
        if (value == nullptr) return std::nullopt;
        if (value->type != JSON_NUMBER || std::strpbrk(value->text, ".eE") == nullptr) return std::chrono::seconds(as_integer(*value));
        const std::chrono::duration<double> exact(std::strtod(value->text, nullptr));
        if (!(std::abs(exact.count()) < 9e18)) throw Unusable{"a time is no 64-bit integer"};
        return exact;
    }
    /// The same, but that 0 is not given, as in C.
    std::optional<zeebe::Seconds> seconds_if_any(const char *name) const
    {
        auto time = seconds(name);
        return time && time->count() == 0 ? std::nullopt : time;
    }
    /// A list of [key, string or integer].
    std::vector<zeebe::ChannelOption> channel_options(const char *name) const
    {
        std::vector<zeebe::ChannelOption> options;
        const json *list = given(name);
        if (list == nullptr) return options;
        if (list->type != JSON_ARRAY) throw Unusable{"the channel options are no list"};
        for (const json *pair = list->child; pair != nullptr; pair = pair->next) {
            const json *key = pair->child;
            const json *value = key == nullptr ? nullptr : key->next;
            if (pair->type != JSON_ARRAY || value == nullptr || value->next != nullptr || key->type != JSON_STRING)
                throw Unusable{"a channel option is no pair of a key and a value"};
            if (value->type == JSON_STRING) options.emplace_back(as_text(*key), as_text(*value));
            else options.emplace_back(as_text(*key), as_integer(*value));
        }
        return options;
    }

private:
    /// Absent or null: not given.
    const json *given(const char *name) const
    {
        const json *value = json_member(values_, name);
        return value == nullptr || value->type == JSON_NULL ? nullptr : value;
    }

    const json *values_;
};

// ---- the functions ----

template <class Options>
void add_oauth2(Options &options, const Arguments &arguments)
{
    options.client_id = arguments.text("client_id");
    options.client_secret = arguments.text("client_secret");
    options.authorization_server = arguments.text("authorization_server");
    options.scope = arguments.text_or_none("scope");
    options.audience = arguments.text_or_none("audience");
    options.channel_options = arguments.channel_options("channel_options");
    options.leeway = arguments.seconds("leeway");
    options.expire_in = arguments.seconds_if_any("expire_in");
}

using Utility = zeebe::Result<std::string> (*)(const Arguments &);
using Constructor = zeebe::Result<zeebe::Channel> (*)(const Arguments &);

const std::map<std::string, Utility> utilities = {
    {"get_zeebe_address", [](const Arguments &given) { return zeebe::get_zeebe_address(given.text("default")); }},
    {"get_camunda_oauth_url", [](const Arguments &given) { return zeebe::get_camunda_oauth_url(given.text("default")); }},
    {"get_camunda_client_id", [](const Arguments &) { return zeebe::get_camunda_client_id(); }},
    {"get_camunda_client_secret", [](const Arguments &) { return zeebe::get_camunda_client_secret(); }},
    {"get_camunda_cluster_id", [](const Arguments &) { return zeebe::get_camunda_cluster_id(); }},
    {"get_camunda_cluster_region", [](const Arguments &given) { return zeebe::get_camunda_cluster_region(given.text("default")); }},
    {"get_camunda_token_audience", [](const Arguments &given) { return zeebe::get_camunda_token_audience(given.text("default")); }},
    {"get_camunda_address",
     [](const Arguments &given) { return zeebe::get_camunda_address(given.text("cluster_id"), given.text("cluster_region")); }},
};

const char options_function[] = "get_channel_options";

const std::map<std::string, Constructor> constructors = {
    // There is no function for this: it is what a channel makes of its options.
    {options_function,
     [](const Arguments &given) {
         zeebe::InsecureChannelOptions options;
         options.channel_options = given.channel_options("options");
         return create_insecure_channel(options);
     }},
    {"create_insecure_channel",
     [](const Arguments &given) {
         zeebe::InsecureChannelOptions options;
         options.grpc_address = given.text("grpc_address");
         options.channel_options = given.channel_options("channel_options");
         return create_insecure_channel(options);
     }},
    {"create_secure_channel",
     [](const Arguments &given) {
         zeebe::SecureChannelOptions options;
         options.grpc_address = given.text("grpc_address");
         options.channel_options = given.channel_options("channel_options");
         return create_secure_channel(options);
     }},
    {"create_oauth2_client_credentials_channel",
     [](const Arguments &given) {
         zeebe::OAuth2ClientCredentialsChannelOptions options;
         options.grpc_address = given.text("grpc_address");
         add_oauth2(options, given);
         return create_oauth2_client_credentials_channel(options);
     }},
    {"create_camunda_cloud_channel",
     [](const Arguments &given) {
         zeebe::CamundaCloudChannelOptions options;
         options.cluster_id = given.text("cluster_id");
         options.region = given.text("region");
         add_oauth2(options.oauth2, given);
         return create_camunda_cloud_channel(options);
     }},
};

// ---- answers ----

/// One object on a line of its own.
class Answer {
public:
    explicit Answer(const json *id)
    {
        std::putchar('{');
        if (id != nullptr) {
            name("id");
            json_write(stdout, id);
        }
    }
    Answer(const Answer &) = delete;
    Answer &operator=(const Answer &) = delete;
    ~Answer() { std::puts("}"); }

    void name(const char *name)
    {
        std::printf("%s\"%s\": ", separator_, name);
        separator_ = ", ";
    }
    void text(const char *name, std::string_view text)
    {
        this->name(name);
        json_write_text(stdout, text.data(), text.size());
    }

private:
    const char *separator_ = "";
};

/// The name that all languages share, or else that of the kind.
const char *type_of(const zeebe::Error &error)
{
    switch (error.kind()) {
    case zeebe::ErrorKind::settings: return "SettingsError";
    case zeebe::ErrorKind::invalid_oauth_credentials: return "InvalidOAuthCredentialsError";
    case zeebe::ErrorKind::invalid_argument: return "INVALID_ARGUMENT";
    case zeebe::ErrorKind::illegal_state: return "ILLEGAL_STATE";
    case zeebe::ErrorKind::tls: return "TLS";
    case zeebe::ErrorKind::rpc: return "RPC";
    case zeebe::ErrorKind::shutdown: return "SHUTDOWN";
    default: return "INTERNAL";
    }
}

void answer_error(const json *id, const zeebe::Error &error)
{
    Answer answer(id);
    answer.name("raises");
    std::printf("{\"type\": \"%s\", \"message\": ", type_of(error));
    json_write_text(stdout, error.what(), error.message().size());
    std::putchar('}');
}

void write_options(const json *description)
{
    const json *options = json_member(description, "channel_options");
    std::putchar('[');
    for (const json *option = options->child; option != nullptr; option = option->next) {
        std::fputs(option == options->child ? "[" : ", [", stdout);
        json_write(stdout, json_member(option, "key"));
        std::fputs(", ", stdout);
        json_write(stdout, json_member(option, "value"));
        std::putchar(']');
    }
    std::putchar(']');
}

void write_resolved(const json *description)
{
    const json *settings = json_member(description, "settings");
    std::putchar('{');
    for (const char *name : {"client_id", "authorization_server", "scope", "audience", "leeway", "expire_in"}) {
        std::printf("\"%s\": ", name);
        json_write(stdout, json_member(json_member(settings, name), "value"));
        std::fputs(", ", stdout);
    }
    std::fputs("\"client_authentication\": ", stdout);
    json_write(stdout, json_member(json_member(description, "oauth2"), "client_authentication"));
    std::putchar('}');
}

void answer_channel(const json *id, const std::string &function, const zeebe::Channel &channel)
{
    const Json description = parse(channel.describe().value());
    Answer answer(id);
    if (function == options_function) {
        answer.name("returns");
        write_options(description.get());
        return;
    }
    answer.name("target");
    json_write(stdout, json_member(description.get(), "target"));
    answer.name("options");
    write_options(description.get());
    const json *oauth2 = json_member(description.get(), "oauth2");
    if (oauth2 != nullptr && oauth2->type == JSON_OBJECT) {
        answer.name("resolved");
        write_resolved(description.get());
    }
}

void answer_request(const json *request)
{
    const json *id = json_member(request, "id");
    const json *function = json_member(request, "function");
    const json *token = json_member(request, "retrieve_token");
    try {
        if (function == nullptr || function->type != JSON_STRING) throw Unusable{"the request names no function"};
        const Arguments arguments(json_member(request, "arguments"));
        const std::string name = as_text(*function);
        if (const auto utility = utilities.find(name); utility != utilities.end()) {
            const std::string value = utility->second(arguments).value();
            Answer(id).text("returns", value);
        } else if (const auto constructor = constructors.find(name); constructor != constructors.end()) {
            const zeebe::Channel channel = constructor->second(arguments).value();
            // Whatever the outcome: what counts is the request that the token endpoint sees.
            if (token != nullptr && token->type == JSON_TRUE) channel.retrieve_token(zeebe::use_future).wait_for(10s);
            answer_channel(id, name, channel);
        } else {
            throw Unusable{"the function is unknown"};
        }
    } catch (const zeebe::Error &error) {
        answer_error(id, error);
    } catch (const Unusable &unusable) {
        Answer(id).text("failed", unusable.reason);
    }
}

} // namespace

int main()
{
    for (std::string line; std::getline(std::cin, line);) {
        try {
            answer_request(parse(line).get());
        } catch (const Unusable &unusable) {
            Answer(nullptr).text("failed", unusable.reason);
        }
        if (std::fflush(stdout) != 0) return EXIT_FAILURE; // nobody reads the answers any more
    }
    if (auto ended = zeebe::runtime_shutdown(5s); !ended) {
        std::cerr << "driver: " << ended.error().what() << '\n';
        return EXIT_FAILURE;
    }
}
