//! The loop: one thread, one owner of all state, a closed list of events.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crossbeam_channel::{Receiver, select};
use lsp_server::{Message, Notification, Request};

use crate::actions;
use crate::built;
use crate::client::Failure;
use crate::event::{Event, TaskDone};
use crate::state::{Asked, State};
use crate::{lifecycle, notifications, plain_references, publish, requests, saves, start, workload};

/// Why the loop ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// The client said `exit`. The protocol wants code 0 after `shutdown`, else 1.
    Exit {
        /// Whether `shutdown` came before.
        after_shutdown: bool,
    },
    /// The client is gone: its end of the pipe is closed.
    Gone,
}

/// How old what a lens says about time may get.
const LENS_AGE: Duration = Duration::from_secs(20);

/// Runs until the client leaves.
pub(crate) fn run(state: &mut State, client: &Receiver<Message>, events: &Receiver<Event>) -> End {
    // Lenses say how long ago an object was applied, and must not say the same for ever.
    let clock = crossbeam_channel::tick(LENS_AGE);
    loop {
        select! {
            recv(client) -> message => match message {
                Ok(message) => if let Some(end) = on_message(state, message) { return end },
                Err(_) => return End::Gone,
            },
            recv(events) -> event => match event {
                // That nobody can send any more does not happen: the state itself holds a sender.
                Ok(Event::ParentGone) | Err(_) => return End::Gone,
                Ok(event) => { guarded(state, "an event", |state| on_event(state, event)); }
            },
            recv(clock) -> _ => state.lenses_changed |= state.shows_ages(),
        }
        // A client that types faster than a large file is parsed is answered for its newest text alone.
        if client.is_empty() {
            let waiting: Vec<_> = state.unparsed.iter().cloned().collect();
            for name in waiting {
                guarded(state, "a changed text", |state| state.text_changed(&name));
            }
            publish::flush(state);
        }
    }
}

fn on_message(state: &mut State, message: Message) -> Option<End> {
    match message {
        Message::Request(request) => {
            on_request(state, request);
            None
        }
        Message::Notification(notification) if notification.method == "exit" => Some(End::Exit {
            after_shutdown: state.shutting_down,
        }),
        Message::Notification(notification) => {
            on_notification(state, notification);
            None
        }
        Message::Response(response) => {
            let asked = state.waiting_for_client.remove(&response.id);
            guarded(state, "an answer of the client", |state| {
                match (asked, response.response_result) {
                    (Some(Asked::Configuration), Ok(value)) => notifications::settings_arrived(state, &value),
                    (Some(Asked::Folder { request, arguments }), answer) => {
                        start::folder_chosen(state, request, arguments, &answer.unwrap_or_default());
                    }
                    (
                        Some(Asked::Target {
                            request,
                            arguments,
                            candidates,
                        }),
                        answer,
                    ) => start::target_chosen(state, request, arguments, &candidates, &answer.unwrap_or_default()),
                    _ => {}
                }
            });
            None
        }
    }
}

fn on_request(state: &mut State, request: Request) {
    let (id, method) = (request.id.clone(), request.method.clone());
    if state.shutting_down {
        state.client.respond(id, Err(Failure::shutting_down()));
        return;
    }
    // An answer must be about the newest text.
    let waiting: Vec<_> = state.unparsed.iter().cloned().collect();
    for name in waiting {
        guarded(state, "a changed text", |state| state.text_changed(&name));
    }
    let answered = guarded(state, &method, |state| requests::dispatch(state, request));
    match answered {
        Some(requests::Reply::Now(result)) => state.client.respond(id, result),
        Some(requests::Reply::Later) => {}
        None => state.client.respond(
            id,
            Err(Failure::internal(format!(
                "{method} failed inside gitops-lsp; the server goes on, please report it"
            ))),
        ),
    }
}

fn on_notification(state: &mut State, notification: Notification) {
    let method = notification.method.clone();
    guarded(state, &method, |state| notifications::dispatch(state, notification));
}

fn on_event(state: &mut State, event: Event) {
    match event {
        Event::Files(paths) => notifications::files_changed(state, paths),
        Event::Session { number, event } => lifecycle::on_session_event(state, number, event),
        Event::Task(TaskDone::TargetRead {
            number,
            began,
            files,
            unreadable,
        }) => {
            let count = files.len();
            saves::on_target_read(state, number, files, unreadable);
            tracing::info!(
                files = count,
                milliseconds = began.elapsed().as_secs_f64() * 1000.0,
                "target indexed"
            );
        }
        Event::Task(TaskDone::TargetsFound {
            request,
            arguments,
            token,
            candidates,
        }) => start::targets_found(state, request, arguments, token, candidates),
        Event::Task(TaskDone::TreeRead { number, tree, left_out }) => {
            lifecycle::on_tree_read(state, number, tree, &left_out);
        }
        Event::Task(TaskDone::TargetBuilt { number, outcome }) => built::on_built(state, number, outcome),
        Event::Task(TaskDone::Placed { number, placed }) => built::on_placed(state, number, placed),
        Event::Task(TaskDone::ConditionPlaced { number, placed }) => built::fluxing::on_placed(state, number, placed),
        Event::Task(TaskDone::Reached { number, reach }) => requests::on_reached(state, number, reach),
        Event::Task(TaskDone::Acted(done)) => actions::on_done(state, done),
        Event::Task(TaskDone::ReferencesFound(found)) => plain_references::on_found(state, found),
        Event::Task(TaskDone::WorkloadPlaced { number, placed }) => workload::place_built(state, number, placed),
        Event::ParentGone => {}
        Event::Task(TaskDone::FilesRead { files }) => notifications::files_read(state, files),
    }
}

/// A panic in one piece of work is not a dead server.
fn guarded<T>(state: &mut State, what: &str, work: impl FnOnce(&mut State) -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(|| work(state)))
        .inspect_err(|_| tracing::error!("{what} panicked; the server goes on"))
        .ok()
}
