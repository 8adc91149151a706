//! The process that started the server: when it is gone, the server goes too, even if somebody holds its pipes open.

use crate::event::{Event, Inbox};

/// Tells the loop when the process with this id is gone (LSP: `InitializeParams.processId`).
pub(crate) fn watch(process_id: u32, inbox: Inbox) {
    std::thread::spawn(move || {
        if wait_for_end(process_id) {
            let _ = inbox.send(Event::ParentGone);
        }
    });
}

/// A process descriptor becomes readable when its process ends (Linux 5.3, `pidfd_open(2)`).
#[cfg(target_os = "linux")]
fn wait_for_end(process_id: u32) -> bool {
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    let Some(pid) = i32::try_from(process_id).ok().and_then(Pid::from_raw) else {
        return false;
    };
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(descriptor) => loop {
            match poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], None) {
                Ok(_) => return true,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return false,
            }
        },
        // Not there any more, or in another process namespace, where its id means nothing: then the pipe alone tells.
        Err(_) => false,
    }
}

/// Elsewhere nothing announces the end of a process that is not a child; it is looked for once a second.
#[cfg(all(unix, not(target_os = "linux")))]
fn wait_for_end(process_id: u32) -> bool {
    use rustix::process::{Pid, test_kill_process};
    let Some(pid) = i32::try_from(process_id).ok().and_then(Pid::from_raw) else {
        return false;
    };
    if test_kill_process(pid).is_err() {
        return false;
    }
    while test_kill_process(pid) != Err(rustix::io::Errno::SRCH) {
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
    true
}

/// On Windows the end of the pipe is what tells.
#[cfg(not(unix))]
fn wait_for_end(_: u32) -> bool {
    false
}
