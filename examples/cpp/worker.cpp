// Works on jobs of a type, side by side, until SIGTERM or SIGINT. "unknown" may be complete. The gateway: ZEEBE_ADDRESS, ... worker JOB_TYPE
#include <csignal>
#include <iostream>
#include <unistd.h>
#include <zeebe.hpp>
int main(int argc, char **argv)
try {
    sigset_t signals; // blocked in all threads: main takes them
    sigemptyset(&signals);
    for (const int stop : {SIGINT, SIGTERM}) sigaddset(&signals, stop);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    zeebe::runtime_configure({1, 4, "worker"}).value(); // four threads, on which jobs are worked on
    zeebe::JobWorkerOptions options;
    options.job_type = argc == 2 ? argv[1] : "";
    options.job_timeout = std::chrono::seconds(10);
    options.on_ended = [](const zeebe::Job &job, zeebe::JobEnd what, const zeebe::Result<void> &end) {
        const bool is_complete = end && what == zeebe::JobEnd::completed, is_unknown = !end && end.error().outcome() == zeebe::JobOutcome::unknown;
        std::cout << (is_complete ? "completed " : is_unknown ? "unknown " : "not completed ") + std::to_string(job.key()) + '\n' << std::flush;
    };
    options.on_close = [](auto) { kill(getpid(), SIGTERM); }; // also if it cannot go on
    const auto work = [](const zeebe::Job &job) {
        if (job.variables().find("\"fail\"") != job.variables().npos) throw zeebe::JobFailure("not today", {}, std::chrono::seconds(1));
        return R"({"done": true})";
    };
    const zeebe::JobWorker worker = zeebe::create_channel_from_environment().value().start_job_worker(options, work).value();
    sigwait(&signals, &argc);
    worker.close(zeebe::use_future).get(); // jobs at work are completed, the others go back
} catch (const std::exception &error) {
    return std::cerr << "worker: " << error.what() << '\n', EXIT_FAILURE;
}
