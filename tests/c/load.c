/* Loads the library, uses it, and closes it while its threads run: they stay, and so does the code. */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc < 3) return 2;
    void *library = dlopen(argv[1], RTLD_NOW);
    if (!library) return fprintf(stderr, "%s\n", dlerror()), 1;
    struct {
        size_t size;
        const char *address;
        const void *options;
        size_t count;
        const void *connection;
    } options = {sizeof options, argv[2], NULL, 0, NULL};
    void *(*create)(const void *, void **) = NULL;
    void *(*wait_ready)(const void *, int64_t) = NULL;
    *(void **)&create = dlsym(library, "zeebe_create_insecure_channel");
    *(void **)&wait_ready = dlsym(library, "zeebe_channel_wait_ready");
    void *channel = NULL;
    if (!create || !wait_ready || create(&options, &channel) || wait_ready(channel, 10000)) return 1;
    return dlclose(library);
}
