//! The same bytes of a server to the library's HTTP/2 connection and to those of others: 10 000 conversations, most of them
//! with a fault. Where they differ is listed, and why.

use zeebe::http2;

#[path = "http2/frames.rs"]
mod frames;
#[path = "http2/generator.rs"]
mod generator;
#[path = "http2/h2.rs"]
mod h2;
#[path = "http2/heard.rs"]
mod heard;
#[path = "http2/nghttp2.rs"]
mod nghttp2;
