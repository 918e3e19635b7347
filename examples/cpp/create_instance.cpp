// Starts an instance of a process, waits until it has ended, and prints its result.
//
//     create_instance PROCESS_ID
//
// The gateway is the environment's: ZEEBE_ADDRESS, CAMUNDA_CLIENT_ID, ...
#include <zeebe.hpp>

#include <iostream>

using namespace std::chrono_literals;

int main(int argc, char **argv)
try {
    if (argc != 2) {
        std::cerr << "usage: create_instance PROCESS_ID\n";
        return EXIT_FAILURE;
    }
    const zeebe::Channel channel = zeebe::create_channel_from_environment().value();
    const std::string request = R"({"request": {"bpmnProcessId": ")" + std::string(argv[1]) + R"(", "version": -1}})";
    std::cout << channel.call_json("CreateProcessInstanceWithResult", request, zeebe::within(60s)).value() << '\n';
} catch (const zeebe::Error &error) {
    std::cerr << "create_instance: " << to_string(error.status()) << ": " << error.what() << '\n';
    return EXIT_FAILURE;
}
