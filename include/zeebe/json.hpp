// SPDX-License-Identifier: Apache-2.0
// Messages as JSON, by the name of their RPC. Part of zeebe.hpp.
#ifndef ZEEBE_JSON_HPP
#define ZEEBE_JSON_HPP

#include <zeebe/error.hpp>

namespace zeebe {

/// Adds the messages and services of an encoded `google.protobuf.FileDescriptorSet`, for the JSON functions of the whole process. Any thread.
///
/// invalid_argument: broken bytes, an import that is not in the set, or no service.
inline Result<void> register_descriptor_set(bytes_view descriptor_set) noexcept
{
    return detail::result(zeebe_register_descriptor_set(descriptor_set.data(), descriptor_set.size()));
}

/// Encodes the request of an RPC, named `Topology` or by its path, from JSON (the proto3 mapping).
///
/// invalid_argument, with the path to the place: an unknown RPC or field, bad JSON, a value of the wrong type or out of range.
inline Result<Buffer> request_from_json(const text_view &method, const text_view &json)
{
    detail::Arguments arguments;
    Buffer message;
    const char *c_method = arguments.text("the method", method);
    const char *c_json = arguments.text("the JSON", json);
    if (arguments.error()) return *arguments.error();
    return detail::result(zeebe_request_from_json(c_method, c_json, message.out()), message);
}

/// Decodes a response message of an RPC to JSON; 64-bit integers are strings, variables and a job's headers are objects. StreamActivatedJobs is the RPC of
/// a job.
///
/// invalid_argument: an unknown RPC, or bytes that are no such message.
inline Result<std::string> response_to_json(const text_view &method, bytes_view message)
{
    if (method.has_nul()) return Error::invalid_argument("the method has a NUL in it");
    char *json = nullptr;
    return detail::result(zeebe_response_to_json(method.c_str(), message.data(), message.size(), &json), json);
}

} // namespace zeebe

#endif
