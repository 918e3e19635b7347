/* What a case came to with a peer that others wrote, as docs/peers.md has it. */
#ifndef OUTCOME_H
#define OUTCOME_H

#include "check.h"

/* Without what is another each time: the peer's address, and the number of a stream. */
static inline void print_message(const char *message, const char *address)
{
    static const char last_stream[] = "last stream is ";
    while (*message) {
        if (!strncmp(message, address, strlen(address))) {
            printf("ADDRESS");
            message += strlen(address);
        } else if (!strncmp(message, last_stream, strlen(last_stream))) {
            printf("%sN", last_stream);
            message += strlen(last_stream);
            message += strspn(message, "0123456789");
        } else putchar(*message++);
    }
    printf("\n");
}

static inline void print_outcome(const char *name, const zeebe_error *error, const char *address)
{
    if (!error) printf("%s: ok\n", name);
    else {
        printf("%s: %d%s%s, ", name, zeebe_error_grpc_status(error), zeebe_error_is_retryable(error) ? ", retryable" : "",
               zeebe_error_may_have_been_processed(error) ? "" : ", not processed");
        print_message(zeebe_error_message(error), address);
    }
    fflush(stdout);
}

#endif
