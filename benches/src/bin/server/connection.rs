//! One HTTP/2 connection (RFC 9113): frames are read in bulk, and what one read asks for is answered
//! in one write. Flow control of the client is kept; its header blocks are skipped.

pub(crate) mod frame;
mod streams;

use std::future::ready;
use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::answer::Answer;
use frame::Frame;
use streams::Streams;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const READ_SIZE: usize = 64 * 1024;
/// Of the connection's window of 64 KiB, what is taken before it is given back.
const WINDOW_UPDATE_FROM: u32 = 16 * 1024;

pub(crate) async fn serve<S>(mut stream: S, answer: &Answer) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut input = BytesMut::new();
    while input.len() < PREFACE.len() {
        if stream.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
    }
    if !input.starts_with(PREFACE) {
        return Err(io::Error::other("a client does not speak HTTP/2"));
    }
    input.advance(PREFACE.len());

    let mut connection = Connection {
        streams: Streams::new(answer),
        received: 0,
        output: frame::encode(frame::SETTINGS, 0, &[]),
        awaits_pong: false,
    };
    loop {
        connection.take(&mut input)?;
        let more = connection.answer(answer.is_in_lockstep);
        if !connection.output.is_empty() {
            stream.write_all(&connection.output).await?;
            stream.flush().await?;
            connection.output.clear();
        }
        input.reserve(READ_SIZE);
        tokio::select! {
            biased;
            read = stream.read_buf(&mut input) => if read? == 0 {
                return Ok(());
            },
            () = ready(()), if more => {}
        }
    }
}

struct Connection<'a> {
    streams: Streams<'a>,
    /// Bytes of DATA not yet given back to the connection's window.
    received: u32,
    output: Vec<u8>,
    /// The client has not yet said that it read the last step of an answer.
    awaits_pong: bool,
}

impl Connection<'_> {
    /// Writes what may be written now. `true`: there is more, without a word of the client's.
    fn answer(&mut self, in_lockstep: bool) -> bool {
        if self.awaits_pong {
            return false;
        }
        let more = self.streams.answer(&mut self.output);
        if more && in_lockstep {
            let ping = frame::encode(frame::PING, 0, &[0; 8]);
            self.output.extend(ping);
            self.awaits_pong = true;
        }
        more && !in_lockstep
    }

    /// Takes the frames that are complete.
    fn take(&mut self, input: &mut BytesMut) -> io::Result<()> {
        let mut rest = &input[..];
        while let Some((frame, after)) = Frame::split(rest) {
            self.take_one(&frame)?;
            rest = after;
        }
        let taken = input.len() - rest.len();
        input.advance(taken);
        if self.received >= WINDOW_UPDATE_FROM {
            let increment = self.received.to_be_bytes();
            let update = frame::encode(frame::WINDOW_UPDATE, 0, &increment);
            self.output.extend(update);
            self.received = 0;
        }
        Ok(())
    }

    fn take_one(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        match frame.kind {
            frame::HEADERS => {
                self.streams.open(frame.stream);
                if frame.has(frame::END_STREAM) {
                    self.streams.asks(frame.stream);
                }
            }
            frame::DATA => {
                self.received += frame.payload.len() as u32;
                if !frame.payload.is_empty() {
                    self.streams.says(frame.stream, frame.payload);
                }
                if frame.has(frame::END_STREAM) {
                    self.streams.asks(frame.stream);
                }
            }
            frame::RST_STREAM => self.streams.reset(frame.stream),
            frame::SETTINGS if !frame.has(frame::ACK) => {
                for (setting, value) in frame.settings() {
                    if setting == frame::INITIAL_WINDOW_SIZE {
                        self.streams.set_initial_window(value);
                    }
                }
                let ack = frame::encode(frame::SETTINGS, frame::ACK, &[]);
                self.output.extend(ack);
            }
            frame::PING if !frame.has(frame::ACK) => {
                let ack = frame::encode(frame::PING, frame::ACK, frame.payload);
                self.output.extend(ack);
            }
            frame::PING => self.awaits_pong = false,
            frame::WINDOW_UPDATE => {
                let increment = frame
                    .number()
                    .ok_or_else(|| io::Error::other("a WINDOW_UPDATE has no 4 bytes"))?;
                self.streams.widen(frame.stream, increment);
            }
            _ => {} // CONTINUATION, PRIORITY, GOAWAY and what is unknown ask for nothing
        }
        Ok(())
    }
}
