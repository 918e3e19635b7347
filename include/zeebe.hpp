// SPDX-License-Identifier: Apache-2.0
/// @file
/// libzeebe for C++17: a gRPC channel to a Zeebe gateway. Header only, over zeebe.h, whose manual counts here too.
///
///     #include <zeebe.hpp>
///
///     zeebe::Channel channel = zeebe::create_channel_from_environment().value();
///     std::string topology = channel.call_json("Topology", "{}", zeebe::within(std::chrono::seconds(10))).value();
///
/// **Ownership.** Every object owns what it stands for and lets go of it by itself. Where zeebe.h counts references, a copy is a reference of its
/// own, and cheap: Channel, Call, CompletionQueue, JobStream, JobWorker, Job, MetadataPlugin, ChannelCredentials, Buffer, Metadata, Response,
/// Error. What is there once can only be moved: Stream, Jobs, Events, Awaitable. One that was moved from may only be assigned to or destroyed.
///
/// **Threads.** Any thread may call what is const, also at once on one object, as with a std::shared_ptr; what is not const, assignment and
/// destruction included, needs that nobody else uses that object: give each thread a copy. Stream and Jobs are for one reading thread.
///
/// **Errors.** What can fail returns a Result: test it, or call value(), which throws Error. Nothing else throws but std::bad_alloc, and
/// iterators of ranges, which have no other way to say it.
///
/// **Callbacks** run on library threads, where what blocks returns illegal_state. An exception that leaves one ends the process
/// (std::terminate): it could be caught by nobody. Only a token source and the handler of a job worker may throw: it has failed then.
///
/// **Times** are std::chrono durations, rounded up to what zeebe.h counts in, milliseconds or seconds. One that is 0 or less is refused, but for a
/// leeway of 0, which is none, and where it is waited: what has passed is not waited for. `forever` is no time-out.
/// **Texts** are UTF-8; one with a NUL inside is refused with invalid_argument.
#ifndef ZEEBE_HPP
#define ZEEBE_HPP

#include <zeebe/channel.hpp>
#include <zeebe/create.hpp>
#include <zeebe/environment.hpp>
#include <zeebe/library.hpp>

#endif
