//! Starts that are taken back.

use gitops_tests::client::CANCELLED;
use gitops_tests::leftovers;
use gitops_tests::server::TestServer;
use serde_json::{Value, json};

use crate::FILES;

#[test]
fn a_start_is_cancelled_by_its_request() {
    cancelled_start(|server, request, _| server.client.notify("$/cancelRequest", json!({ "id": request })));
}

#[test]
fn a_start_is_cancelled_by_its_progress() {
    cancelled_start(|server, _, token| {
        server
            .client
            .notify("window/workDoneProgress/cancel", json!({ "token": token }));
    });
}

#[test]
fn a_start_is_ended_by_a_stop() {
    cancelled_start(|server, _, _| {
        assert_eq!(
            server.stop_session(),
            json!({ "deleted": 0, "restored": 0, "failed": [] })
        );
    });
}

/// At each step of a start, cancelling it leaves nothing, and the next start works.
fn cancelled_start(cancel: impl Fn(&TestServer, i64, &Value)) {
    let server = TestServer::builder().files(FILES).build();
    server.take_slot();
    for wanted in [0, 1, 2, 3] {
        let mark = server.client.mark();
        let request = server.client.send_command("gitops.session.start", Value::Null);
        let token = server.client.wait_for(mark, "window/workDoneProgress/create", |_| true)["token"].clone();
        let mut reports = 0;
        server.client.wait(mark, "the progress of the start", |message| {
            let value = (message["method"] == "$/progress").then(|| &message["params"]["value"])?;
            reports += usize::from(value["kind"] == "report");
            (reports >= wanted).then_some(())
        });
        cancel(&server, request, &token);
        let refused = server.client.answer(request).expect_err("it was cancelled");
        assert_eq!(refused.code, CANCELLED, "{refused:?}");
        server.client.wait_for(mark, "$/progress", |params| {
            params["token"] == token && params["value"]["kind"] == "end"
        });
        server.wait_for_status(mark, |status| {
            status["level"] == "offline" && status["busy"] == false && status["session"].is_null()
        });
        assert_eq!(server.client.command("gitops.session.list", Value::Null), Ok(json!([])));
        assert!(
            leftovers::sandboxes(server.state()).is_empty(),
            "cancelled at report {wanted}"
        );
        assert_eq!(
            leftovers::processes(server.state()).len(),
            1,
            "cancelled at report {wanted}: {:?}",
            leftovers::processes(server.state())
        );
    }
    let started = server.start_session(Value::Null);
    assert_eq!(started["mode"], "run");
}
