use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A watch with a clock: a watchdog of 60 s, a poll each 10 s, no jitter, back-off without its jitter.
struct Scene {
    watch: Watch,
    now: Instant,
    room: usize,
    /// What was reported: how many in a row, seconds to the next try, and why.
    reports: Vec<(u32, f64, String)>,
    /// Of those, how many are nothing to warn of.
    usual: usize,
}

impl Scene {
    fn new() -> Self {
        Self::polling(Polling::default())
    }

    fn polling(polling: Polling) -> Self {
        let now = Instant::now();
        Self {
            watch: Watch::new(60 * SECOND, None, 10 * SECOND, polling, now),
            now,
            room: 32,
            reports: Vec::new(),
            usual: 0,
        }
    }

    /// One whose first stream is on the wire and whose first poll found nothing.
    fn opened() -> Self {
        let mut scene = Self::new();
        assert_eq!(scene.actions(), ["Open(1)"]);
        scene.note(Event::Opened(1));
        assert_eq!(scene.actions(), ["Poll { max: 16, patience: None }"]);
        scene.poll_ends(0);
        scene
    }

    fn note(&mut self, event: Event) {
        self.watch.note(event, self.now, 0.5);
    }

    fn poll_ends(&mut self, found: usize) {
        self.note(Event::PollEnded { found, error: None });
    }

    fn poll_fails(&mut self, error: Error) {
        self.note(Event::PollEnded {
            found: 0,
            error: Some(error),
        });
    }

    fn actions(&mut self) -> Vec<String> {
        let mut actions = Vec::new();
        while let Some(action) = self.watch.next(self.room, self.now) {
            if let Action::Report(failure) = action {
                let why = failure.error.message().to_owned();
                let pause = failure.pause.as_secs_f64();
                self.reports.push((failure.in_a_row, pause, why));
                self.usual += usize::from(failure.is_usual);
                continue;
            }
            let last = matches!(action, Action::End(_));
            actions.push(format!("{action:?}"));
            if last {
                break;
            }
        }
        actions
    }

    /// Sleeps until the watch wants to be asked, and says how long that was and what it then does.
    fn wait(&mut self) -> (f64, Vec<String>) {
        let due = self.watch.due(self.room).unwrap();
        let slept = due.saturating_duration_since(self.now);
        self.now += slept;
        (slept.as_secs_f64(), self.actions())
    }
}

fn of_gateway(code: Code) -> Error {
    Error::rpc(Source::Gateway, code, "so it is")
}

fn did(seconds: f64, actions: &[&str]) -> (f64, Vec<String>) {
    let actions = actions.iter().map(|action| (*action).to_owned());
    (seconds, actions.collect())
}

const POLL: &str = "Poll { max: 16, patience: None }";

#[test]
fn polls_run_beside_the_stream_and_at_once_while_they_find_jobs() {
    let mut scene = Scene::opened();
    assert_eq!(scene.wait(), did(10.0, &[POLL]));
    scene.poll_ends(32);
    assert_eq!(scene.actions(), [POLL]);
    scene.poll_ends(0);
    assert_eq!(scene.wait(), did(10.0, &[POLL]));
    scene.poll_fails(of_gateway(Code::ResourceExhausted).retryable(true));
    assert_eq!(scene.wait(), did(10.0, &[POLL]));
}

#[test]
fn a_lost_stream_is_opened_again_after_growing_pauses() {
    let mut scene = Scene::opened();
    let mut pauses = Vec::new();
    for id in 1..6 {
        scene.note(Event::Ended(id, Err(Error::unavailable("gone"))));
        let before = scene.now;
        while scene.wait().1 != [format!("Open({})", id + 1)] {}
        pauses.push((scene.now - before).as_secs_f64());
    }
    assert_eq!(pauses[..3], [0.25, 0.4, 0.64]);
    scene.note(Event::Opened(6));
    scene.note(Event::Heard(6));
    scene.note(Event::Ended(6, Ok(())));
    scene.room = 0; // no polls here
    assert_eq!(scene.wait(), did(0.25, &["Open(7)"]));
}

#[test]
fn a_silent_stream_is_replaced_before_it_is_cancelled() {
    let mut scene = Scene::opened();
    scene.now += 59 * SECOND;
    scene.note(Event::Heard(1));
    assert_eq!(scene.actions(), [POLL]);
    scene.now += 59 * SECOND;
    assert!(scene.actions().is_empty());
    assert_eq!(scene.wait(), did(1.0, &["Open(2)"]));
    scene.note(Event::Opened(2));
    scene.note(Event::Heard(1)); // it may still bring jobs
    assert_eq!(scene.wait(), did(1.0, &["Cancel(1)"]));
    scene.note(Event::Ended(1, Err(Error::cancelled("so it was"))));
    assert_eq!(scene.wait(), did(59.0, &["Open(3)"]));
}

#[test]
fn silence_counts_from_when_there_is_room_again() {
    let mut scene = Scene::opened();
    scene.room = 0;
    assert!(scene.actions().is_empty());
    assert!(scene.watch.due(0).is_none());
    scene.now += 600 * SECOND;
    scene.room = 5;
    assert_eq!(scene.actions(), ["Poll { max: 3, patience: None }"]);
    assert_eq!(scene.wait(), did(60.0, &["Open(2)"]));
}

#[test]
fn a_stream_that_is_not_yet_on_the_wire_is_waited_for() {
    let mut scene = Scene::new();
    assert_eq!(scene.actions(), ["Open(1)"]);
    for _ in 0..30 {
        assert_eq!(scene.wait(), did(10.0, &[POLL]));
        scene.poll_fails(Error::unavailable("no gateway"));
    }
}

#[test]
fn a_gateway_without_streams_is_polled_alone() {
    let mut scene = Scene::opened();
    scene.note(Event::Ended(1, Err(of_gateway(Code::Unimplemented))));
    let patient = "Poll { max: 32, patience: Some(10s) }";
    assert_eq!(scene.actions(), [patient]);
    scene.now += 3 * SECOND;
    scene.poll_ends(1);
    assert_eq!(scene.actions(), [patient]);
    scene.poll_ends(0);
    assert_eq!(scene.wait(), did(10.0, &[patient]));
    scene.poll_fails(of_gateway(Code::Unimplemented));
    assert_eq!(scene.actions().len(), 1);
    assert!(scene.actions()[0].starts_with("End(Err(Rpc (Unimplemented)"));

    let mut scene = Scene::opened();
    assert_eq!(scene.wait(), did(10.0, &[POLL]));
    scene.note(Event::Ended(1, Err(of_gateway(Code::Unimplemented))));
    scene.poll_ends(0); // it was not held: a long poll follows
    assert_eq!(scene.actions(), [patient]);
}

/// What answered may have been a proxy, or the last gateway of an older version.
#[test]
fn a_gateway_without_streams_is_asked_for_one_again_now_and_then() {
    let patient = "Poll { max: 32, patience: Some(10s) }";
    let mut scene = Scene::opened();
    for id in 1..4 {
        scene.note(Event::Ended(id, Err(of_gateway(Code::Unimplemented))));
        assert_eq!(scene.actions(), [patient]); // which the gateway holds
        let opened = format!("Open({})", id + 1);
        assert_eq!(scene.wait(), did(300.0, &[&opened]));
        scene.poll_ends(0);
    }
    scene.note(Event::Opened(4));
    assert_eq!(scene.actions(), [POLL]);
    scene.poll_ends(0);
    assert_eq!(scene.wait(), did(10.0, &[POLL]));
    // One that the program does not want is never asked for.
    let mut scene = Scene::polling(Polling {
        alone: true,
        ..Polling::default()
    });
    assert_eq!(scene.actions(), [patient]);
    assert_eq!(scene.watch.due(scene.room), None);
}

#[test]
fn what_cannot_pass_ends_it_after_all_calls_have() {
    for code in [
        Code::InvalidArgument,
        Code::NotFound,
        Code::PermissionDenied,
        Code::Unauthenticated,
    ] {
        let mut scene = Scene::opened();
        assert_eq!(scene.wait(), did(10.0, &[POLL]));
        scene.note(Event::Ended(1, Err(of_gateway(code))));
        assert!(scene.actions().is_empty()); // the poll's jobs may be on their way
        scene.poll_ends(3);
        let actions = scene.actions();
        assert!(actions[0].contains(&format!("{code:?}")), "{actions:?}");
    }
    for code in [
        Code::Internal,
        Code::Unknown,
        Code::Aborted,
        Code::Cancelled,
    ] {
        let mut scene = Scene::opened();
        scene.note(Event::Ended(1, Err(of_gateway(code))));
        assert_eq!(scene.wait(), did(0.25, &["Open(2)"]));
    }
}

/// A source of the program's that has no token now may have one soon, whatever it says of it, unless it is that it is denied.
#[test]
fn a_token_source_that_fails_ends_nothing() {
    let of_source = |code| Error::rpc(Source::Caller, code, "no token").processed(false);
    for code in [
        Code::Cancelled,
        Code::Unknown,
        Code::DeadlineExceeded,
        Code::ResourceExhausted,
        Code::Unimplemented,
        Code::Internal,
    ] {
        let mut scene = Scene::opened();
        scene.note(Event::Ended(1, Err(of_source(code))));
        assert_eq!(scene.wait(), did(0.25, &["Open(2)"]), "{code:?}");
        assert_eq!(scene.wait(), did(9.75, &[POLL]), "{code:?}");
        scene.poll_fails(of_source(code));
        assert_eq!(scene.wait(), did(10.0, &[POLL]), "{code:?}");
    }
    for error in [
        of_source(Code::PermissionDenied),
        Error::invalid_oauth_credentials("no").from_source(Source::Caller),
        Error::cancelled("the channel was closed"),
    ] {
        let mut scene = Scene::opened();
        scene.note(Event::Ended(1, Err(error.clone())));
        let actions = scene.actions();
        assert!(actions[0].starts_with("End(Err("), "{error:?}: {actions:?}");
    }
}

#[test]
fn a_close_cancels_streams_and_waits_for_a_poll_but_not_for_long() {
    let mut scene = Scene::opened();
    assert_eq!(scene.wait(), did(10.0, &[POLL]));
    scene.note(Event::Close);
    scene.note(Event::Close);
    assert_eq!(scene.actions(), ["Cancel(1)"]);
    assert_eq!(scene.wait(), did(1.0, &["CancelPoll"]));
    assert!(scene.actions().is_empty() && scene.watch.due(32).is_none());
    scene.note(Event::Ended(1, Err(Error::cancelled("so it was"))));
    assert_eq!(scene.actions(), ["End(Ok(()))"]);
}

/// A stream that is open for `lived`, then cut; how long until the next.
fn cut(scene: &mut Scene, id: StreamId, headers: bool, lived: Duration) -> f64 {
    ends(scene, id, headers, lived, Err(Error::unavailable("cut")))
}

fn ends(
    scene: &mut Scene,
    id: StreamId,
    headers: bool,
    lived: Duration,
    ended: Result<(), Error>,
) -> f64 {
    scene.note(Event::Opened(id));
    if headers {
        scene.note(Event::Accepted(id));
    }
    scene.now += lived;
    scene.note(Event::Ended(id, ended));
    let before = scene.now;
    while scene.wait().1 != [format!("Open({})", id + 1)] {}
    (scene.now - before).as_secs_f64()
}

#[test]
fn a_stream_that_was_taken_on_and_is_cut_is_soon_there_again() {
    for (headers, lived, last_pauses) in [
        (true, 15 * SECOND, [0.25, 0.25]),
        (false, 15 * SECOND, [0.25, 0.25]), // a server sends them with its first job
        (true, SECOND, [0.25, 0.25]),
        (true, SECOND * 3 / 10, [0.25, 0.25]),
        (false, SECOND, [2.62, 4.19]), // not taken on: each pause longer
        (true, SECOND / 10, [2.62, 4.19]), // for less than the pause
    ] {
        let mut scene = Scene::new();
        scene.room = 0; // no polls here
        assert_eq!(scene.actions(), ["Open(1)"]);
        let pauses: Vec<_> = (1..8)
            .map(|id| (cut(&mut scene, id, headers, lived) * 100.0).round() / 100.0)
            .collect();
        assert_eq!(pauses[5..], last_pauses, "{headers} {lived:?}: {pauses:?}");
    }
}

#[test]
fn what_it_goes_on_after_is_reported() {
    let mut scene = Scene::new();
    scene.room = 0;
    assert_eq!(scene.actions(), ["Open(1)"]);
    for id in 1..4 {
        cut(&mut scene, id, false, SECOND);
    }
    let cuts = |pauses: &[(u32, f64)]| -> Vec<_> {
        let cut = |(in_a_row, pause): &(u32, f64)| (*in_a_row, *pause, "cut".to_owned());
        pauses.iter().map(cut).collect()
    };
    assert_eq!(scene.reports, cuts(&[(1, 0.25), (2, 0.4), (3, 0.64)]));
    scene.reports.clear();
    // A job, or a long life, begins anew.
    scene.note(Event::Heard(4));
    cut(&mut scene, 4, true, SECOND);
    cut(&mut scene, 5, true, SECOND);
    cut(&mut scene, 6, true, 31 * SECOND);
    assert_eq!(scene.reports, cuts(&[(1, 0.25), (1, 0.25), (1, 0.25)]));
    scene.reports.clear();
    // A server that ends it in order, and ends it again.
    scene.note(Event::Opened(7));
    scene.note(Event::Ended(7, Ok(())));
    scene.actions();
    assert_eq!(scene.reports[0].0, 2);
    assert!(
        scene.reports[0].2.contains("with OK"),
        "{:?}",
        scene.reports
    );
}

/// However it is cut; what is more than that counts on.
#[test]
fn the_cut_of_a_stream_that_outlived_the_pause_is_usual() {
    let reset = |code| Error::rpc(Source::Transport, code, "RST_STREAM").cut();
    for (ended, is_usual) in [
        (Ok(()), true),
        (Err(Error::unavailable("lost")), true),
        (Err(of_gateway(Code::Unavailable).retryable(true)), true),
        (Err(reset(Code::Internal)), true),
        (Err(reset(Code::Cancelled)), true),
        (Err(reset(Code::Unknown)), true),
        (Err(of_gateway(Code::Internal)), false),
        (Err(of_gateway(Code::Unknown)), false),
        (
            Err(Error::rpc(Source::Transport, Code::Internal, "broken")),
            false,
        ),
        (
            Err(Error::rpc(
                Source::Library,
                Code::ResourceExhausted,
                "too long",
            )),
            false,
        ),
    ] {
        for (headers, lived, outlives) in [
            (true, 15 * SECOND, true),
            (true, SECOND / 2, true),
            (true, SECOND / 10, false),
            (false, 15 * SECOND, true),
            (false, SECOND, false),
        ] {
            let mut scene = Scene::new();
            scene.room = 0;
            scene.actions();
            for id in 1..4 {
                ends(&mut scene, id, headers, lived, ended.clone());
            }
            let counts: Vec<_> = scene.reports.iter().map(|report| report.0).collect();
            let (expected, usual) = match is_usual && outlives {
                true => ([1, 1, 1], 3),
                false => ([1, 2, 3], 0),
            };
            assert_eq!(
                (&counts[..], scene.usual),
                (&expected[..], usual),
                "{ended:?} {headers} {lived:?}"
            );
            // Another right after it is the second in a row.
            if usual > 0 {
                ends(&mut scene, 4, headers, Duration::ZERO, ended.clone());
                assert_eq!((scene.reports[3].0, scene.usual), (2, 3));
            }
        }
    }
}

#[test]
fn polls_that_fail_are_reported_on_their_own() {
    let mut scene = Scene::opened();
    for in_a_row in 1..3 {
        assert_eq!(scene.wait(), did(10.0, &[POLL]));
        scene.poll_fails(Error::unavailable("no gateway"));
        scene.actions();
        let expected = (in_a_row, 10.0, "no gateway".to_owned());
        assert_eq!(scene.reports.pop(), Some(expected));
    }
    assert_eq!(scene.wait(), did(10.0, &[POLL]));
    scene.poll_ends(0);
    assert_eq!(scene.wait(), did(10.0, &[POLL]));
    scene.poll_fails(Error::unavailable("no gateway"));
    // What ends it is told by its end, and what comes of calls that it cancels is nothing to tell.
    scene.note(Event::Ended(1, Err(of_gateway(Code::NotFound))));
    scene.actions();
    let counts: Vec<_> = scene.reports.iter().map(|report| report.0).collect();
    assert_eq!(counts, [1]);
}

#[test]
fn polls_alone_go_at_their_own_pace_and_slower_after_failures() {
    let mut scene = Scene::polling(Polling {
        alone: true,
        patience: Some(3 * SECOND),
        backoff: Some(Backoff::with(4 * SECOND, 60 * SECOND, 4.0, 0.0)),
    });
    let poll = ["Poll { max: 32, patience: Some(3s) }"];
    assert_eq!(scene.actions(), poll);
    // Held by the gateway, but shorter than the interval.
    scene.now += 3 * SECOND;
    scene.poll_ends(0);
    assert_eq!(scene.wait(), (7.0, poll.map(String::from).to_vec()));
    for pause in [10.0, 16.0, 60.0] {
        scene.poll_fails(Error::unavailable("no"));
        let (slept, actions) = scene.wait();
        assert_eq!((slept, &actions[..]), (pause, &poll.map(String::from)[..]));
    }
    scene.poll_ends(1);
    assert_eq!(scene.actions(), poll);
    scene.poll_fails(Error::unavailable("no"));
    assert_eq!(scene.wait().0, 10.0);
    let asked = Error::unavailable("no").with_retry_after(Some(50 * SECOND));
    scene.poll_fails(asked);
    assert_eq!(scene.wait().0, 50.0);
}

#[test]
fn a_stream_that_has_lived_long_enough_is_replaced_whatever_it_brings() {
    let mut scene = Scene::new();
    scene.watch.lifetime = Some(25 * SECOND);
    assert_eq!(scene.actions(), ["Open(1)"]);
    scene.note(Event::Opened(1));
    scene.actions();
    scene.poll_ends(0);
    let mut done = Vec::new();
    for _ in 0..5 {
        let (slept, actions) = scene.wait();
        scene.note(Event::Heard(1));
        done.push((slept, actions));
        scene.poll_ends(0);
    }
    let said: Vec<_> = done
        .iter()
        .map(|(slept, actions)| (*slept, actions.join(" ")))
        .collect();
    let poll = "Poll { max: 16, patience: None }".to_owned();
    assert_eq!(
        said,
        [
            (10.0, poll.clone()),
            (10.0, poll.clone()),
            (5.0, "Open(2)".to_owned()),
            (1.0, "Cancel(1)".to_owned()),
            (4.0, poll),
        ]
    );
}
