// Completes the jobs of one type as they come, until it is told to stop by SIGINT or SIGTERM; then it finishes what it has.
//
//     worker JOB_TYPE
//
// The gateway is the environment's: ZEEBE_ADDRESS, CAMUNDA_CLIENT_ID, ...
#include <zeebe.hpp>

#include <csignal>
#include <iostream>
#include <thread>

using namespace std::chrono_literals;

namespace {

/// The value of the first "key" in JSON of a known form: enough for numbers. A program of your own will use a JSON library, or the
/// classes that protoc makes of the messages.
std::string number(const std::string &json, const std::string &key)
{
    const auto begin = json.find_first_of("0123456789", json.find('"' + key + '"') + key.size() + 2);
    return json.substr(begin, json.find_first_not_of("0123456789", begin) - begin);
}

/// Blocks the signals that stop a program, for all its threads, and closes the job stream when one comes.
class StopSignals {
public:
    StopSignals()
    {
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGINT);
        sigaddset(&signals_, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    }
    void close(zeebe::JobStream stream) const
    {
        std::thread([stream = std::move(stream), signals = signals_] {
            int signal = 0;
            sigwait(&signals, &signal);
            stream.close();
        }).detach();
    }

private:
    sigset_t signals_;
};

void serve(const std::string &type)
{
    const StopSignals stop;
    const zeebe::Channel channel = zeebe::create_channel_from_environment().value();
    const zeebe::Buffer request =
        zeebe::request_from_json("StreamActivatedJobs", R"({"type": ")" + type + R"(", "worker": "example", "timeout": 60000})").value();
    zeebe::Jobs jobs = channel.stream_jobs(request).value();
    stop.close(jobs.stream());

    for (const zeebe::Buffer &message : jobs) {
        const std::string job = zeebe::response_to_json("StreamActivatedJobs", message).value();
        const std::string key = number(job, "key");
        // … here the work is done …

        // The next job need not wait for the gateway's answer.
        const zeebe::Buffer completion =
            zeebe::request_from_json("CompleteJob", R"({"jobKey": ")" + key + R"(", "variables": "{\"done\": true}"})").value();
        channel
            .call("CompleteJob", completion, zeebe::within(10s),
                  [key](zeebe::Result<zeebe::Response> end) {
                      std::cout << (end ? "completed job " + key : "job " + key + ": " + end.error().what()) + "\n" << std::flush;
                  })
            .value();
    }
    // The answers to what was completed last.
    channel.close(10s, zeebe::use_future).get();
}

} // namespace

int main(int argc, char **argv)
try {
    if (argc != 2) {
        std::cerr << "usage: worker JOB_TYPE\n";
        return EXIT_FAILURE;
    }
    serve(argv[1]);
} catch (const zeebe::Error &error) {
    std::cerr << "worker: " << to_string(error.status()) << ": " << error.what() << '\n';
    return EXIT_FAILURE;
}
