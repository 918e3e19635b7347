// The client `grpc-c++`: gRPC C++ with one completion queue and one thread. Messages stay bytes: the generic stub.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <vector>

#include "../meter.h"

namespace {

using grpc::ByteBuffer;
using grpc::CompletionQueue;
using grpc::Status;

void check(const char *what, const Status &status)
{
    if (!status.ok()) fail(what, status.error_message().c_str());
}

ByteBuffer empty_request()
{
    grpc::Slice slice;
    return ByteBuffer(&slice, 1);
}

void set_deadline(grpc::ClientContext &context) { context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30)); }

// Not by credentials of a call, which gRPC C++ refuses over plaintext.
void add_token(grpc::ClientContext &context)
{
    static const char *const token = std::getenv("TOKEN");
    static const std::string value = token == nullptr ? "" : std::string("Bearer ") + token;
    if (token != nullptr) context.AddMetadata("authorization", value);
}

std::shared_ptr<grpc::Channel> create_channel(const run &run)
{
    static const auto credentials = run.ca == nullptr ? grpc::InsecureChannelCredentials() : grpc::SslCredentials({run.ca, "", ""});
    grpc::ChannelArguments arguments;
    // Else channels to one address share one connection.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(run.address, credentials, arguments);
}

// One call; its tag is itself.
class UnaryCall {
public:
    UnaryCall(grpc::GenericStub &stub, CompletionQueue &queue) : from(now_ns())
    {
        set_deadline(context_);
        add_token(context_);
        reader_ = stub.PrepareUnaryCall(&context_, TOPOLOGY, empty_request(), &queue);
        reader_->StartCall();
        reader_->Finish(&answer_, &status, this);
    }

    const uint64_t from;
    Status status;

private:
    grpc::ClientContext context_;
    ByteBuffer answer_;
    std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader_;
};

std::unique_ptr<UnaryCall> next_call(CompletionQueue &queue)
{
    void *tag = nullptr;
    bool ok = false;
    if (!queue.Next(&tag, &ok)) fail("unary call", "the queue has ended");
    std::unique_ptr<UnaryCall> call(static_cast<UnaryCall *>(tag));
    check("unary call", call->status);
    return call;
}

void call_once(const std::shared_ptr<grpc::Channel> &channel, CompletionQueue &queue)
{
    grpc::GenericStub stub(channel);
    new UnaryCall(stub, queue); // next_call() takes it back
    next_call(queue);
}

meter measure_unary(const run &run)
{
    CompletionQueue queue;
    auto channel = create_channel(run);
    grpc::GenericStub stub(channel);
    call_once(channel, queue); // connects
    meter meter = meter_start(&run);
    size_t under_way = run.in_flight;
    for (size_t i = 0; i < under_way; i++) new UnaryCall(stub, queue);
    while (under_way > 0) {
        auto call = next_call(queue);
        if (meter_call(&meter, call->from, now_ns())) {
            call.reset();
            new UnaryCall(stub, queue);
        } else {
            under_way--;
        }
    }
    return meter;
}

// Waits for the one operation that is under way.
bool succeeds(CompletionQueue &queue)
{
    void *tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
}

meter measure_stream(const run &run)
{
    CompletionQueue queue;
    auto channel = create_channel(run);
    grpc::GenericStub stub(channel);
    if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(30))) fail("connection", "not within 30 s");
    meter meter = meter_start(&run);
    bool over = false;
    uint64_t uncounted = 0;
    while (!over) {
        grpc::ClientContext context;
        set_deadline(context);
        auto call = stub.PrepareCall(&context, STREAM_ACTIVATED_JOBS, &queue);
        call->StartCall(&queue);
        if (!succeeds(queue)) fail("stream", "it does not start");
        call->WriteLast(empty_request(), grpc::WriteOptions(), &queue);
        if (!succeeds(queue)) fail("stream", "the request is not sent");
        ByteBuffer message;
        for (;;) {
            call->Read(&message, &queue);
            if (!succeeds(queue)) break;
            // A clock read for each message would be part of what is measured.
            if (++uncounted == 64) {
                over = !meter_count(&meter, now_ns(), uncounted);
                uncounted = 0;
            }
        }
        Status status;
        call->Finish(&status, &queue);
        succeeds(queue);
        check("stream", status);
    }
    return meter;
}

meter measure_cold(const run &run)
{
    CompletionQueue queue;
    meter meter = meter_start(&run);
    uint64_t from;
    do {
        from = now_ns();
        call_once(create_channel(run), queue);
    } while (meter_call(&meter, from, now_ns()));
    return meter;
}

// KiB for each channel.
double measure_idle(const run &run)
{
    CompletionQueue queue;
    // What the first one needs, the process needs once.
    auto first = create_channel(run);
    call_once(first, queue);
    std::vector<std::shared_ptr<grpc::Channel>> channels;
    double before = rss_kib();
    for (size_t i = 0; i < run.in_flight; i++) {
        channels.push_back(create_channel(run));
        call_once(channels.back(), queue);
    }
    return (rss_kib() - before) / static_cast<double>(run.in_flight);
}

} // namespace

int main(int argc, char **argv)
{
    const run run = run_parse(argc, argv);
    const std::string row = run.row;
    const std::string version = "gRPC C++ " + grpc::Version();
    if (row == "idle") {
        rss_print(measure_idle(run), version.c_str());
        return EXIT_SUCCESS;
    }
    meter meter;
    if (row == "unary") meter = measure_unary(run);
    else if (row == "stream") meter = measure_stream(run);
    else if (row == "cold") meter = measure_cold(run);
    else fail(run.row, "no such row");
    meter_print(&meter, version.c_str());
    return EXIT_SUCCESS;
}
