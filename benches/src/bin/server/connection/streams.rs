//! The calls of a connection: which were asked for, and how far each is answered.

use std::collections::{HashMap, VecDeque};

use super::frame;
use crate::answer::Answer;

pub(crate) struct Streams<'a> {
    answer: &'a Answer,
    /// May be negative, like a stream's: RFC 9113, section 6.9.2.
    window: i64,
    initial_window: i64,
    open: HashMap<u32, Stream<'a>>,
    /// Those that wait until they are enough.
    waiting: Vec<u32>,
    /// Those to be answered, in order. One that was reset since is not in `open`.
    asked: VecDeque<u32>,
}

struct Stream<'a> {
    answer: &'a Answer,
    window: i64,
    /// Frames of DATA sent; `None`: nothing was sent.
    sent: Option<u32>,
}

impl<'a> Streams<'a> {
    pub(crate) fn new(answer: &'a Answer) -> Self {
        Self {
            answer,
            window: 65_535,
            initial_window: 65_535,
            open: HashMap::new(),
            waiting: Vec::new(),
            asked: VecDeque::new(),
        }
    }

    pub(crate) fn open(&mut self, id: u32) {
        let stream = Stream {
            answer: self.answer,
            window: self.initial_window,
            sent: None,
        };
        self.open.insert(id, stream);
    }

    /// The beginning of a request's body.
    pub(crate) fn says(&mut self, id: u32, body: &[u8]) {
        if let Some(stream) = self.open.get_mut(&id) {
            stream.answer = self.answer.to(body);
        }
    }

    pub(crate) fn asks(&mut self, id: u32) {
        self.waiting.push(id);
        if self.waiting.len() >= self.answer.at_once {
            self.asked.extend(self.waiting.drain(..));
        }
    }

    pub(crate) fn reset(&mut self, id: u32) {
        self.open.remove(&id);
    }

    pub(crate) fn set_initial_window(&mut self, size: u32) {
        let size = i64::from(size);
        for stream in self.open.values_mut() {
            stream.window += size - self.initial_window;
        }
        self.initial_window = size;
    }

    /// A WINDOW_UPDATE; stream 0 is the connection.
    pub(crate) fn widen(&mut self, id: u32, increment: u32) {
        if id == 0 {
            self.window += i64::from(increment);
        } else if let Some(stream) = self.open.get_mut(&id) {
            stream.window += i64::from(increment);
        }
    }

    /// Writes what the windows allow. `true`: there is more that they allow.
    pub(crate) fn answer(&mut self, output: &mut Vec<u8>) -> bool {
        for _ in 0..self.asked.len() {
            if output.len() >= self.answer.write_size {
                return true;
            }
            let Some(&id) = self.asked.front() else {
                break;
            };
            let stream = self.open.get_mut(&id);
            if stream
                .as_ref()
                .is_some_and(|stream| self.window < stream.answer.data_size())
            {
                return false;
            }
            self.asked.pop_front();
            let Some(stream) = stream else {
                continue;
            };
            if stream.answer(id, &mut self.window, output) {
                self.open.remove(&id);
            } else {
                self.asked.push_back(id);
            }
        }
        output.len() >= self.answer.write_size
    }
}

impl Stream<'_> {
    /// `true`: all is written.
    fn answer(&mut self, id: u32, window: &mut i64, output: &mut Vec<u8>) -> bool {
        let answer = self.answer;
        let size = answer.data_size();
        let mut sent = self.sent.unwrap_or_else(|| {
            frame::append(output, &answer.head, id);
            0
        });
        while sent < answer.count
            && size <= *window
            && size <= self.window
            && output.len() < answer.write_size
        {
            frame::append(output, &answer.data, id);
            *window -= size;
            self.window -= size;
            sent += 1;
        }
        self.sent = Some(sent);
        if sent == answer.count {
            frame::append(output, &answer.trailers, id);
        }
        sent == answer.count
    }
}
