// As environment.c, in C++.
#include <zeebe.hpp>

#include <cstring>
#include <iostream>

using namespace std::chrono_literals;

int main(int argc, char **argv)
try {
    const zeebe::Channel channel = zeebe::create_channel_from_environment().value();
    std::cout << channel.describe().value() << '\n';
    if (argc > 1 && std::strcmp(argv[1], "topology") == 0) {
        channel.call_json("Topology", "{}", zeebe::within(20s)).value();
        std::cout << "topology\n";
    }
} catch (const zeebe::Error &error) {
    std::cout << "error: " << error.what() << '\n';
}
