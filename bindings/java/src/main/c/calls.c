/* Calls. */
#include "glue.h"

/* What a call is started with; org.libzeebe.CallStart packs it in this order. */
static zeebe_error *next_call(arguments *in, const char **method, zeebe_call_options *options, zeebe_metadata **metadata)
{
    *method = next_text(in);
    options->authority = next_text(in);
    options->timeout_ms = next_number(in);
    options->max_receive_message_length = next_number(in);
    options->wait_for_ready = (int32_t)next_number(in);
    options->compression = (int32_t)next_number(in);
    options->max_buffered_messages = next_number(in);
    options->max_buffered_bytes = next_number(in);
    zeebe_error *error = next_metadata(in, metadata);
    options->metadata = *metadata;
    return error;
}

/* An address is never negative here. Neither: Java throws. */
static jlong call_or_error(const zeebe_call *call, const zeebe_error *error) { return error == NULL ? NUMBER(call) : -NUMBER(error); }

EXPORT(jlong, callUnary)(JNIEnv *env, jclass class, jlong channel, jbyteArray bytes, jint length, jlong queue, jlong tag)
{
    (void)class;
    arguments in;
    zeebe_error *error = NULL;
    zeebe_call *call = NULL;
    if (arguments_begin(env, &in, bytes, length)) {
        zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
        zeebe_metadata *metadata = NULL;
        const char *method;
        error = next_call(&in, &method, &options, &metadata);
        size_t size;
        const uint8_t *message = next_bytes(&in, &size);
        if (error == NULL)
            error = zeebe_channel_unary_call_on_queue(HANDLE(zeebe_channel, channel), method, message, size, &options, queue_of(queue), (uint64_t)tag,
                                                      &call);
        zeebe_metadata_free(metadata);
    }
    arguments_end(&in);
    return call_or_error(call, error);
}

EXPORT(jlong, callStart)(JNIEnv *env, jclass class, jlong channel, jbyteArray bytes, jint length, jlong queue, jlong tag)
{
    (void)class;
    arguments in;
    zeebe_error *error = NULL;
    zeebe_call *call = NULL;
    if (arguments_begin(env, &in, bytes, length)) {
        zeebe_call_options options = ZEEBE_CALL_OPTIONS_INIT;
        zeebe_metadata *metadata = NULL;
        const char *method;
        error = next_call(&in, &method, &options, &metadata);
        options.manual_requests = ZEEBE_REQUESTS_TAKEN;
        if (error == NULL)
            error = zeebe_channel_start_call_on_queue(HANDLE(zeebe_channel, channel), method, &options, queue_of(queue), (uint64_t)tag, &call);
        zeebe_metadata_free(metadata);
    }
    arguments_end(&in);
    return call_or_error(call, error);
}

EXPORT(jlong, callSend)(JNIEnv *env, jclass class, jlong call, jbyteArray message, jboolean is_last)
{
    (void)class;
    uint8_t small[2048];
    jsize length = (*env)->GetArrayLength(env, message);
    uint8_t *bytes = (size_t)length <= sizeof small ? small : malloc((size_t)length);
    if (bytes == NULL) {
        out_of_memory(env);
        return 0;
    }
    (*env)->GetByteArrayRegion(env, message, 0, length, (jbyte *)bytes);
    const zeebe_call *handle = HANDLE(zeebe_call, call);
    zeebe_error *error =
        is_last ? zeebe_call_send_last_message(handle, bytes, (size_t)length) : zeebe_call_send_message(handle, bytes, (size_t)length);
    if (bytes != small) free(bytes);
    return NUMBER(error);
}

EXPORT(jlong, callHalfClose)(JNIEnv *env, jclass class, jlong call)
{
    (void)env, (void)class;
    return NUMBER(zeebe_call_half_close(HANDLE(zeebe_call, call)));
}

EXPORT(jlong, callRequest)(JNIEnv *env, jclass class, jlong call, jlong count)
{
    (void)env, (void)class;
    return NUMBER(zeebe_call_request(HANDLE(zeebe_call, call), count));
}

EXPORT(jboolean, callIsReady)(JNIEnv *env, jclass class, jlong call)
{
    (void)env, (void)class;
    return zeebe_call_is_ready(HANDLE(zeebe_call, call)) ? JNI_TRUE : JNI_FALSE;
}

/* The reason is the caller's to tell: Java keeps it, with its cause. */
EXPORT(void, callCancel)(JNIEnv *env, jclass class, jlong call)
{
    (void)env, (void)class;
    zeebe_call_cancel(HANDLE(zeebe_call, call), NULL);
}

EXPORT(void, callFree)(JNIEnv *env, jclass class, jlong call)
{
    (void)env, (void)class;
    zeebe_call_free(HANDLE(zeebe_call, call));
}

EXPORT(void, callsFree)(JNIEnv *env, jclass class, jlongArray calls, jint count)
{
    (void)class;
    jlong some[64];
    for (jint first = 0; first < count; first += (jint)(sizeof some / sizeof *some)) {
        jint length = count - first < (jint)(sizeof some / sizeof *some) ? count - first : (jint)(sizeof some / sizeof *some);
        (*env)->GetLongArrayRegion(env, calls, first, length, some);
        for (jint i = 0; i < length; i++) zeebe_call_free(HANDLE(zeebe_call, some[i]));
    }
}
