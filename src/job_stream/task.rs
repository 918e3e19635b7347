//! A future that may be polled after its end, which it then tells again: several places of the driver poll the same ones.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// `None`: it has ended, and nothing of it is left.
pub(super) struct Task(Option<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Task {
    pub(super) fn new(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Some(Box::pin(future)))
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(future) = &mut self.0 {
            ready!(future.as_mut().poll(context));
            self.0 = None;
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    #[test]
    fn an_end_is_told_as_often_as_it_is_asked_for() {
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut task = Task::new(ready(()));
        for _ in 0..3 {
            assert!(task.poll(&mut context).is_ready());
        }
    }
}
