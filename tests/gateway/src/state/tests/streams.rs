//! Job streams.

use super::*;

#[test]
fn streams_come_before_polls() {
    let mut state = deployed(1);
    let number = state.open_stream(&stream("pay")).expect("a stream");
    create(state.at(0), "{}");
    assert!(activate(state.at(0), "pay").is_empty());
    let job = state.next_streamed(number).expect("a job");
    assert_eq!((job.worker.as_str(), job.deadline), ("s", 1000));
    assert_eq!(state.next_streamed(number), None);
    complete(&mut state, job.key, "").expect("a completion");
}

#[test]
fn jobs_are_spread_over_the_streams() {
    let mut state = deployed(1);
    let numbers = [1, 2].map(|_| state.open_stream(&stream("pay")).expect("a stream"));
    for _ in 0..4 {
        create(&mut state, "{}");
        state.at(0);
    }
    for number in numbers {
        assert!(state.next_streamed(number).is_some());
        assert!(state.next_streamed(number).is_some());
        assert_eq!(state.next_streamed(number), None);
    }
}

#[test]
fn what_a_closed_stream_did_not_deliver_is_free_again() {
    let mut state = deployed(1);
    let number = state.open_stream(&stream("pay")).expect("a stream");
    create(&mut state, "{}");
    create(&mut state, "{}");
    let delivered = state.at(0).next_streamed(number).expect("a job").key;
    state.close_stream(number);
    let jobs = activate(&mut state, "pay");
    assert_eq!(jobs.len(), 1);
    assert_ne!(jobs[0].key, delivered);
}

#[test]
fn a_stream_does_not_deliver_what_timed_out_in_it() {
    let mut state = deployed(1);
    let number = state.open_stream(&stream("pay")).expect("a stream");
    create(&mut state, "{}");
    state.at(0);
    let job = state
        .at(1000)
        .next_streamed(number)
        .expect("the job, offered anew");
    assert_eq!(job.deadline, 2000);
    assert_eq!(state.next_streamed(number), None);
}

#[test]
fn a_stream_that_is_not_read_leaves_jobs_to_others() {
    let mut state = deployed(1);
    state.open_stream(&stream("pay")).expect("a stream");
    for _ in 0..40 {
        create(&mut state, "{}");
    }
    assert_eq!(activate(state.at(0), "pay").len(), 8);
}

#[test]
fn a_stream_needs_a_type_and_a_timeout() {
    let mut state = deployed(1);
    for request in [
        stream(" "),
        StreamActivatedJobsRequest {
            timeout: 0,
            ..stream("pay")
        },
    ] {
        assert!(matches!(
            state.open_stream(&request),
            Err(Rejection::InvalidArgument(_))
        ));
    }
}

#[test]
fn muted_streams_leave_jobs_to_polls_until_they_speak_again() {
    let mut state = deployed(1);
    let number = state.open_stream(&stream("pay")).expect("a stream");
    create(&mut state, "{}");
    state.at(0).mute_streams(true);
    create(&mut state, "{}");
    assert_eq!(state.at(0).next_streamed(number), None);
    assert_eq!(activate(&mut state, "pay").len(), 2);
    create(&mut state, "{}");
    state.mute_streams(false);
    assert!(state.next_streamed(number).is_some());
}

fn woken(state: &mut State) -> Vec<Waiter> {
    state.at(0);
    state.woken().collect()
}

#[test]
fn only_who_can_have_something_is_woken() {
    let mut state = deployed(1);
    let other = state.open_stream(&stream("ship")).expect("a stream");
    let [first, second] = [1, 2].map(|_| state.open_poll(&ask("pay", 1)).expect("a poll"));
    assert_eq!(woken(&mut state), []);
    create(&mut state, "{}");
    create(&mut state, "{}");
    assert_eq!(woken(&mut state), [Waiter::Poll(first)]);
    // It takes one job, and leaves the other to the next.
    assert_eq!(
        state.activate_jobs(&ask("pay", 1)).map(|all| all.len()),
        Ok(1)
    );
    state.forget(Waiter::Poll(first));
    assert_eq!(woken(&mut state), [Waiter::Poll(second)]);
    // It is gone before it has taken the job, which a stream gets.
    state.forget(Waiter::Poll(second));
    assert_eq!(woken(&mut state), []);
    let number = state.open_stream(&stream("pay")).expect("a stream");
    assert_eq!(woken(&mut state), [Waiter::Stream(number)]);
    state.forget(Waiter::Stream(number));
    state.forget(Waiter::Stream(other));
    assert_eq!(activate(&mut state, "pay").len(), 1);
}

#[test]
fn a_full_stream_gets_more_when_it_has_room_again() {
    let mut state = deployed(1);
    let number = state.open_stream(&stream("pay")).expect("a stream");
    for _ in 0..40 {
        create(&mut state, "{}");
    }
    let streamed = std::iter::from_fn(|| state.at(0).next_streamed(number));
    assert_eq!(streamed.count(), 40);
}
