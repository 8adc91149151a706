//! The API server asked with nothing in between but what the server itself uses: the same client library with the same
//! configuration, one kept-alive connection.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use gitops_cluster::kube::api::{Patch, PatchParams, ValidationDirective};
use gitops_cluster::kube::config::{KubeConfigOptions, Kubeconfig};
use gitops_cluster::kube::core::Request;
use gitops_cluster::kube::{Client, Config};
use serde_json::Value;
use tokio::runtime::Runtime;

/// A connection.
pub struct BareCluster {
    runtime: Runtime,
    client: Client,
    parameters: PatchParams,
}

impl BareCluster {
    /// Connects as the field manager of a session, so that the API server has the same to do.
    pub fn connect(kubeconfig: &Utf8Path, field_manager: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let client = runtime.block_on(async {
            let config = Kubeconfig::read_from(kubeconfig).unwrap_or_else(|error| panic!("{kubeconfig}: {error}"));
            let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default())
                .await
                .expect("the kubeconfig is whole");
            Client::try_from(config).expect("the kubeconfig can be used")
        });
        let parameters = PatchParams {
            dry_run: true,
            force: false,
            field_manager: Some(field_manager.to_owned()),
            field_validation: Some(ValidationDirective::Strict),
        };
        Self {
            runtime,
            client,
            parameters,
        }
    }

    /// A dry run of an object, from the object to the bytes of the answer.
    pub fn dry_run(&self, path: &str, object: &Value) -> Duration {
        let name = object["metadata"]["name"].as_str().expect("a name");
        let began = Instant::now();
        let request = Request::new(path)
            .patch(name, &self.parameters, &Patch::Apply(object))
            .expect("a request");
        let answer = self.runtime.block_on(self.client.request_text(request));
        let elapsed = began.elapsed();
        answer.unwrap_or_else(|error| panic!("the bare dry run of {name} is refused: {error}"));
        elapsed
    }

    /// The document of a path.
    pub fn document(&self, path: &str) -> Value {
        let request = Request::new(path)
            .list(&gitops_cluster::kube::api::ListParams::default())
            .expect("a request");
        let answer = self
            .runtime
            .block_on(self.client.request_text(request))
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        serde_json::from_str(&answer).expect("JSON")
    }
}

/// A kubectl, one process for each question.
pub struct Kubectl {
    program: Utf8PathBuf,
    kubeconfig: Utf8PathBuf,
    field_manager: String,
    directory: tempfile::TempDir,
}

impl Kubectl {
    /// One that asks the cluster of a kubeconfig. What it finds out about the cluster's kinds it keeps between calls.
    pub fn new(program: &Utf8Path, kubeconfig: &Utf8Path, field_manager: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        Self {
            program: program.to_owned(),
            kubeconfig: kubeconfig.to_owned(),
            field_manager: field_manager.to_owned(),
            directory,
        }
    }

    /// A dry run of a text, from the start of the process to its end.
    pub fn dry_run(&self, text: &str) -> Duration {
        let file = self.directory.path().join("object.yaml");
        std::fs::write(&file, text).expect("a file can be written");
        let began = Instant::now();
        let output = Command::new(&self.program)
            .args([
                "apply",
                "--server-side",
                "--dry-run=server",
                "--field-manager",
                &self.field_manager,
                "--kubeconfig",
                self.kubeconfig.as_str(),
            ])
            .arg("--cache-dir")
            .arg(self.directory.path().join("cache"))
            .arg("--filename")
            .arg(&file)
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", self.program));
        let elapsed = began.elapsed();
        assert!(
            output.status.success(),
            "kubectl refuses: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        elapsed
    }
}
