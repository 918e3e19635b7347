// nghttp2 as a client: reads conversations of a server from its standard input, each as its length in four bytes and then
// itself, and prints what it made of each: a line with the fault that ended the connection, then one a stream.
#include <nghttp2/nghttp2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STREAMS = 3, FRAME_HEADER = 9 };

struct stream {
    char status[4];
    uint64_t content, trailers; // hashes
    size_t length;
    int headed, has_trailers, reset, closed, fault;
    uint32_t code;
};

static struct stream streams[STREAMS];
static uint32_t fault;

static void check(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "nghttp2: %s\n", what);
        exit(1);
    }
}

// FNV-1a.
static void hash(uint64_t *sum, const uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at < length; ++at) {
        *sum = (*sum ^ bytes[at]) * 0x100000001b3u;
    }
}

static struct stream *of(int32_t id) { return id % 2 && id / 2 < STREAMS ? &streams[id / 2] : NULL; }

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_length, const uint8_t *value,
                     size_t value_length, uint8_t flags, void *data)
{
    (void)session, (void)flags, (void)data;
    struct stream *stream = of(frame->hd.stream_id);
    if (!stream) {
        return 0;
    }
    if (name_length == 7 && !memcmp(name, ":status", 7) && value_length == 3) {
        memcpy(stream->status, value, 3);
    }
    if (stream->headed) {
        hash(&stream->trailers, name, name_length);
        hash(&stream->trailers, (const uint8_t *)"\t", 1);
        hash(&stream->trailers, value, value_length);
        hash(&stream->trailers, (const uint8_t *)"\n", 1);
        stream->has_trailers = 1;
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t length, void *data)
{
    (void)session, (void)flags, (void)data;
    struct stream *stream = of(id);
    if (stream) {
        hash(&stream->content, bytes, length);
        stream->length += length;
    }
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
    (void)session, (void)data;
    struct stream *stream = of(frame->hd.stream_id);
    if (stream && frame->hd.type == NGHTTP2_RST_STREAM && !stream->closed) {
        stream->reset = 1;
    } else if (stream && frame->hd.type == NGHTTP2_HEADERS) {
        stream->headed |= stream->status[0] != '1';
    }
    return 0;
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
    (void)session, (void)data;
    struct stream *stream = of(frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        fault = frame->goaway.error_code;
    } else if (frame->hd.type == NGHTTP2_RST_STREAM && stream) {
        stream->fault = 1;
    }
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *data)
{
    (void)session, (void)data;
    struct stream *stream = of(id);
    if (stream) {
        stream->closed = 1;
        stream->code = code;
    }
    return 0;
}

static ssize_t read_request(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t room, uint32_t *flags, nghttp2_data_source *source,
                            void *data)
{
    (void)session, (void)id, (void)source, (void)data;
    check(room >= 7, "no room for a request");
    memcpy(buffer, "request", 7);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return 7;
}

static void send_all(nghttp2_session *session)
{
    const uint8_t *bytes;
    while (nghttp2_session_mem_send(session, &bytes) > 0) {
    }
}

static void converse(const uint8_t *bytes, size_t length)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_session *session;
    check(!nghttp2_session_callbacks_new(&callbacks), "no memory");
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    check(!nghttp2_session_client_new(&session, callbacks, NULL), "no session");
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100000},
    };
    check(!nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, 2), "no settings");
#define FIELD(name, value) {(uint8_t *)name, (uint8_t *)value, sizeof name - 1, sizeof value - 1, NGHTTP2_NV_FLAG_NONE}
    nghttp2_nv fields[] = {FIELD(":method", "POST"), FIELD(":scheme", "http"), FIELD(":path", "/a"), FIELD(":authority", "b")};
    nghttp2_data_provider request = {.read_callback = read_request};
    memset(streams, 0, sizeof streams);
    fault = 0;
    for (int stream = 0; stream < STREAMS; ++stream) {
        check(nghttp2_submit_request(session, NULL, fields, 4, &request, NULL) == 2 * stream + 1, "no request");
    }
    send_all(session);
    // Frame by frame, so that what is wrong is told before more comes.
    while (length && nghttp2_session_want_read(session)) {
        size_t frame = length;
        if (length >= FRAME_HEADER) {
            size_t payload = (size_t)bytes[0] << 16 | (size_t)bytes[1] << 8 | bytes[2];
            frame = payload + FRAME_HEADER < length ? payload + FRAME_HEADER : length;
        }
        if (nghttp2_session_mem_recv(session, bytes, frame) < 0) {
            fault = fault ? fault : NGHTTP2_PROTOCOL_ERROR;
            break;
        }
        send_all(session);
        bytes += frame;
        length -= frame;
    }
    send_all(session);
    printf("%u\n", fault);
    for (const struct stream *stream = streams; stream < streams + STREAMS; ++stream) {
        // What a GOAWAY left out is closed with REFUSED_STREAM.
        const char *end = stream->reset ? "reset" : stream->fault ? "fault" : stream->closed && !stream->code ? "complete" : "lost";
        printf("%s %u %s %zu %llx %d %llx\n", end, stream->code, stream->status[0] ? stream->status : "-", stream->length,
               (unsigned long long)stream->content, stream->has_trailers, (unsigned long long)stream->trailers);
    }
    nghttp2_session_del(session);
    nghttp2_session_callbacks_del(callbacks);
}

int main(void)
{
    static uint8_t bytes[1 << 20];
    uint8_t prefix[4];
    while (fread(prefix, sizeof prefix, 1, stdin) == 1) {
        size_t length = (size_t)prefix[0] << 24 | (size_t)prefix[1] << 16 | (size_t)prefix[2] << 8 | prefix[3];
        check(length <= sizeof bytes && (!length || fread(bytes, length, 1, stdin) == 1), "half a conversation");
        converse(bytes, length);
    }
    return 0;
}
