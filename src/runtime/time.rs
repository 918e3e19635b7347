//! Time: pauses and time-outs, by the alarms of the I/O thread that waits; in unit tests without one by tokio's clock, which they set.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::here::Alarm;

/// Longer than anything that is waited for: 30 years.
const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);

/// Ready at a time, or a few milliseconds later.
#[derive(Debug)]
pub(crate) struct Sleep {
    until: Instant,
    timer: Option<Timer>,
}

#[derive(Debug)]
enum Timer {
    Alarm(Alarm),
    #[cfg(test)]
    Tokio(Pin<Box<tokio::time::Sleep>>),
}

/// Ready once `duration` has passed.
pub(crate) fn sleep(duration: Duration) -> Sleep {
    let now = Instant::now();
    sleep_until(now.checked_add(duration).unwrap_or(now + FAR))
}

/// Ready from `until` on.
pub(crate) fn sleep_until(until: Instant) -> Sleep {
    Sleep { until, timer: None }
}

impl Sleep {
    /// To another time.
    pub(crate) fn reset(&mut self, until: Instant) {
        *self = sleep_until(until);
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.timer {
            #[cfg(test)]
            Some(Timer::Tokio(timer)) => return timer.as_mut().poll(context),
            Some(Timer::Alarm(alarm)) if alarm.is_set_for(context.waker()) => {
                return Poll::Pending;
            }
            _ => {}
        }
        #[cfg(test)]
        if super::here::current_io_thread().is_none() {
            let timer = Box::pin(tokio::time::sleep_until(self.until));
            self.timer = Some(Timer::Tokio(timer));
            return self.poll(context);
        }
        if Instant::now() >= self.until {
            return Poll::Ready(());
        }
        let alarm = Alarm::set(self.until.into_std(), context.waker());
        self.timer = Some(Timer::Alarm(alarm));
        Poll::Pending
    }
}

/// Lets the other tasks of this thread that are ready go on first.
pub(crate) async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|context| match std::mem::replace(&mut has_yielded, true) {
        true => Poll::Ready(()),
        false => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

/// It was not ready in time.
#[derive(Debug)]
pub(crate) struct Elapsed;

/// The result of `work`, unless that takes longer.
pub(crate) async fn timeout<T>(
    limit: Duration,
    work: impl Future<Output = T>,
) -> Result<T, Elapsed> {
    tokio::select! {
        biased;
        done = work => Ok(done),
        () = sleep(limit) => Err(Elapsed),
    }
}
