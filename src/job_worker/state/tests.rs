use std::sync::LazyLock;

use super::super::end::judge;
use super::*;
use crate::error::{Code, Source};
use crate::job_worker::events::Extension;

const SECOND: Duration = Duration::from_secs(1);

static RULES: LazyLock<Rules> = LazyLock::new(|| Rules {
    handlers: 2,
    lanes: Some(2),
    patience: 10 * SECOND,
    backoff: Backoff::with(SECOND, 8 * SECOND, 2.0, 0.0),
    extension: None,
    grace: 30 * SECOND,
});

/// How long a job is ours.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A state with a clock.
#[derive(Clone)]
struct Scene {
    state: State,
    now: Instant,
    began: Instant,
}

impl Scene {
    fn new(rules: Rules) -> Self {
        let now = Instant::now();
        Self {
            state: State::new(rules),
            now,
            began: now,
        }
    }

    fn arrive(&mut self) -> Option<JobId> {
        self.state.arrive(TIMEOUT, self.now)
    }

    fn note(&mut self, event: Event) {
        self.state.note(event, self.now, 0.5);
    }

    fn at(&mut self, place: Place) -> Vec<String> {
        std::iter::from_fn(|| self.state.next(place, self.now))
            .map(|action| format!("{action:?}"))
            .collect()
    }

    fn actions(&mut self) -> Vec<String> {
        self.at(Place::Library)
    }

    /// Notes it, and says what is done.
    fn then(&mut self, event: Event) -> Vec<String> {
        self.note(event);
        self.actions()
    }

    fn answer(&mut self, id: JobId, error: Error) -> Vec<String> {
        self.then(Event::Answered(id, judge(Err(&error))))
    }

    fn done(&mut self, id: JobId) -> Vec<String> {
        self.then(Event::Answered(id, judge(Ok(()))))
    }

    /// Sleeps until the state wants to be asked; says when that is, since the beginning, and what it then does.
    fn wait(&mut self) -> (u64, Vec<String>) {
        self.now = self.state.due().unwrap().max(self.now);
        ((self.now - self.began).as_secs(), self.actions())
    }

    /// A job that the program works on.
    fn worked_on(&mut self) -> JobId {
        let id = self.arrive().unwrap();
        let handed = self.actions();
        assert_eq!(
            handed,
            [format!("Hand({id}, {})", self.state.lanes_used - 1)]
        );
        id
    }
}

fn gateway(code: Code) -> Error {
    Error::rpc(Source::Gateway, code, "no")
}

fn pressure() -> Error {
    gateway(Code::ResourceExhausted).retryable(true)
}

fn lost() -> Error {
    Error::unavailable("lost")
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_job_is_given_ended_and_told_of() {
    let mut scene = Scene::new(*RULES);
    let id = scene.worked_on();
    assert!(scene.state.takes_end(id));
    assert_eq!(scene.then(Event::Ended(id)), ["Send(0, 10s)"]);
    assert!(!scene.state.takes_end(id));
    assert_eq!(scene.then(Event::Returned(0)), NOTHING);
    assert_eq!(scene.done(id), ["Tell(0, Ended)"]);
    assert_eq!(scene.state.len(), 0);
    assert_eq!(scene.then(Event::Told(id)), NOTHING);
    assert_eq!(scene.state.due(), None);
}

#[test]
fn no_more_handlers_work_than_may() {
    for lanes in [Some(2), None] {
        let mut scene = Scene::new(Rules { lanes, ..*RULES });
        let ids: Vec<_> = (0..3).map(|_| scene.arrive().unwrap()).collect();
        assert_eq!(scene.actions().len(), 2, "{lanes:?}");
        // One ends, though giving it is not over.
        let ended = scene.then(Event::Ended(ids[0]));
        match lanes {
            None => assert_eq!(ended, ["Send(0, 10s)", "Hand(2, 0)"]),
            Some(_) => {
                assert_eq!(ended, ["Send(0, 10s)"]);
                assert_eq!(scene.then(Event::Returned(0)), ["Hand(2, 0)"]);
                // Giving it is over, but it has not ended.
                scene.arrive();
                assert_eq!(scene.then(Event::Returned(0)), NOTHING);
                assert_eq!(scene.then(Event::Left(ids[1])), ["Hand(3, 0)"]);
                assert_eq!(scene.then(Event::Returned(1)), NOTHING);
            }
        }
    }
}

#[test]
fn callbacks_come_of_threads_of_the_library_alone() {
    let mut scene = Scene::new(*RULES);
    let id = scene.arrive().unwrap();
    assert_eq!(scene.at(Place::Program), NOTHING);
    assert!(scene.state.waits_for_library());
    assert_eq!(scene.actions(), ["Hand(0, 0)"]);
    assert!(!scene.state.waits_for_library());
    scene.note(Event::Ended(id));
    assert_eq!(scene.at(Place::Program), ["Send(0, 10s)"]);
    scene.note(Event::Answered(id, judge(Ok(()))));
    assert_eq!(scene.at(Place::Program), NOTHING);
    assert!(scene.state.waits_for_library());
    // What gives a job without the program's doing may do so anywhere.
    let mut scene = Scene::new(Rules {
        lanes: None,
        ..*RULES
    });
    scene.arrive();
    assert_eq!(scene.at(Place::Program), ["Hand(0, 0)"]);
}

#[test]
fn an_end_is_sent_again_while_the_job_is_ours() {
    let mut scene = Scene::new(*RULES);
    let id = scene.worked_on();
    assert_eq!(scene.then(Event::Ended(id)), ["Send(0, 10s)"]);
    let mut at = Vec::new();
    loop {
        let said = scene.answer(id, lost().processed(false));
        if !said.is_empty() {
            assert_eq!(said, ["Tell(0, NotEnded)"]);
            break;
        }
        let (when, sent) = scene.wait();
        assert_eq!(sent.len(), 1);
        at.push((when, sent[0].clone()));
    }
    let at: Vec<_> = at.iter().map(|(when, sent)| (*when, &**sent)).collect();
    assert_eq!(
        at,
        [
            (1, "Send(0, 10s)"),
            (3, "Send(0, 10s)"),
            (7, "Send(0, 10s)"),
            (15, "Send(0, 10s)"),
            (23, "Send(0, 10s)"),
            (31, "Send(0, 10s)"),
            (39, "Send(0, 10s)"),
            (47, "Send(0, 10s)"),
            (55, "Send(0, 5s)"),
        ]
    );
}

#[test]
fn what_was_perhaps_taken_is_unknown_unless_it_is_known_to_be_taken() {
    for (last, verdict) in [
        (None, "Tell(0, Ended)"),
        (Some(gateway(Code::NotFound)), "Tell(0, Unknown)"),
        (Some(gateway(Code::FailedPrecondition)), "Tell(0, Unknown)"),
        (Some(gateway(Code::Internal)), "Tell(0, Unknown)"),
    ] {
        let mut scene = Scene::new(*RULES);
        let id = scene.worked_on();
        scene.then(Event::Ended(id));
        assert_eq!(scene.answer(id, lost()), NOTHING);
        assert_eq!(scene.wait().1, ["Send(0, 10s)"]);
        let said = match last {
            None => scene.done(id),
            Some(error) => scene.answer(id, error),
        };
        assert_eq!(said, [verdict]);
    }
}

#[test]
fn what_cannot_pass_is_not_sent_again() {
    for code in [
        Code::NotFound,
        Code::FailedPrecondition,
        Code::InvalidArgument,
        Code::PermissionDenied,
        Code::Unauthenticated,
        Code::Unimplemented,
    ] {
        let mut scene = Scene::new(*RULES);
        let id = scene.worked_on();
        scene.then(Event::Ended(id));
        assert_eq!(scene.answer(id, gateway(code)), ["Tell(0, NotEnded)"]);
    }
}

#[test]
fn an_end_after_the_deadline_is_sent_once_and_says_that_it_is_late() {
    let mut scene = Scene::new(*RULES);
    let id = scene.worked_on();
    assert_eq!(scene.state.lateness(id, scene.now), None);
    scene.now += TIMEOUT + 5 * SECOND;
    assert_eq!(scene.state.lateness(id, scene.now), Some(5 * SECOND));
    assert_eq!(scene.then(Event::Ended(id)), ["Send(0, 1s)"]);
    assert_eq!(scene.answer(id, lost()), ["Tell(0, Unknown)"]);
}

#[test]
fn who_waits_past_its_deadline_is_let_go_of() {
    let mut scene = Scene::new(Rules {
        handlers: 1,
        ..*RULES
    });
    let worked_on = scene.worked_on();
    scene.arrive();
    assert_eq!(scene.actions(), NOTHING);
    assert_eq!(scene.wait(), (60, vec!["Drop(1, Expired)".to_owned()]));
    assert_eq!(scene.then(Event::Ended(worked_on)), ["Send(0, 1s)"]);
}

#[test]
fn back_pressure_lets_fewer_ends_be_under_way_until_it_passes() {
    let mut scene = Scene::new(Rules {
        handlers: 8,
        lanes: None,
        ..*RULES
    });
    for id in 0..8 {
        assert_eq!(scene.arrive(), Some(id));
        scene.actions();
        assert_eq!(scene.then(Event::Ended(id)).len(), 1);
    }
    // Half of the eight, and none for a second; that the other was too much as well is nothing new.
    assert_eq!(scene.answer(0, pressure()), NOTHING);
    assert_eq!(scene.answer(1, pressure()), NOTHING);
    assert_eq!(scene.state.pressure.limit(), 4);
    for id in 2..8 {
        assert_eq!(scene.done(id), [format!("Tell({id}, Ended)")]);
        scene.note(Event::Told(id));
    }
    assert_eq!(scene.state.pressure.limit(), 10);
    let (at, sent) = scene.wait();
    assert_eq!((at, sent.len()), (1, 2));
    // Sent after that: too much still.
    for _ in 0..20 {
        scene.arrive();
    }
    scene.actions();
    scene.answer(0, pressure());
    assert_eq!(scene.state.pressure.limit(), 1);
    for id in 2..8 {
        scene.then(Event::Ended(id));
    }
    assert_eq!(scene.state.sending, 1);
    // Each good answer lets one more be under way.
    scene.done(1);
    assert_eq!(scene.state.pressure.limit(), 2);
    scene.wait();
    assert_eq!(scene.state.sending, 2);
}

/// One moment of it is answered as often as ends were under way.
#[test]
fn a_moment_of_back_pressure_counts_once_and_passes_soon() {
    const ENDS: usize = 32;
    let milliseconds = Duration::from_millis;
    let mut scene = Scene::new(Rules {
        handlers: ENDS,
        lanes: None,
        backoff: Backoff::with(milliseconds(50), 5 * SECOND, 1.6, 0.1),
        ..*RULES
    });
    for id in 0..ENDS {
        scene.arrive();
        scene.actions();
        assert_eq!(scene.then(Event::Ended(id)).len(), 1);
    }
    for id in 0..ENDS {
        assert_eq!(scene.answer(id, pressure()), NOTHING);
    }
    assert_eq!(scene.state.pressure.limit(), ENDS / 2);
    assert!(scene.state.pressure.resumes().unwrap() <= scene.now + milliseconds(55));
    let (_, sent) = scene.wait();
    assert_eq!(sent.len(), ENDS / 2);
    // Who says when is heard all the same.
    scene.answer(0, pressure());
    let later = pressure().with_retry_after(Some(20 * SECOND));
    scene.answer(1, later);
    assert_eq!(
        scene.state.pressure.resumes(),
        Some(scene.now + 20 * SECOND)
    );
}

#[test]
fn a_gateway_that_says_when_is_asked_then() {
    let mut scene = Scene::new(*RULES);
    let id = scene.worked_on();
    scene.then(Event::Ended(id));
    let later = pressure().with_retry_after(Some(20 * SECOND));
    assert_eq!(scene.answer(id, later), NOTHING);
    assert_eq!(scene.wait(), (20, vec!["Send(0, 10s)".to_owned()]));
    let never = pressure().with_retry_after(Some(40 * SECOND));
    assert_eq!(scene.answer(id, never), ["Tell(0, NotEnded)"]);
}

static EXTENDING: LazyLock<Rules> = LazyLock::new(|| Rules {
    extension: Some(TIMEOUT),
    ..*RULES
});

#[test]
fn a_job_that_is_worked_on_gets_more_time() {
    let mut scene = Scene::new(*EXTENDING);
    let id = scene.worked_on();
    assert_eq!(scene.wait(), (30, vec!["Extend(0, 1)".to_owned()]));
    let asked = scene.now;
    scene.now += SECOND;
    assert!(scene.state.is_asked(id, 1));
    scene.then(Event::Extended(id, 1, Extension::Granted(asked)));
    // Half of the 59 s that are left, later.
    assert_eq!(scene.wait(), (60, vec!["Extend(0, 2)".to_owned()]));
    // It fails, and is tried again while there is time.
    scene.then(Event::Extended(id, 2, Extension::Failed));
    assert_eq!(scene.wait(), (61, vec!["Extend(0, 3)".to_owned()]));
    // The end does not wait for it, and its answer is another's then.
    assert_eq!(scene.then(Event::Ended(id)), ["Send(0, 10s)"]);
    assert!(!scene.state.is_asked(id, 3));
    scene.done(id);
    scene.then(Event::Told(id));
    scene.then(Event::Returned(0));
    assert_eq!(scene.worked_on(), id);
    let before = scene.state.due();
    scene.then(Event::Extended(id, 3, Extension::Gone));
    assert_eq!(scene.state.due(), before);
}

#[test]
fn a_job_that_is_not_ours_or_a_gateway_that_gives_no_time_is_not_asked_again() {
    let mut scene = Scene::new(*EXTENDING);
    let id = scene.worked_on();
    scene.wait();
    scene.now += SECOND;
    scene.then(Event::Extended(id, 1, Extension::Gone));
    assert_eq!(scene.state.due(), None);
    scene.now += SECOND;
    assert!(scene.state.lateness(id, scene.now).is_some());
    let mut scene = Scene::new(*EXTENDING);
    scene.worked_on();
    scene.worked_on();
    assert_eq!(scene.wait().1, ["Extend(0, 1)", "Extend(1, 2)"]);
    scene.then(Event::Extended(0, 1, Extension::Granted(scene.now)));
    scene.then(Event::Extended(1, 2, Extension::Unknown));
    assert_eq!(scene.state.due(), None);
}

#[test]
fn a_close_gives_back_what_waits_and_waits_for_what_is_worked_on() {
    let mut scene = Scene::new(Rules {
        handlers: 1,
        ..*RULES
    });
    let worked_on = scene.worked_on();
    scene.arrive();
    assert_eq!(scene.then(Event::Close), ["CloseStream"]);
    assert_eq!(scene.then(Event::Close), NOTHING);
    // What the stream still brings goes back, too, once that has ended: else it would bring it again.
    scene.arrive();
    assert_eq!(scene.actions(), NOTHING);
    assert_eq!(
        scene.then(Event::StreamEnded(Ok(()))),
        ["Send(1, 10s)", "Send(2, 10s)"]
    );
    for id in [1, 2] {
        assert_eq!(scene.done(id), [format!("Tell({id}, Ended)")]);
        assert_eq!(scene.then(Event::Told(id)), NOTHING);
    }
    assert_eq!(scene.then(Event::Ended(worked_on)), ["Send(0, 10s)"]);
    scene.done(worked_on);
    assert_eq!(scene.then(Event::Told(worked_on)), NOTHING);
    assert_eq!(scene.then(Event::Returned(0)), ["End"]);
    assert!(scene.state.reason().is_ok());
    assert_eq!(scene.state.due(), None);
}

#[test]
fn what_the_program_has_not_begun_goes_back_with_the_rest() {
    for stream_ends_first in [false, true] {
        let mut scene = Scene::new(*RULES);
        let (begun, not_begun) = (scene.worked_on(), scene.worked_on());
        scene.then(Event::Close);
        if stream_ends_first {
            assert_eq!(scene.then(Event::StreamEnded(Ok(()))), NOTHING);
            assert_eq!(scene.then(Event::Returns(not_begun)), ["Send(1, 10s)"]);
        } else {
            assert_eq!(scene.then(Event::Returns(not_begun)), NOTHING);
            assert_eq!(scene.then(Event::StreamEnded(Ok(()))), ["Send(1, 10s)"]);
        }
        assert_eq!(scene.then(Event::Returns(not_begun)), NOTHING);
        assert!(scene.state.takes_end(begun) && !scene.state.takes_end(not_begun));
    }
}

#[test]
fn a_grace_that_is_over_leaves_the_rest_to_its_time_out() {
    let mut scene = Scene::new(*RULES);
    let (worked_on, ending) = (scene.worked_on(), scene.worked_on());
    scene.then(Event::Close);
    scene.then(Event::StreamEnded(Ok(())));
    assert_eq!(scene.then(Event::Ended(ending)), ["Send(1, 10s)"]);
    assert_eq!(
        scene.wait(),
        (
            30,
            vec!["Drop(0, Cut)".to_owned(), "CancelEnd(1)".to_owned()]
        )
    );
    assert!(!scene.state.takes_end(worked_on));
    assert_eq!(scene.then(Event::Ended(worked_on)), NOTHING);
    let cancelled = Error::cancelled("the worker has ended");
    assert_eq!(scene.answer(ending, cancelled), ["Tell(1, Unknown)"]);
    assert_eq!(scene.then(Event::Told(ending)), NOTHING);
    // A callback that runs is waited for.
    assert_eq!(scene.then(Event::Returned(0)), NOTHING);
    assert_eq!(scene.then(Event::Returned(1)), ["End"]);
    let reason = scene.state.reason().unwrap_err();
    assert!(reason.message().contains("2 jobs are left"), "{reason}");
}

#[test]
fn a_stream_that_cannot_pass_ends_the_worker_in_order() {
    let mut scene = Scene::new(*RULES);
    let id = scene.worked_on();
    let denied = Err(gateway(Code::PermissionDenied));
    assert_eq!(scene.then(Event::StreamEnded(denied)), NOTHING);
    assert_eq!(scene.then(Event::Ended(id)), ["Send(0, 10s)"]);
    scene.done(id);
    scene.then(Event::Told(id));
    assert_eq!(scene.then(Event::Returned(0)), ["End"]);
    assert_eq!(
        scene.state.reason().unwrap_err().code(),
        Code::PermissionDenied
    );
}

/// Only who cancels it does: a code says nothing of that, for it may be a token source's.
#[test]
fn a_stream_that_ended_with_cancelled_lets_go_of_nothing() {
    let mut scene = Scene::new(*RULES);
    let id = scene.worked_on();
    let of_source = Error::rpc(Source::Caller, Code::Cancelled, "no token");
    assert_eq!(scene.then(Event::StreamEnded(Err(of_source))), NOTHING);
    assert!(scene.state.takes_end(id));
    assert_eq!(scene.then(Event::Ended(id)), ["Send(0, 10s)"]);
}

#[test]
fn a_cancel_lets_go_of_everything_at_once() {
    for by_stream in [false, true] {
        let mut scene = Scene::new(Rules {
            handlers: 3,
            lanes: None,
            ..*RULES
        });
        for _ in 0..5 {
            scene.arrive();
        }
        scene.actions();
        scene.then(Event::Ended(0));
        scene.then(Event::Ended(1));
        scene.answer(1, lost());
        let reason = Error::cancelled("freed");
        let mut did = match by_stream {
            true => scene.then(Event::StreamEnded(Err(reason))),
            false => scene.then(Event::Cancel(reason)),
        };
        if !by_stream {
            assert_eq!(did.remove(0), "CancelStream");
            scene.then(Event::StreamEnded(Err(Error::cancelled("freed"))));
        }
        did.sort();
        assert_eq!(
            did,
            [
                "CancelEnd(0)",
                "Drop(2, Cut)",
                "Drop(3, Cut)",
                "Drop(4, Cut)",
                "Tell(1, Unknown)"
            ]
        );
        assert_eq!(scene.arrive(), None);
        scene.then(Event::Told(1));
        assert_eq!(
            scene.answer(0, lost().processed(false)),
            ["Tell(0, NotEnded)"]
        );
        assert_eq!(scene.then(Event::Told(0)), ["End"]);
        assert_eq!(scene.state.reason().unwrap_err().message(), "freed");
    }
}

/// What is known of the jobs and calls of a state from its actions alone, and what may happen to them.
#[derive(Clone, Default)]
struct World {
    working: Vec<JobId>,
    lanes: Vec<usize>,
    sending: Vec<JobId>,
    telling: Vec<JobId>,
    extending: Vec<(JobId, u64)>,
    arrived: usize,
    /// Jobs that are accounted for: told of, dropped or left.
    gone: usize,
    stream_ended: bool,
    closed: bool,
    cut: bool,
    ended: bool,
}

impl World {
    fn act(&mut self, scene: &mut Scene) {
        while let Some(action) = scene.state.next(Place::Library, scene.now) {
            assert!(!self.ended, "after the end: {action:?}");
            match action {
                Action::Hand(id, lane) => {
                    assert!(!self.closed && !self.cut);
                    self.working.push(id);
                    assert!(self.working.len() <= 1, "one handler");
                    if scene.state.rules.lanes.is_some() {
                        assert!(!self.lanes.contains(&lane));
                        self.lanes.push(lane);
                    }
                }
                Action::Send(id, patience) => {
                    assert!(!self.cut && patience >= LEAST_PATIENCE);
                    assert!(!self.sending.contains(&id) && !self.working.contains(&id));
                    self.sending.push(id);
                }
                Action::CancelEnd(id) => assert!(self.cut && self.sending.contains(&id)),
                Action::Tell(id, _) => {
                    assert!(!self.sending.contains(&id) && !self.telling.contains(&id));
                    self.telling.push(id);
                }
                Action::Drop(id, _) => {
                    self.working.retain(|working| *working != id);
                    self.gone += 1;
                }
                Action::Extend(id, ticket) => {
                    assert!(self.working.contains(&id));
                    self.extending.push((id, ticket));
                }
                Action::CloseStream => assert!(!self.stream_ended && !self.cut),
                Action::CancelStream => assert!(!self.stream_ended && self.cut),
                Action::End => {
                    assert!(self.closed || self.cut);
                    assert!(self.stream_ended && self.lanes.is_empty());
                    assert_eq!(self.gone, self.arrived, "every job is accounted for");
                    self.ended = true;
                }
            }
        }
    }

    /// Everything that can happen next; each as what it does.
    fn events(&self) -> Vec<u8> {
        (0..14).filter(|event| self.can(*event)).collect()
    }

    fn can(&self, event: u8) -> bool {
        match event {
            0 => !self.stream_ended && self.arrived < 2,
            1 | 2 => !self.working.is_empty(),
            3 => !self.lanes.is_empty(),
            4..=7 => !self.sending.is_empty(),
            8 => !self.telling.is_empty(),
            9 => !self.extending.is_empty(),
            10 => !self.closed && !self.cut,
            11 => !self.stream_ended,
            12 => !self.cut,
            13 => self.closed && !self.working.is_empty(),
            _ => false,
        }
    }

    fn happen(&mut self, event: u8, scene: &mut Scene) {
        match event {
            0 => {
                if scene.arrive().is_some() {
                    self.arrived += 1;
                }
            }
            1 => {
                let id = self.working.remove(0);
                assert!(scene.state.takes_end(id));
                scene.note(Event::Ended(id));
            }
            2 => {
                scene.note(Event::Left(self.working.remove(0)));
                self.gone += 1;
            }
            3 => scene.note(Event::Returned(self.lanes.remove(0))),
            4..=7 => {
                let id = self.sending.remove(0);
                let answer = match event {
                    4 => judge(Ok(())),
                    5 => judge(Err(&gateway(Code::NotFound))),
                    6 => judge(Err(&lost())),
                    _ => judge(Err(&pressure())),
                };
                scene.note(Event::Answered(id, answer));
            }
            8 => {
                scene.note(Event::Told(self.telling.remove(0)));
                self.gone += 1;
            }
            9 => {
                let (id, ticket) = self.extending.remove(0);
                scene.note(Event::Extended(id, ticket, Extension::Failed));
            }
            10 => {
                self.closed = true;
                scene.note(Event::Close);
            }
            13 => scene.note(Event::Returns(self.working.remove(0))),
            11 => {
                self.stream_ended = true;
                self.closed = true;
                let denied = Err(gateway(Code::PermissionDenied));
                scene.note(Event::StreamEnded(if self.cut { Ok(()) } else { denied }));
            }
            _ => {
                self.cut = true;
                scene.note(Event::Cancel(Error::cancelled("freed")));
            }
        }
        self.act(scene);
    }

    /// Time passes to where the state wants to be asked.
    fn sleep(&mut self, scene: &mut Scene) -> bool {
        let Some(due) = scene.state.due() else {
            return false;
        };
        scene.now = due.max(scene.now);
        // A grace that is over cuts.
        let closing = scene.state.closing.as_ref();
        let until = closing.and_then(|closing| closing.until);
        self.cut |= until.is_some_and(|until| until <= scene.now);
        self.act(scene);
        true
    }

    /// From any state on everything comes to its end, if what was begun does.
    fn finish(mut self, mut scene: Scene) {
        for _ in 0..200 {
            let event = [12, 11, 8, 3, 5].into_iter().find(|event| self.can(*event));
            match event {
                Some(event) => self.happen(event, &mut scene),
                None if self.ended => return,
                None => assert!(self.sleep(&mut scene), "it hangs"),
            }
        }
        panic!("no end");
    }
}

fn explore(scene: &Scene, world: &World, depth: u32, seen: &mut u64) {
    *seen += 1;
    world.clone().finish(scene.clone());
    if depth == 0 {
        return;
    }
    for event in world.events() {
        let (mut scene, mut world) = (scene.clone(), world.clone());
        world.happen(event, &mut scene);
        explore(&scene, &world, depth - 1, seen);
    }
    let (mut scene, mut world) = (scene.clone(), world.clone());
    if world.sleep(&mut scene) {
        explore(&scene, &world, depth - 1, seen);
    }
}

/// Arrivals, ends, answers, failures, deadlines, closes and back-pressure, in every order.
#[test]
fn every_order_of_events_ends_and_loses_no_job() {
    for lanes in [Some(1), None] {
        let rules = Rules {
            handlers: 1,
            lanes,
            ..*EXTENDING
        };
        let mut seen = 0;
        explore(&Scene::new(rules), &World::default(), 6, &mut seen);
        assert!(seen > 5_000, "{seen}");
    }
}
