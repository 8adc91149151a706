//! The client's end of the pipe: sends, and answers what the server asks, as an editor does.

use std::io::BufReader;
use std::process::{ChildStdin, ChildStdout};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::frame;
use crate::message_log::{Mark, MessageLog, NotSaid, PATIENCE};

/// A connection to one server. Tests in several threads may share it.
#[derive(Debug)]
pub struct Client {
    outgoing: Outgoing,
    log: Arc<MessageLog>,
    manners: Arc<Mutex<Manners>>,
    next_id: AtomicI64,
    reader: Option<JoinHandle<()>>,
}

/// How the client answers what the server asks.
#[derive(Clone, Debug, Default)]
pub struct Manners {
    /// The settings, as `workspace/configuration` answers them.
    pub settings: Value,
    /// The title of the action that is chosen in `window/showMessageRequest`; without one nothing is chosen.
    pub choice: Option<String>,
}

/// An answer that is an error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// The number that LSP or JSON-RPC gives to such errors.
    pub code: i64,
    /// The words for people.
    pub message: String,
}

/// `RequestCancelled` of LSP.
pub const CANCELLED: i64 = -32800;
/// `RequestFailed` of LSP.
pub const FAILED: i64 = -32803;
/// `InvalidParams` of JSON-RPC.
pub const INVALID_PARAMS: i64 = -32602;
/// `MethodNotFound` of JSON-RPC.
pub const METHOD_NOT_FOUND: i64 = -32601;

/// `None` once the client has hung up.
#[derive(Clone, Debug)]
struct Outgoing(Arc<Mutex<Option<ChildStdin>>>);

impl Outgoing {
    fn send(&self, message: &Value) {
        let mut pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(input) = pipe.as_mut()
            && frame::write(input, message).is_err()
        {
            // The server is gone; whoever waits for something of it is told so by the end of its output.
            *pipe = None;
        }
    }
}

impl Client {
    /// Takes the pipes of a server.
    pub fn new(input: ChildStdin, output: ChildStdout, manners: Manners) -> Self {
        let outgoing = Outgoing(Arc::new(Mutex::new(Some(input))));
        let log = Arc::new(MessageLog::default());
        let manners = Arc::new(Mutex::new(manners));
        let reader = std::thread::spawn({
            let (outgoing, log, manners) = (outgoing.clone(), Arc::clone(&log), Arc::clone(&manners));
            move || {
                let mut output = BufReader::new(output);
                // What cannot be read ends the connection as a closed pipe does.
                while let Ok(Some(message)) = frame::read(&mut output) {
                    let answer = answer_to(&message, &manners.lock().unwrap_or_else(PoisonError::into_inner));
                    log.push(message);
                    if let Some(answer) = answer {
                        outgoing.send(&answer);
                    }
                }
                log.close();
            }
        });
        Self {
            outgoing,
            log,
            manners,
            next_id: AtomicI64::new(1),
            reader: Some(reader),
        }
    }

    /// Changes how the client answers.
    pub fn manners(&self) -> MutexGuard<'_, Manners> {
        self.manners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that the server has said.
    pub fn log(&self) -> &MessageLog {
        &self.log
    }

    /// The end of what has been said so far.
    pub fn mark(&self) -> Mark {
        self.log.mark()
    }

    /// Sends a notification.
    pub fn notify(&self, method: &str, params: Value) {
        self.outgoing
            .send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request and returns its id.
    pub fn send_request(&self, method: &str, params: Value) -> i64 {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.outgoing
            .send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    /// The answer to a request, when it comes.
    pub fn answer(&self, id: i64) -> Result<Value, Refused> {
        self.wait(Mark::START, &format!("the answer to request {id}"), |message| {
            let is_answer = message.get("method").is_none() && message["id"] == json!(id);
            is_answer.then(|| match message.get("error") {
                Some(error) => Err(Refused {
                    code: error["code"].as_i64().unwrap_or_default(),
                    message: error["message"].as_str().unwrap_or_default().to_owned(),
                }),
                None => Ok(message["result"].clone()),
            })
        })
    }

    /// Asks, and waits for the answer.
    pub fn request(&self, method: &str, params: Value) -> Result<Value, Refused> {
        let id = self.send_request(method, params);
        self.answer(id)
    }

    /// Runs a command, and waits for its result.
    pub fn command(&self, command: &str, argument: Value) -> Result<Value, Refused> {
        let id = self.send_command(command, argument);
        self.answer(id)
    }

    /// Sends the request to run a command and returns its id.
    pub fn send_command(&self, command: &str, argument: Value) -> i64 {
        let arguments = if argument.is_null() {
            json!([])
        } else {
            json!([argument])
        };
        self.send_request(
            "workspace/executeCommand",
            json!({ "command": command, "arguments": arguments }),
        )
    }

    /// Waits until `look` finds something in what is said after `since`.
    pub fn wait<T>(&self, since: Mark, what: &str, look: impl FnMut(&Value) -> Option<T>) -> T {
        match self.log.wait(since, PATIENCE, look) {
            Ok(found) => found,
            Err(NotSaid::TooLate) => panic!(
                "waited {} s for {what}; the server said at last:\n{}",
                PATIENCE.as_secs(),
                self.log.tail()
            ),
            Err(NotSaid::Closed) => panic!("the server ended before {what}; it said at last:\n{}", self.log.tail()),
        }
    }

    /// Waits for a notification or request of the server for which `wanted` holds, and returns its parameters.
    pub fn wait_for(&self, since: Mark, method: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait(since, method, |message| {
            (message["method"] == method && wanted(&message["params"])).then(|| message["params"].clone())
        })
    }

    /// The parameters of all notifications and requests of one method that were said after `since`.
    pub fn said(&self, since: Mark, method: &str) -> Vec<Value> {
        self.log.said(since, |message| {
            (message["method"] == method).then(|| message["params"].clone())
        })
    }

    /// Closes the server's standard input, as the end of the client does.
    pub fn hang_up(&self) {
        *self.outgoing.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.hang_up();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn answer_to(message: &Value, manners: &Manners) -> Option<Value> {
    let (method, id) = (message["method"].as_str()?, message.get("id")?);
    let result = match method {
        "workspace/configuration" => {
            let items = message["params"]["items"].as_array().map_or(0, Vec::len);
            Value::Array(vec![manners.settings.clone(); items])
        }
        "window/showMessageRequest" => {
            let actions = message["params"]["actions"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            actions
                .iter()
                .find(|action| manners.choice.is_some() && action["title"].as_str() == manners.choice.as_deref())
                .cloned()
                .unwrap_or_default()
        }
        "workspace/applyEdit" => json!({ "applied": true }),
        _ => Value::Null,
    };
    Some(json!({ "jsonrpc": "2.0", "id": id, "result": result }))
}
