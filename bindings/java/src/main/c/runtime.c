/* The runtime. */
#include "glue.h"

EXPORT(jlong, runtimeConfigure)(JNIEnv *env, jclass class, jint io_threads)
{
    (void)env, (void)class;
    zeebe_runtime_options options = ZEEBE_RUNTIME_OPTIONS_INIT;
    options.io_threads = io_threads;
#ifdef __linux__
    options.caller_driven = io_threads == 0;
#endif
    return NUMBER(zeebe_runtime_configure(&options));
}
