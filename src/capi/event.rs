//! Events: what happened, as C takes it from a completion queue, in places and a block of its own.

use std::mem::offset_of;
use std::ptr::null_mut;

use macro_rules_attribute::apply;
use safer_ffi::prelude::{derive_ReprC, ffi_export};

use super::buffer::zeebe_buffer;
use super::error::{close_arguments, zeebe_error};
use super::handle;
use super::job::{ZeebeJobOutcome, outcome_number, zeebe_job};
use super::metadata::zeebe_metadata;
use super::response::zeebe_response;
use crate::error::Error;
use crate::queue::{Event, Message, Occurrence};
use crate::wire::framing::Keeper;

/// What an event is about, and which of its fields are set. New types may appear: clear them unread.
#[ffi_export]
#[allow(dead_code, reason = "names constants for C")]
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeebeEventType {
    /// None: an event that was cleared.
    None = 0,
    /// A unary call has ended: `response`, or else `error`.
    Unary = 1,
    /// An answer began: `metadata`.
    InitialMetadata = 2,
    /// A message came, or a job: `message`.
    Message = 3,
    /// More may be sent; advice.
    Ready = 4,
    /// A call has ended: `metadata`, which are the trailers and never NULL, and `error` unless the status is OK. Or a job stream, without
    /// trailers, or a job worker; with `error` unless it was closed in order.
    Close = 5,
    /// zeebe_completion_queue_post().
    Posted = 6,
    /// Anything else that was begun on the queue has ended: `error`, unless it went well; `state` of
    /// zeebe_channel_wait_for_state_change_on_queue(), `metadata` of zeebe_metadata_plugin_get_metadata_on_queue().
    Done = 7,
    /// A job stream goes on after a failure, as ::zeebe_job_stream_error_callback says: `error`, `failures`, `pause_ms`. While one is not
    /// taken, nothing follows of its job stream, and the last 16 failures wait. Of a job worker the same.
    JobStreamError = 8,
    /// A worker gives a job: `job`.
    Job = 9,
    /// The end of a job was settled: `outcome`, and `error` unless it is ENDED.
    JobEnded = 10,
}

/// What happened. It owns what its pointers point to: zeebe_events_clear(); set one to NULL to keep what it points to.
///
/// It may grow in later versions: its size goes with each call.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeebe_event {
    /// As it was given for what this is about.
    pub tag: u64,
    /// One of the ZEEBE_EVENT_TYPE_ constants.
    pub event_type: i32,
    /// Of what has an `error` or might: the error's, or 0 (OK).
    pub grpc_status: i32,
    /// Of UNARY and MESSAGE: the message's bytes, owned by `response` or `message`, or in the block of zeebe_completion_queue_take().
    pub data: *const u8,
    /// How many.
    pub length: usize,
    /// zeebe_buffer_free(). NULL if not set, as all of these.
    pub message: *mut zeebe_buffer,
    /// zeebe_response_free().
    pub response: *mut zeebe_response,
    /// zeebe_metadata_free().
    pub metadata: *mut zeebe_metadata,
    /// zeebe_error_free().
    pub error: *mut zeebe_error,
    /// One of the ZEEBE_CONNECTIVITY_ constants.
    pub state: i32,
    /// In a row, with this one; 2 147 483 647 if there were more.
    pub failures: i32,
    /// Until the next try.
    pub pause_ms: i64,
    /// zeebe_job_free().
    pub job: *mut zeebe_job,
    /// One of the ZEEBE_JOB_OUTCOME_ constants.
    pub outcome: i32,
    /// 0.
    pub reserved: u32,
}

/// Its size in the first release that had it. Never changes.
const FIRST_EVENT_SIZE: usize = offset_of!(zeebe_event, error) + size_of::<*mut zeebe_error>();
/// Beyond it, `event_size` is most likely something else.
const ABSURD_EVENT_SIZE: usize = 4096;

impl zeebe_event {
    const NONE: Self = Self {
        tag: 0,
        event_type: ZeebeEventType::None as i32,
        grpc_status: 0,
        data: std::ptr::null(),
        length: 0,
        message: null_mut(),
        response: null_mut(),
        metadata: null_mut(),
        error: null_mut(),
        state: 0,
        failures: 0,
        pause_ms: 0,
        job: null_mut(),
        outcome: ZeebeJobOutcome::None as i32,
        reserved: 0,
    };

    fn of(tag: u64, event_type: ZeebeEventType) -> Self {
        Self {
            tag,
            event_type: event_type as i32,
            ..Self::NONE
        }
    }

    /// Copied, if the block has room for it, and owned else.
    fn message(tag: u64, message: &Message<'_>, block: &mut Block, keeper: &mut Keeper) -> Self {
        let of = Self::of(tag, ZeebeEventType::Message);
        let length = message.len();
        if let Some(data) = block.copy(message) {
            return Self { data, length, ..of };
        }
        let message = message.keep(keeper);
        Self {
            data: message.as_ptr(),
            length,
            message: owned(zeebe_buffer::owned(message)),
            ..of
        }
    }

    /// Hands over each event that it stands for. A message is copied, if the block has room for it, and owned else.
    fn each(event: Event, block: &mut Block, mut write: impl FnMut(Self)) {
        let tag = event.tag;
        let of = |event_type| Self::of(tag, event_type);
        let done = |ended: Result<(), Error>| match ended {
            Ok(()) => of(ZeebeEventType::Done),
            Err(error) => Self {
                grpc_status: error.code() as i32,
                error: owned(zeebe_error::new(error)),
                ..of(ZeebeEventType::Done)
            },
        };
        write(match event.occurrence {
            Occurrence::Messages(batch) => {
                let mut keeper = Keeper::default();
                for message in batch.messages() {
                    write(Self::message(tag, &message, block, &mut keeper));
                }
                return;
            }
            Occurrence::Posted => of(ZeebeEventType::Posted),
            Occurrence::Ready => of(ZeebeEventType::Ready),
            Occurrence::InitialMetadata(metadata) => Self {
                metadata: owned(zeebe_metadata::new(metadata)),
                ..of(ZeebeEventType::InitialMetadata)
            },
            Occurrence::Unary(Ok(response)) => {
                let copy = block.copy(&response.message);
                Self {
                    data: copy.unwrap_or(response.message.as_ptr()),
                    length: response.message.len(),
                    response: match copy {
                        Some(_) if response.has_no_metadata() => null_mut(),
                        _ => owned(zeebe_response::owned(response)),
                    },
                    ..of(ZeebeEventType::Unary)
                }
            }
            Occurrence::Unary(Err(error)) => Self {
                grpc_status: error.code() as i32,
                error: owned(zeebe_error::new(error)),
                ..of(ZeebeEventType::Unary)
            },
            Occurrence::Close(ended) => {
                let grpc_status = ended.as_ref().err().map_or(0, |error| error.code() as i32);
                let (error, trailers) = close_arguments(ended);
                Self {
                    grpc_status,
                    metadata: owned(trailers),
                    error: error.map_or(null_mut(), owned),
                    ..of(ZeebeEventType::Close)
                }
            }
            Occurrence::Job(job) => Self {
                job: owned(zeebe_job { job }),
                ..of(ZeebeEventType::Job)
            },
            Occurrence::JobEnded(outcome) => Self {
                event_type: ZeebeEventType::JobEnded as i32,
                outcome: outcome_number(outcome.verdict),
                ..done(outcome.error.map_or(Ok(()), Err))
            },
            Occurrence::Done(ended) => done(ended),
            Occurrence::State(state, ended) => Self {
                state: state as i32,
                ..done(ended)
            },
            Occurrence::Metadata(Ok(metadata)) => Self {
                metadata: owned(zeebe_metadata::new(metadata)),
                ..done(Ok(()))
            },
            Occurrence::Metadata(Err(error)) => done(Err(error)),
            Occurrence::JobStreamFailed(failure, _) => Self {
                event_type: ZeebeEventType::JobStreamError as i32,
                failures: i32::try_from(failure.in_a_row).unwrap_or(i32::MAX),
                pause_ms: i64::try_from(failure.pause.as_millis()).unwrap_or(i64::MAX),
                ..done(Err(failure.error))
            },
        });
    }

    /// Frees what it owns.
    ///
    /// # Safety
    ///
    /// Each pointer is NULL or C's own, made by [`owned`].
    unsafe fn clear(self) {
        /// # Safety
        ///
        /// NULL or C's own, made by [`owned`].
        unsafe fn free<T>(pointer: *mut T) {
            if !pointer.is_null() {
                // SAFETY: by this function's contract.
                drop(unsafe { Box::from_raw(pointer) });
            }
        }
        // SAFETY: by this function's contract, as the three that follow.
        unsafe { free(self.message) };
        // SAFETY: as above.
        unsafe { free(self.response) };
        // SAFETY: as above.
        unsafe { free(self.metadata) };
        // SAFETY: as above.
        unsafe { free(self.error) };
        if !self.job.is_null() {
            // SAFETY: as above.
            handle::free(Some(unsafe { Box::from_raw(self.job) }));
        }
    }
}

/// For C to own; freed as an `Option<repr_c::Box<T>>`, which is the same pointer.
fn owned<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

fn check_event_size(event_size: usize) -> Result<(), Error> {
    if (FIRST_EVENT_SIZE..=ABSURD_EVENT_SIZE).contains(&event_size) {
        return Ok(());
    }
    Err(Error::invalid_argument(format!(
        "event_size is {event_size}: it is sizeof(zeebe_event)"
    )))
}

/// Frees what the first `count` of `events` own, and makes them of type NONE. NULL is allowed.
///
/// `event_size` is `sizeof(zeebe_event)`, as it was for zeebe_completion_queue_next().
#[apply(capi)]
#[unsafe(no_mangle)]
pub extern "C" fn zeebe_events_clear(events: *mut zeebe_event, event_size: usize, count: usize) {
    if events.is_null() || check_event_size(event_size).is_err() {
        return;
    }
    let mut place = events.cast::<u8>();
    for _ in 0..count {
        let mut event = zeebe_event::NONE;
        let known = event_size.min(size_of::<zeebe_event>());
        // SAFETY: `count` elements of `event_size` bytes stand there, by the header, and any bytes make an event.
        unsafe { std::ptr::copy_nonoverlapping(place, (&raw mut event).cast(), known) };
        // SAFETY: as above.
        unsafe { place.write_bytes(0, known) };
        place = place.wrapping_add(event_size);
        // SAFETY: they came from zeebe_completion_queue_next() and were not cleared yet, by the header.
        unsafe { event.clear() };
    }
}

/// Where C has events written.
pub(super) struct Places {
    next: *mut u8,
    event_size: usize,
    left: usize,
}

impl Places {
    /// # Safety
    ///
    /// `capacity` elements of `event_size` bytes are writable at `events`, as long as this lives.
    pub(super) unsafe fn new(
        events: *mut zeebe_event,
        event_size: usize,
        capacity: usize,
    ) -> Result<Self, Error> {
        if events.is_null() || capacity == 0 {
            return Err(Error::invalid_argument(
                "events is NULL, or its capacity is 0",
            ));
        }
        check_event_size(event_size)?;
        Ok(Self {
            next: events.cast(),
            event_size,
            left: capacity,
        })
    }

    /// How many events still fit.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// The events that it stands for: [`Event::count`].
    pub(super) fn write(&mut self, event: Event, block: &mut Block) {
        zeebe_event::each(event, block, |event| self.fill(&event));
    }

    /// As much of the event as C knows of; what it knows and we do not is 0.
    fn fill(&mut self, event: &zeebe_event) {
        assert!(
            self.left > 0,
            "more events were taken than there are places"
        );
        self.left -= 1;
        let known = self.event_size.min(size_of::<zeebe_event>());
        // SAFETY: one place at least is left there, of `event_size` bytes, by the contract of `new`.
        unsafe { std::ptr::copy_nonoverlapping((&raw const *event).cast(), self.next, known) };
        // SAFETY: as above.
        unsafe {
            self.next
                .wrapping_add(known)
                .write_bytes(0, self.event_size - known)
        };
        self.next = self.next.wrapping_add(self.event_size);
    }
}

/// The rest of C's memory for messages. By default there is none.
pub(super) struct Block {
    next: *mut u8,
    left: usize,
}

impl Default for Block {
    fn default() -> Self {
        Self {
            next: null_mut(),
            left: 0,
        }
    }
}

impl Block {
    /// # Safety
    ///
    /// `size` bytes are writable at `memory` and nobody else's, as long as this lives.
    pub(super) unsafe fn new(memory: *mut u8, size: usize) -> Result<Self, Error> {
        if memory.is_null() && size > 0 {
            return Err(Error::invalid_argument("block is NULL"));
        }
        Ok(Self {
            next: memory,
            left: size,
        })
    }

    /// Where a copy of the message is, if there was room for it.
    fn copy(&mut self, message: &[u8]) -> Option<*const u8> {
        if self.next.is_null() || message.len() > self.left {
            return None;
        }
        let copy = self.next;
        // SAFETY: so many bytes are writable there, and nobody else's, by the contract of `new`.
        unsafe { std::ptr::copy_nonoverlapping(message.as_ptr(), copy, message.len()) };
        self.next = self.next.wrapping_add(message.len());
        self.left -= message.len();
        Some(copy)
    }
}
