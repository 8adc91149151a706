//! What must be on the cluster before a file is saved, put there past the program under test.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use gitops_cluster::answer::{Knowledge, Policy, Rule, ScalarType};
use gitops_cluster::kube::config::{KubeConfigOptions, Kubeconfig};
use gitops_cluster::kube::{Client, Config};
use gitops_cluster::{Cluster as Connection, Learn, Mode, Reply, SentObject};
use gitops_model::{Gvk, ObjectKey};
use gitops_tests::kubernetes::Cluster;
use gitops_tests::shared;
use gitops_yaml::FieldPath;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// How long what was put there may take to have an effect.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes a namespace in which pods can be created.
pub(crate) fn namespace(name: &str) -> Cluster {
    namespace_with(name, &json!({}))
}

/// [`namespace`] with labels.
pub(crate) fn namespace_with(name: &str, labels: &Value) -> Cluster {
    let cluster = shared::session().cluster();
    cluster.apply(
        "tests",
        &json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels } }),
    );
    cluster.wait_until("v1", "ServiceAccount", Some(name), "default", |_| true);
    cluster
}

/// Waits until the API server refuses an object with these words.
///
/// It takes up policies, webhooks and quotas some time after they were created, and nothing tells when; so it is asked.
pub(crate) fn until_refused(object: &Value, words: &str) {
    let connection = Asker::new(None);
    let started = Instant::now();
    loop {
        let said = connection.ask(object);
        if said.as_deref().is_some_and(|said| said.contains(words)) {
            return;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "{object} is not refused with {words:?}, but {said:?}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until discovery shows a kind: it follows a definition's Established condition with a delay that nothing announces.
pub(crate) fn until_served(group: &str, kind: &str) {
    let asker = Asker::new(None);
    let started = Instant::now();
    loop {
        asker
            .runtime
            .block_on(asker.connection.refresh_kinds())
            .expect("the server answers");
        if asker
            .connection
            .kinds()
            .all()
            .any(|gvk| gvk.group == group && gvk.kind == kind)
        {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{kind} is not served");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A connection of one user.
pub(crate) struct Asker {
    runtime: &'static Runtime,
    connection: Connection,
}

impl Asker {
    /// Connects as the administrator, or as the user whom he pretends to be.
    pub(crate) fn new(user: Option<&str>) -> Self {
        static RUNTIME: OnceLock<Runtime> = OnceLock::new();
        let runtime = RUNTIME.get_or_init(|| {
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .expect("a runtime")
        });
        let path = shared::session().started["kubeconfig"]
            .as_str()
            .expect("a started session says where its kubeconfig is");
        let connection = runtime.block_on(async {
            let kubeconfig = Kubeconfig::read_from(path).expect("the kubeconfig is there");
            let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
                .await
                .expect("the kubeconfig is whole");
            config.auth_info.impersonate = user.map(str::to_owned);
            Connection::connect(Client::try_from(config).expect("the kubeconfig can be used"), "tests")
                .await
                .expect("the server answers")
        });
        Self { runtime, connection }
    }

    /// What the server says against an object, in its own words; `None` when it takes it.
    fn ask(&self, object: &Value) -> Option<String> {
        let key = key_of(object);
        let kinds = self.connection.kinds();
        let served = kinds.get(&key.gvk).expect("the kind is served");
        match self
            .runtime
            .block_on(
                self.connection
                    .apply(&key, served, &SentObject::new(object), Mode::DryRun),
            )
            .expect("the server answers")
        {
            Reply::Accepted { .. } => None,
            Reply::Refused { refusal, .. } => Some(refusal.message),
        }
    }

    /// Puts an object of any kind on the cluster.
    pub(crate) fn put(&self, object: &Value) {
        let key = key_of(object);
        let kinds = self.connection.kinds();
        let served = kinds.get(&key.gvk).expect("the kind is served");
        let reply = self
            .runtime
            .block_on(
                self.connection
                    .apply(&key, served, &SentObject::new(object), Mode::ApplyForced),
            )
            .expect("the server answers");
        assert!(
            matches!(reply, Reply::Accepted { .. }),
            "{object} cannot be applied: {reply:?}"
        );
    }

    /// What people are told about an object, with the place of each answer.
    pub(crate) fn judge(&self, object: &Value) -> Vec<String> {
        let judgement = self
            .runtime
            .block_on(gitops_cluster::judge(
                &self.connection,
                &key_of(object),
                &SentObject::new(object),
                &KnowsNothing,
            ))
            .expect("the server answers");
        judgement
            .answers
            .iter()
            .map(|answer| format!("{:?} {} {}: {}", answer.place, answer.path, answer.slug, answer.message))
            .collect()
    }
}

fn key_of(object: &Value) -> ObjectKey {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    ObjectKey {
        gvk: Gvk::parse(text("/apiVersion").expect("apiVersion"), text("/kind").expect("kind")),
        namespace: text("/metadata/namespace").map(str::to_owned),
        name: text("/metadata/name").expect("a name").to_owned(),
    }
}

/// A server of which nothing is known but what it says.
struct KnowsNothing;

impl Learn for KnowsNothing {
    fn learn<'a>(&'a self, _: &'a Connection, _: &'a Gvk, _: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    fn kinds_changed(&self) {}
}

impl Knowledge for KnowsNothing {
    fn fields(&self, _: &Gvk, _: &FieldPath) -> Vec<String> {
        Vec::new()
    }

    fn is_quantity(&self, _: &Gvk, _: &FieldPath) -> bool {
        false
    }

    fn scalar_type(&self, _: &Gvk, _: &FieldPath) -> Option<ScalarType> {
        None
    }

    fn list_keys(&self, _: &Gvk, _: &FieldPath) -> Vec<String> {
        Vec::new()
    }

    fn rules(&self, _: &Gvk, _: &FieldPath) -> Vec<Rule> {
        Vec::new()
    }

    fn policy(&self, _: &str) -> Option<Policy> {
        None
    }

    fn served(&self) -> Vec<Gvk> {
        Vec::new()
    }
}
