//! What a server is started with.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;
use std::sync::Mutex;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};

use super::TestServer;
use super::process::ServerProcess;
use crate::binary::{gitops_lsp, target_directory};
use crate::client::{Client, Manners};
use crate::columns::Encoding;
use crate::fixture;

/// A client that can do nothing beyond the base of the protocol, as a plain plug-in of 2017.
pub fn bare_client() -> Value {
    json!({})
}

/// A client that can do everything that the server asks about, as VS Code.
pub fn full_client() -> Value {
    json!({
        "general": { "positionEncodings": ["utf-16"] },
        "window": { "workDoneProgress": true, "showMessage": { "messageActionItem": {} } },
        "workspace": {
            "configuration": true,
            "workspaceFolders": true,
            "didChangeWatchedFiles": { "dynamicRegistration": true },
            "codeLens": { "refreshSupport": true },
            "workspaceEdit": { "documentChanges": true },
            "executeCommand": {},
        },
        "textDocument": {
            "synchronization": { "didSave": true },
            "publishDiagnostics": { "relatedInformation": true, "versionSupport": true, "codeDescriptionSupport": true, "dataSupport": true },
            "codeAction": { "codeActionLiteralSupport": { "codeActionKind": { "valueSet": ["quickfix"] } }, "isPreferredSupport": true },
            "codeLens": {},
        },
    })
}

/// Settings under which no registry of the world is asked about images, unless they say something else about that: what a
/// test sees does not depend on the network.
pub fn asking_no_registries(mut settings: Value) -> Value {
    if let Some(given) = settings.as_object_mut() {
        given
            .entry("images")
            .or_insert_with(|| json!({ "askRegistries": false }));
    }
    settings
}

/// How a server is started; [`Builder::build`] starts it.
pub struct Builder {
    files: String,
    capabilities: Value,
    options: Value,
    settings: Value,
    folders: Vec<String>,
    environment: Vec<(String, String)>,
    choice: Option<String>,
    state: Option<Utf8PathBuf>,
    kept_in: Option<Utf8PathBuf>,
    prepared: bool,
    handshake: bool,
    process_id: u32,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            files: String::new(),
            capabilities: full_client(),
            options: json!({ "verdicts": true }),
            settings: json!({ "verdicts": true }),
            folders: vec![String::new()],
            environment: Vec::new(),
            choice: None,
            state: None,
            kept_in: None,
            prepared: true,
            handshake: true,
            process_id: std::process::id(),
        }
    }
}

impl Builder {
    /// Files of the workspace, each after a line `#- path`.
    pub fn files(mut self, text: &str) -> Self {
        self.files = fixture::dedent(text);
        self
    }

    /// What the client says that it can do.
    pub fn client(mut self, capabilities: Value) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// The position encodings that the client offers, in its order.
    pub fn encodings(mut self, names: &[&str]) -> Self {
        self.capabilities["general"]["positionEncodings"] = json!(names);
        self
    }

    /// `initializationOptions`.
    pub fn options(mut self, options: Value) -> Self {
        self.options = options;
        self
    }

    /// What the client answers when it is asked for its settings.
    pub fn settings(mut self, settings: Value) -> Self {
        self.settings = settings;
        self
    }

    /// The workspace folders, relative to the workspace; otherwise the workspace is the only one.
    pub fn folders(mut self, folders: &[&str]) -> Self {
        self.folders = folders.iter().map(|folder| (*folder).to_owned()).collect();
        self
    }

    /// The title of what the client chooses when it is asked.
    pub fn choice(mut self, title: &str) -> Self {
        self.choice = Some(title.to_owned());
        self
    }

    /// A variable of the server's environment.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A state directory that the test keeps, in place of one that goes with the server.
    pub fn state(mut self, directory: &Utf8Path) -> Self {
        self.state = Some(directory.to_owned());
        self
    }

    /// The parent of workspace and state, which the caller removes; otherwise they go with the server.
    pub fn kept_in(mut self, directory: &Utf8Path) -> Self {
        self.kept_in = Some(directory.to_owned());
        self
    }

    /// Without the prepared store that all tests share: a start is the first one of its state directory.
    pub fn unprepared(mut self) -> Self {
        self.prepared = false;
        self
    }

    /// Nothing is said to the server yet: not even `initialize`.
    pub fn without_handshake(mut self) -> Self {
        self.handshake = false;
        self
    }

    /// The process that the client says it is; otherwise the test itself.
    pub fn process_id(mut self, id: u32) -> Self {
        self.process_id = id;
        self
    }

    /// Starts the server and does the handshake.
    pub fn build(self) -> TestServer {
        let mut directories = Vec::new();
        let mut make_directory = |name: &str| {
            if let Some(parent) = &self.kept_in {
                let path = parent.join(name);
                std::fs::create_dir_all(&path).expect("a directory can be made");
                return path.canonicalize_utf8().expect("UTF-8");
            }
            let directory = tempfile::Builder::new()
                .prefix(&format!("gitops-{name}-"))
                .tempdir()
                .expect("a temporary directory");
            let path = Utf8PathBuf::from_path_buf(directory.path().canonicalize().expect("it is there"));
            directories.push(directory);
            path.expect("UTF-8")
        };
        let workspace = make_directory("workspace");
        let state = self.state.unwrap_or_else(|| make_directory("state"));
        if self.prepared {
            share_prepared_store(&state);
        }
        for file in fixture::files(&self.files) {
            write_file(&workspace.join(&file.path), &file.text);
        }
        let mut command = Command::new(gitops_lsp());
        command
            .env("GITOPS_LSP_STATE_DIR", &state)
            .env_remove("GITOPS_LSP_LOG")
            .current_dir(&workspace);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let (process, input, output) = ServerProcess::spawn(&mut command);
        let client = Client::new(
            input,
            output,
            Manners {
                settings: asking_no_registries(self.settings),
                choice: self.choice,
            },
        );
        let folders: Vec<Value> = self
            .folders
            .iter()
            .map(|folder| {
                std::fs::create_dir_all(workspace.join(folder)).expect("a folder can be made");
                let path = if folder.is_empty() {
                    workspace.clone()
                } else {
                    workspace.join(folder)
                };
                json!({ "uri": uri_of(&path), "name": path.file_name().unwrap_or_default() })
            })
            .collect();
        let mut initialized = Value::Null;
        if self.handshake {
            let params = json!({
                "processId": self.process_id,
                "clientInfo": { "name": "gitops-tests" },
                "rootUri": folders.first().map(|folder| folder["uri"].clone()),
                "workspaceFolders": folders,
                "capabilities": self.capabilities,
                "initializationOptions": asking_no_registries(self.options),
            });
            initialized = client.request("initialize", params).expect("initialize is answered");
            client.notify("initialized", json!({}));
        }
        let encoding = Encoding::named(initialized["capabilities"]["positionEncoding"].as_str());
        TestServer {
            client,
            process,
            workspace,
            state,
            initialized,
            encoding,
            buffers: Mutex::new(BTreeMap::new()),
            slot: Mutex::new(None),
            ended: false,
            _directories: directories,
        }
    }
}

/// A sandbox that starts from a prepared store is there in a third of the time, so all tests share one.
fn share_prepared_store(state: &Utf8Path) {
    let shared = target_directory().join("tests").join("prepared");
    std::fs::create_dir_all(&shared).expect("the target directory can be written");
    #[cfg(unix)]
    if let Err(error) = std::os::unix::fs::symlink(&shared, state.join("prepared")) {
        assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists, "{error}");
    }
}

/// Writes a file, and the directories that it needs.
pub(super) fn write_file(path: &Utf8Path, content: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().expect("a file is in a directory")).expect("directories can be made");
    std::fs::write(path, content).unwrap_or_else(|error| panic!("{path}: {error}"));
}

/// A path as a URI, everything but the plainest characters escaped (RFC 3986).
pub fn uri_of(path: &Utf8Path) -> String {
    let mut uri = "file://".to_owned();
    for byte in path.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
