//! Settings of the peer (RFC 9113, section 6.5).

use super::code::{Code, ConnectionError};
use super::frame::{LARGEST_MAX_SIZE, LEAST_MAX_SIZE};
use super::window;

pub(super) mod id {
    pub(crate) const HEADER_TABLE_SIZE: u16 = 1;
    pub(crate) const ENABLE_PUSH: u16 = 2;
    pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 3;
    pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;
    pub(crate) const MAX_FRAME_SIZE: u16 = 5;
    pub(crate) const MAX_HEADER_LIST_SIZE: u16 = 6;
}

/// Streams that may be open before the peer's first SETTINGS, which may say that it allows fewer.
const STREAMS_UNTIL_SETTINGS: u32 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `u32::MAX` where the peer names no limit.
    pub max_concurrent_streams: u32,
    /// Of a stream's window.
    pub initial_window_size: u32,
    pub max_frame_size: u32,
    /// What the peer says it takes of a request's fields; advice.
    pub max_header_list_size: u32,
}

impl Settings {
    pub(super) fn initial() -> Self {
        Self {
            max_concurrent_streams: STREAMS_UNTIL_SETTINGS,
            initial_window_size: window::INITIAL,
            max_frame_size: LEAST_MAX_SIZE as u32,
            max_header_list_size: u32::MAX,
        }
    }

    /// One by one, in their order; `header_table_size` is told each that comes.
    pub(super) fn read(
        &mut self,
        payload: &[u8],
        mut header_table_size: impl FnMut(u32),
    ) -> Result<(), ConnectionError> {
        for setting in payload.chunks_exact(6) {
            let &[a, b, c, d, e, f] = setting else {
                continue;
            };
            let value = u32::from_be_bytes([c, d, e, f]);
            match u16::from_be_bytes([a, b]) {
                id::HEADER_TABLE_SIZE => header_table_size(value),
                id::ENABLE_PUSH if value != 0 => {
                    return Err(ConnectionError::protocol(
                        "a server cannot have SETTINGS_ENABLE_PUSH",
                    ));
                }
                id::MAX_CONCURRENT_STREAMS => self.max_concurrent_streams = value,
                id::INITIAL_WINDOW_SIZE if value > window::LARGEST => {
                    let why = "SETTINGS_INITIAL_WINDOW_SIZE is larger than a window may be";
                    return Err(ConnectionError::new(Code::FLOW_CONTROL_ERROR, why));
                }
                id::INITIAL_WINDOW_SIZE => self.initial_window_size = value,
                id::MAX_FRAME_SIZE
                    if !(LEAST_MAX_SIZE as u32..=LARGEST_MAX_SIZE).contains(&value) =>
                {
                    return Err(ConnectionError::protocol(
                        "SETTINGS_MAX_FRAME_SIZE is none that may be",
                    ));
                }
                id::MAX_FRAME_SIZE => self.max_frame_size = value,
                id::MAX_HEADER_LIST_SIZE => self.max_header_list_size = value,
                _ => {} // section 6.5.2: unknown ones are ignored
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(u16, u32)]) -> Result<(Settings, Vec<u32>), Code> {
        let mut payload = Vec::new();
        for (id, value) in settings {
            payload.extend(id.to_be_bytes());
            payload.extend(value.to_be_bytes());
        }
        let (mut read, mut sizes) = (Settings::initial(), Vec::new());
        read.read(&payload, |size| sizes.push(size))
            .map_err(|error| error.code)?;
        Ok((read, sizes))
    }

    #[test]
    fn section_6_5_3_values_are_taken_in_their_order() {
        let (settings, sizes) = read(&[
            (1, 0),
            (3, 7),
            (1, 100),
            (3, 8),
            (4, 1 << 20),
            (5, 20_000),
            (6, 9),
        ])
        .unwrap();
        assert_eq!(sizes, [0, 100]);
        let expected = Settings {
            max_concurrent_streams: 8,
            initial_window_size: 1 << 20,
            max_frame_size: 20_000,
            max_header_list_size: 9,
        };
        assert_eq!(settings, expected);
    }

    #[test]
    fn section_6_5_2_each_value_at_its_bounds() {
        for (id, value, outcome) in [
            (2, 0, Ok(())),
            (2, 1, Err(Code::PROTOCOL_ERROR)),
            (2, 2, Err(Code::PROTOCOL_ERROR)),
            (3, 0, Ok(())),
            (4, 0, Ok(())),
            (4, 0x7fff_ffff, Ok(())),
            (4, 0x8000_0000, Err(Code::FLOW_CONTROL_ERROR)),
            (5, 16_383, Err(Code::PROTOCOL_ERROR)),
            (5, 16_384, Ok(())),
            (5, 16_777_215, Ok(())),
            (5, 16_777_216, Err(Code::PROTOCOL_ERROR)),
            (6, 0, Ok(())),
            (0, 1, Ok(())),
            (7, 1, Ok(())),
            (8, 1, Ok(())), // RFC 8441, which nobody asked for
            (0xffff, u32::MAX, Ok(())),
        ] {
            assert_eq!(read(&[(id, value)]).map(drop), outcome, "{id} = {value}");
        }
    }
}
