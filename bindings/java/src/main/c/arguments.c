/* Arguments and results across JNI. */
#include "glue.h"

void out_of_memory(JNIEnv *env)
{
    jclass error = (*env)->FindClass(env, "java/lang/OutOfMemoryError");
    if (error != NULL) (*env)->ThrowNew(env, error, "native memory");
}

static void overwrite(void *memory, size_t length)
{
    memset(memory, 0, length);
    __asm__ volatile("" : : "r"(memory) : "memory"); /* nobody reads it, and yet it is not to be left out */
}

int arguments_begin(JNIEnv *env, arguments *in, jbyteArray bytes, jint length)
{
    in->length = length;
    in->bytes = (size_t)length <= sizeof in->few ? in->few : malloc((size_t)length);
    in->next = in->bytes;
    if (in->bytes == NULL) {
        out_of_memory(env);
        return 0;
    }
    (*env)->GetByteArrayRegion(env, bytes, 0, length, (jbyte *)in->bytes);
    return 1;
}

/* Among them may be secrets. */
void arguments_end(arguments *in)
{
    if (in->bytes != NULL) overwrite(in->bytes, (size_t)in->length);
    if (in->bytes != in->few) free(in->bytes);
}

zeebe_error *next_metadata(arguments *in, zeebe_metadata **metadata)
{
    int64_t count = next_number(in);
    zeebe_error *error = NULL;
    *metadata = NULL;
    if (count > 0) error = zeebe_metadata_new(metadata);
    for (; count > 0; count--) {
        size_t length;
        const char *key = next_text(in);
        const uint8_t *value = next_bytes(in, &length);
        if (error == NULL) error = zeebe_metadata_add(*metadata, key, value, length);
    }
    if (error != NULL) {
        zeebe_metadata_free(*metadata);
        *metadata = NULL;
    }
    return error;
}

jbyteArray bytes_of(JNIEnv *env, const void *bytes, size_t length)
{
    jbyteArray copy = (*env)->NewByteArray(env, (jsize)length);
    if (copy != NULL) (*env)->SetByteArrayRegion(env, copy, 0, (jsize)length, bytes);
    return copy;
}

void give_text(JNIEnv *env, jobjectArray out, char *text)
{
    jbyteArray bytes = bytes_of(env, text, strlen(text));
    if (bytes != NULL) (*env)->SetObjectArrayElement(env, out, 0, bytes);
    zeebe_string_free(text);
}

const void **handles(JNIEnv *env, jlongArray numbers, size_t *count)
{
    *count = (size_t)(*env)->GetArrayLength(env, numbers);
    const void **all = malloc((*count + 1) * sizeof *all);
    if (all == NULL) {
        *count = 0;
        out_of_memory(env);
    }
    for (size_t i = 0; i < *count; i++) {
        jlong number;
        (*env)->GetLongArrayRegion(env, numbers, (jsize)i, 1, &number);
        all[i] = HANDLE(void, number);
    }
    return all;
}

EXPORT(jlong, environment)(JNIEnv *env, jclass class, jint variable, jbyteArray bytes, jint length, jobjectArray out)
{
    (void)class;
    arguments in;
    char *text = NULL;
    zeebe_error *error = NULL;
    if (arguments_begin(env, &in, bytes, length)) {
        const char *first = next_text(&in);
        const char *second = next_text(&in);
        switch (variable) {
        case 0: error = zeebe_get_zeebe_address(first, &text); break;
        case 1: error = zeebe_get_camunda_oauth_url(first, &text); break;
        case 2: error = zeebe_get_camunda_client_id(&text); break;
        case 3: error = zeebe_get_camunda_client_secret(&text); break;
        case 4: error = zeebe_get_camunda_cluster_id(&text); break;
        case 5: error = zeebe_get_camunda_cluster_region(first, &text); break;
        case 6: error = zeebe_get_camunda_token_audience(first, &text); break;
        default: error = zeebe_get_camunda_address(first, second, &text); break;
        }
    }
    arguments_end(&in);
    if (text != NULL) give_text(env, out, text);
    return NUMBER(error);
}

EXPORT(jbyteArray, version)(JNIEnv *env, jclass class)
{
    (void)class;
    const char *text = zeebe_version();
    return bytes_of(env, text, strlen(text));
}
