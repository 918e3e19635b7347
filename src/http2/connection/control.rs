//! What is not an answer's own: RST_STREAM, WINDOW_UPDATE, PRIORITY of streams; SETTINGS, PING, GOAWAY of the connection
//! (RFC 9113, sections 6.3 to 6.9).

use super::answer::{After, malformed};
use super::receive::Outcome;
use super::{Connection, Expected, GoAway};
use crate::http2::code::{Code, ConnectionError};
use crate::http2::frame::{self, Header, flag, kind};
use crate::http2::sink::{End, Sink};
use crate::http2::window;

/// Of a GOAWAY's debug data, what is kept.
const DEBUG_DATA: usize = 1024;

impl<T> Connection<T> {
    pub(super) fn rst_stream<S: Sink<T>>(
        &mut self,
        header: Header,
        payload: &[u8],
        sink: &mut S,
    ) -> Outcome {
        let code = frame::number(payload)
            .ok_or(ConnectionError::frame_size("RST_STREAM is not of 4 bytes"))?;
        if self.is_idle(header.stream) {
            return Err(ConnectionError::protocol(
                "RST_STREAM of no stream that is open",
            ));
        }
        match self.streams.find(header.stream) {
            Some(key) => self.end(key, End::Reset(Code(code)), sink),
            None => self
                .credit
                .spend_late(1, "too many RST_STREAM frames of closed streams")?,
        }
        Ok(())
    }

    pub(super) fn window_update<S: Sink<T>>(
        &mut self,
        header: Header,
        payload: &[u8],
        sink: &mut S,
    ) -> Outcome {
        let increment = frame::number(payload).ok_or(ConnectionError::frame_size(
            "WINDOW_UPDATE is not of 4 bytes",
        ))?;
        let increment = i64::from(increment & window::LARGEST);
        self.credit.spend(1, "too many WINDOW_UPDATE frames")?;
        if header.stream == 0 {
            if increment == 0 {
                return Err(ConnectionError::protocol("WINDOW_UPDATE of nothing"));
            }
            let grown = self.send.change(increment);
            return grown.map_err(|_| {
                let why = "WINDOW_UPDATE makes the connection's window larger than it may be";
                ConnectionError::new(Code::FLOW_CONTROL_ERROR, why)
            });
        }
        if self.is_idle(header.stream) {
            return Err(ConnectionError::protocol(
                "WINDOW_UPDATE of no stream that is open",
            ));
        }
        let Some(key) = self.streams.find(header.stream) else {
            return Ok(());
        };
        let Some(stream) = self.streams.get_mut(key) else {
            return Ok(());
        };
        if increment == 0 {
            self.finish(key, malformed("WINDOW_UPDATE of nothing"), sink);
        } else if stream.send.change(increment).is_err() {
            let why = "WINDOW_UPDATE makes a stream's window larger than it may be";
            self.finish(key, After::Fault(Code::FLOW_CONTROL_ERROR, why), sink);
        } else {
            stream.wait_in(&mut self.line, key);
        }
        Ok(())
    }

    pub(super) fn settings<S: Sink<T>>(
        &mut self,
        header: Header,
        payload: &[u8],
        sink: &mut S,
    ) -> Outcome {
        if header.stream != 0 {
            return Err(ConnectionError::protocol("SETTINGS of a stream"));
        }
        if header.has(flag::ACK) {
            if !payload.is_empty() {
                return Err(ConnectionError::frame_size(
                    "an acknowledgement of SETTINGS has a payload",
                ));
            }
            self.slack = 0;
            return self.credit.spend(1, "too many SETTINGS frames");
        }
        if !payload.len().is_multiple_of(6) {
            return Err(ConnectionError::frame_size(
                "SETTINGS are not of 6 bytes each",
            ));
        }
        if self.expected == Expected::Settings {
            self.expected = Expected::Any;
            self.peer.max_concurrent_streams = u32::MAX;
        }
        self.credit.spend(10, "too many SETTINGS frames")?;
        let window = i64::from(self.peer.initial_window_size);
        self.peer.read(payload, |size| self.encoder.resize(size))?;
        let change = i64::from(self.peer.initial_window_size) - window;
        if change != 0 {
            self.change_windows(change)?;
        }
        self.owed.more(self.output.len())?;
        frame::write(self.output.tail(), kind::SETTINGS, flag::ACK, 0, 0);
        sink.settings(&self.peer);
        Ok(())
    }

    /// Of all streams (section 6.9.2).
    pub(super) fn change_windows(&mut self, by: i64) -> Outcome {
        self.credit
            .spend(self.streams.len() / 16, "too many SETTINGS frames")?;
        for (key, stream) in self.streams.iter_mut() {
            stream.send.change(by).map_err(|_| {
                let why = "SETTINGS_INITIAL_WINDOW_SIZE makes a window larger than it may be";
                ConnectionError::new(Code::FLOW_CONTROL_ERROR, why)
            })?;
            if stream.send.available() > 0 {
                stream.wait_in(&mut self.line, key);
            }
        }
        Ok(())
    }

    pub(super) fn pinged<S: Sink<T>>(
        &mut self,
        header: Header,
        payload: &[u8],
        sink: &mut S,
    ) -> Outcome {
        if header.stream != 0 {
            return Err(ConnectionError::protocol("PING of a stream"));
        }
        let payload = <[u8; 8]>::try_from(payload)
            .map_err(|_| ConnectionError::frame_size("PING is not of 8 bytes"))?;
        self.credit.spend(1, "too many PING frames")?;
        if header.has(flag::ACK) {
            sink.pong(payload);
            return Ok(());
        }
        self.owed.more(self.output.len())?;
        frame::write_ping(self.output.tail(), flag::ACK, payload);
        Ok(())
    }

    pub(super) fn go_away<S: Sink<T>>(
        &mut self,
        header: Header,
        payload: &[u8],
        sink: &mut S,
    ) -> Outcome {
        if header.stream != 0 {
            return Err(ConnectionError::protocol("GOAWAY of a stream"));
        }
        let Some((&[a, b, c, d, e, f, g, h], debug_data)) = payload.split_first_chunk::<8>() else {
            return Err(ConnectionError::frame_size(
                "GOAWAY is shorter than 8 bytes",
            ));
        };
        self.credit.spend(10, "too many GOAWAY frames")?;
        let last_stream = u32::from_be_bytes([a, b, c, d]) & window::LARGEST;
        let goaway = self.goaway.insert(GoAway {
            last_stream,
            code: Code(u32::from_be_bytes([e, f, g, h])),
            debug_data: debug_data[..debug_data.len().min(DEBUG_DATA)].to_vec(),
        });
        sink.goaway(goaway);
        for key in self.streams.keys() {
            if key.id > last_stream {
                self.end(key, End::Unprocessed, sink);
            }
        }
        Ok(())
    }

    /// Says nothing any more (section 5.3.2), but has a length.
    pub(super) fn priority<S: Sink<T>>(&mut self, header: Header, sink: &mut S) -> Outcome {
        if header.stream == 0 {
            return Err(ConnectionError::protocol("PRIORITY of no stream"));
        }
        self.credit.spend(1, "too many PRIORITY frames")?;
        if header.length != 5
            && let Some(key) = self.streams.find(header.stream)
        {
            self.finish(
                key,
                After::Fault(Code::FRAME_SIZE_ERROR, "PRIORITY is not of 5 bytes"),
                sink,
            );
        }
        Ok(())
    }
}
