// The development gateway for the tests of the C++ binding. ZEEBE_DEV_GATEWAY is the program.
#ifndef GATEWAY_HPP
#define GATEWAY_HPP

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <zeebe.hpp>

using namespace std::chrono_literals;

/// No test waits longer for what must come.
inline constexpr auto patience = std::chrono::seconds(20);

inline std::string read_file(const std::filesystem::path &path)
{
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

/// What stands behind `"key":` in JSON of a known form: a number, or a text without escapes.
inline std::string json_value(const std::string &json, const std::string &key)
{
    const auto at = json.find("\"" + key + "\"");
    if (at == std::string::npos) throw std::runtime_error("no " + key + " in " + json);
    const auto begin = json.find_first_not_of(" \":", at + key.size() + 2);
    return json.substr(begin, json.find_first_of(",}\"\n", begin) - begin);
}

/// Of a channel that nobody listens to: what has to be given, and no more.
inline zeebe::OAuth2ClientCredentialsChannelOptions oauth_options()
{
    zeebe::OAuth2ClientCredentialsChannelOptions options;
    options.grpc_address = "localhost:1";
    options.client_id = "id";
    options.client_secret = "secret";
    options.authorization_server = "https://localhost/token";
    options.audience = "";
    return options;
}

/// For the jobs of the process that a Gateway has.
inline zeebe::JobWorkerOptions work_options()
{
    zeebe::JobWorkerOptions options;
    options.job_type = "work";
    return options;
}

/// A gateway with the process "work", whose one job has the type "work".
class Gateway {
public:
    Gateway()
    {
        const char *program = std::getenv("ZEEBE_DEV_GATEWAY");
        if (program == nullptr) throw std::runtime_error("ZEEBE_DEV_GATEWAY is not set: run tests/cpp/run");
        directory_ = std::filesystem::temp_directory_path() / "zeebe-cpp-XXXXXX";
        std::string name = directory_.string();
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
        directory_ = name;
        std::ofstream(directory_ / "work.bpmn") << R"(<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
            xmlns:z="http://camunda.org/schema/zeebe/1.0"><process id="work" isExecutable="true"><startEvent id="s"/>
            <serviceTask id="t"><extensionElements><z:taskDefinition type="work"/></extensionElements></serviceTask><endEvent id="e"/>
            <sequenceFlow id="a" sourceRef="s" targetRef="t"/><sequenceFlow id="b" sourceRef="t" targetRef="e"/></process></definitions>)";
        start(program);
        ports_ = read_file(directory_ / "ports.json");
    }
    Gateway(const Gateway &) = delete;
    Gateway &operator=(const Gateway &) = delete;
    ~Gateway()
    {
        close(input_); // it ends with its input
        waitpid(pid_, nullptr, 0);
        std::filesystem::remove_all(directory_);
    }

    std::string get(const std::string &name) const { return json_value(ports_, name); }
    std::string address(const std::string &listener) const { return "localhost:" + get(listener); }
    std::string ca() const { return read_file(get("ca")); }

    zeebe::Channel channel() const
    {
        zeebe::InsecureChannelOptions options;
        options.grpc_address = address("plaintext");
        return create_insecure_channel(options).value();
    }
    zeebe::ChannelCredentials tls() const
    {
        zeebe::SslOptions options;
        options.root_certificates = ca();
        return zeebe::ChannelCredentials::ssl(options).value();
    }

    /// A request to the control port, such as "POST /goaway"; returns the answer's body.
    std::string tell(const std::string &request) const
    {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(get("control"))));
        inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, reinterpret_cast<const sockaddr *>(&to), sizeof to) != 0) throw std::runtime_error("no control port");
        const std::string text = request + " HTTP/1.1\r\nhost: control\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        if (write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) throw std::runtime_error(request);
        std::string answer;
        char part[4096];
        for (ssize_t count; (count = read(fd, part, sizeof part)) > 0;) answer.append(part, static_cast<std::size_t>(count));
        close(fd);
        if (answer.compare(0, 12, "HTTP/1.1 200") != 0) throw std::runtime_error(request + ": " + answer);
        return answer.substr(answer.find("\r\n\r\n") + 4);
    }
    long count(const std::string &counter) const
    {
        const std::string counters = tell("GET /counters");
        return counters.find("\"" + counter + "\"") == std::string::npos ? 0 : std::stol(json_value(counters, counter));
    }
    /// Starts as many instances, each of which has a job of type "work".
    void create_jobs(int count) const
    {
        for (int i = 0; i < count; i++)
            channel().call_json("CreateProcessInstance", R"({"bpmnProcessId": "work", "version": -1})", zeebe::within(patience)).value();
    }

private:
    void start(const char *program)
    {
        int in[2], out[2];
        if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, in[0], 0);
        posix_spawn_file_actions_adddup2(&actions, out[1], 1);
        std::string arguments[] = {program,        "--exit-with-stdin",       "--directory", directory_,
                                   "--ports-file", directory_ / "ports.json", "--seed",      directory_ / "work.bpmn"};
        std::vector<char *> argv;
        for (std::string &argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        const int spawned = posix_spawn(&pid_, program, &actions, nullptr, argv.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        close(in[0]);
        close(out[1]);
        input_ = in[1];
        // One ready line, after the ports file is whole.
        char line[256];
        const ssize_t length = read(out[0], line, sizeof line);
        close(out[0]);
        if (spawned != 0 || length <= 0) throw std::runtime_error(std::string(program) + " does not start");
    }

    std::filesystem::path directory_;
    std::string ports_;
    pid_t pid_ = 0;
    int input_ = -1;
};

/// One gateway for the tests of a program that leave it as it was.
inline Gateway &gateway()
{
    static Gateway gateway;
    return gateway;
}

/// What a callback says once, and a test waits for.
template <class T>
class Said {
public:
    void say(T value)
    {
        const std::lock_guard lock(mutex_);
        value_ = std::move(value);
        changed_.notify_all();
    }
    T wait()
    {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, patience, [this] { return value_.has_value(); })) throw std::runtime_error("nothing was said");
        return *value_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<T> value_;
};

/// Waits for what only the gateway knows.
template <class Condition>
void eventually(Condition condition)
{
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("it does not come true");
        usleep(1000);
    }
}

/// The request of an ActivateJobs that lasts until it is cancelled: a long poll for jobs that nobody has.
inline zeebe::Buffer long_poll()
{
    return zeebe::request_from_json("ActivateJobs",
                                    R"({"type": "none", "worker": "w", "maxJobsToActivate": 1, "timeout": 1000, "requestTimeout": 600000})")
        .value();
}

#endif
