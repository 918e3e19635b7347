use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A watch with a clock: a watchdog of 60 s, a poll each 10 s, no jitter, back-off without its jitter.
struct Scene {
    watch: Watch,
    now: Instant,
    room: usize,
}

impl Scene {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            watch: Watch::new(60 * SECOND, 10 * SECOND, now),
            now,
            room: 32,
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
