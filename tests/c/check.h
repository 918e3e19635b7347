/* What the C tests share: checks that end the program with a line saying what was not so. */
#ifndef CHECK_H
#define CHECK_H

#include "zeebe.h"
#include "zeebe.h" /* again, on purpose */

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                \
    }                                                                         \
  } while (0)

#define OK(call)                                                                                          \
  do {                                                                                                    \
    zeebe_error *failed = (call);                                                                         \
    if (failed) {                                                                                         \
      fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, zeebe_error_message(failed));         \
      exit(1);                                                                                            \
    }                                                                                                     \
  } while (0)

/* The call fails with this kind, and says `text` somewhere. */
#define FAILS(call, expected_kind, text)                                                                       \
  do {                                                                                                         \
    zeebe_error *failed = (call);                                                                              \
    if (!failed || zeebe_error_kind(failed) != (expected_kind) || !strstr(zeebe_error_message(failed), text)) { \
      fprintf(stderr, "%s:%d: %s: kind %d, %s\n", __FILE__, __LINE__, #call, zeebe_error_kind(failed),         \
              failed ? zeebe_error_message(failed) : "no error");                                              \
      exit(1);                                                                                                 \
    }                                                                                                          \
    CHECK(zeebe_error_grpc_status(failed) != ZEEBE_STATUS_OK);                                                 \
    zeebe_error_free(failed);                                                                                  \
  } while (0)

/* Counts callbacks, and waits for them. */
typedef struct {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  int calls;
  int failures;
  int messages;
  int destroyed;
  int32_t kind;
  int32_t status;
} tally;

#define TALLY_INIT {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0, 0, 0, 0}

static inline void tally_end(tally *t, const zeebe_error *error) {
  pthread_mutex_lock(&t->mutex);
  t->calls++;
  if (error) {
    t->failures++;
    t->kind = zeebe_error_kind(error);
    t->status = zeebe_error_grpc_status(error);
  }
  pthread_cond_broadcast(&t->changed);
  pthread_mutex_unlock(&t->mutex);
}

static inline void tally_wait(tally *t, const int *count, int until) {
  pthread_mutex_lock(&t->mutex);
  while (*count < until) pthread_cond_wait(&t->changed, &t->mutex);
  pthread_mutex_unlock(&t->mutex);
}

static inline void on_done(void *user_data, const zeebe_error *error) { tally_end(user_data, error); }

static inline void on_unary(void *user_data, const zeebe_error *error, const zeebe_response *response) {
  CHECK(!error != !response);
  tally_end(user_data, error);
}

static inline void on_close(void *user_data, const zeebe_error *error, const zeebe_metadata *trailers) {
  CHECK(trailers);
  tally_end(user_data, error);
}

static inline void on_message(void *user_data, const zeebe_buffer *message) {
  tally *t = user_data;
  CHECK(zeebe_buffer_data(message, NULL));
  pthread_mutex_lock(&t->mutex);
  t->messages++;
  pthread_cond_broadcast(&t->changed);
  pthread_mutex_unlock(&t->mutex);
}

static inline void on_destroy(void *user_data) {
  tally *t = user_data;
  pthread_mutex_lock(&t->mutex);
  t->destroyed++;
  pthread_cond_broadcast(&t->changed);
  pthread_mutex_unlock(&t->mutex);
}

#define TOPOLOGY "/gateway_protocol.Gateway/Topology"

static inline const char *env(const char *name) {
  const char *value = getenv(name);
  CHECK(value);
  return value;
}

/* A PEM file named by a variable. */
static inline char *file(const char *name) {
  FILE *in = fopen(env(name), "r");
  CHECK(in);
  char *text = calloc(1, 65536);
  CHECK(text && fread(text, 1, 65535, in) > 0);
  fclose(in);
  return text;
}

static inline long resident_kib(void) {
  long pages = 0;
  FILE *statm = fopen("/proc/self/statm", "r");
  CHECK(statm && fscanf(statm, "%*d %ld", &pages) == 1);
  fclose(statm);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static inline int descriptors(void) {
  int count = 0;
  DIR *open = opendir("/proc/self/fd");
  CHECK(open);
  while (readdir(open)) count++;
  closedir(open);
  return count;
}

static inline zeebe_channel *insecure(const char *address) {
  zeebe_insecure_channel_options options = ZEEBE_INSECURE_CHANNEL_OPTIONS_INIT;
  zeebe_channel *channel = NULL;
  options.grpc_address = address;
  OK(zeebe_create_insecure_channel(&options, &channel));
  return channel;
}

static inline zeebe_channel *secure(const char *address, const char *ca) {
  zeebe_ssl_channel_credentials_options ssl = ZEEBE_SSL_CHANNEL_CREDENTIALS_OPTIONS_INIT;
  zeebe_secure_channel_options options = ZEEBE_SECURE_CHANNEL_OPTIONS_INIT;
  zeebe_channel_credentials *credentials = NULL;
  zeebe_channel *channel = NULL;
  ssl.root_certificates = ca;
  OK(zeebe_ssl_channel_credentials_new(&ssl, &credentials));
  options.grpc_address = address;
  options.channel_credentials = credentials;
  OK(zeebe_create_secure_channel(&options, &channel));
  zeebe_channel_credentials_free(credentials);
  return channel;
}

#endif
