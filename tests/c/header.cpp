// The header is C++17 too, and may be included twice.
#include "zeebe.h"
#include "zeebe.h"

#include <type_traits>

static_assert(std::is_same<decltype(&zeebe_error_free), void (*)(zeebe_error *)>::value, "C linkage and type");

int main()
{
    zeebe_insecure_channel_options options = ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT;
    zeebe_channel *channel = nullptr;
    if (zeebe_error *error = zeebe_create_insecure_channel(&options, &channel)) {
        zeebe_error_free(error);
        return 1;
    }
    zeebe_channel_free(channel);
    return 0;
}
