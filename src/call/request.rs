//! Request: what a call's headers are beyond those of its method, and what of them HPACK may index.

use std::borrow::Cow;

use smallvec::SmallVec;
use tokio::time::Instant;

use super::{AUTHORIZATION, Call, Sent};
use crate::channel::{Exchange, Lease};
use crate::http2::{Field, Indexing};
use crate::runtime::about_now;
use crate::wire::{Encoding, GRPC_TIMEOUT, grpc_timeout};

/// Longer values are not likely to come again.
const SHORT: usize = 256;

/// A bearer token that is long cannot be guessed, and the connection is the program's own; so it may be indexed (RFC 7541
/// section 7.1.3), and costs a byte a call.
const UNGUESSABLE: usize = 32;

/// Sends the call's request, and its first data; `ends`: its only.
pub(super) fn open(
    call: &Call,
    lease: Lease,
    sent: &Sent,
    previous: u32,
    data: &[u8],
    ends: bool,
) -> Result<Exchange, Lease> {
    let timeout = call.deadline.map(|deadline| {
        let now = call.started.max(Instant::from_std(about_now()));
        grpc_timeout(deadline.saturating_duration_since(now))
    });
    let metadata = metadata(call);
    let attempts = (previous > 0).then(|| previous.to_string());
    let mut fields: SmallVec<[Field<'_>; 8]> = SmallVec::new();
    let mut add = |name, value, indexing| {
        fields.push(Field {
            name,
            value,
            indexing,
        })
    };
    if let Some(timeout) = &timeout {
        add(GRPC_TIMEOUT.as_bytes(), timeout.as_bytes(), Indexing::Index);
    }
    if call.encoding == Encoding::Gzip {
        add(b"grpc-encoding", b"gzip", Indexing::Index);
    }
    if let Some(authorization) = sent.authorization() {
        let is_token = authorization.starts_with(b"Bearer ") && authorization.len() >= UNGUESSABLE;
        let indexing = match is_token {
            true => Indexing::Index,
            false => Indexing::Never,
        };
        add(AUTHORIZATION.as_bytes(), authorization, indexing);
    }
    for (key, value) in &metadata {
        let indexing = match value.len() <= SHORT {
            true => Indexing::Index,
            false => Indexing::Once,
        };
        add(key.as_bytes(), value, indexing);
    }
    if let Some(attempts) = &attempts {
        let name = b"grpc-previous-rpc-attempts";
        add(name, attempts.as_bytes(), Indexing::Once);
    }
    Exchange::open(lease, &call.head, &fields, data, ends)
}

type Pairs<'a> = SmallVec<[(&'a str, Cow<'a, [u8]>); 4]>;

/// The channel's, of which those keys are left out that the call has, too, and the call's.
fn metadata(call: &Call) -> Pairs<'_> {
    let defaults = &call.channel.defaults().metadata;
    if defaults.is_empty() && call.metadata.is_empty() {
        return SmallVec::new(); // as most calls have it
    }
    let defaults = defaults.fields().filter(|(key, _)| !call.metadata.has(key));
    defaults
        .chain(call.metadata.fields())
        .filter(|(key, _)| *key != AUTHORIZATION)
        .collect()
}
