/* The runtime. */
#include "glue.h"

EXPORT(jlong, runtimeConfigure)(JNIEnv *env, jclass class, jint io_threads, jboolean driven)
{
    (void)env, (void)class;
    zeebe_runtime_options options = ZEEBE_RUNTIME_OPTIONS_INIT;
    options.io_threads = io_threads;
    options.caller_driven = driven == JNI_TRUE;
    return NUMBER(zeebe_runtime_configure(&options));
}
