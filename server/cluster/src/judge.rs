//! All errors of one object at once: a dry run, repeated without what was refused until nothing new comes.

use futures::future::BoxFuture;
use gitops_model::{Gvk, ObjectKey};
use serde_json::Value;

use crate::answer::{Answer, Knowledge, PeelRecord, Refusal, decode, decode_warnings};
use crate::connection::{Cluster, Mode, Reply, Unreachable};

/// How often an object is asked about at most.
pub const MAX_ROUNDS: usize = 8;

/// What the server thinks of an object.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// What it refuses, in the order in which it came.
    pub answers: Vec<Answer>,
    /// What it warns of.
    pub warnings: Vec<Answer>,
    /// How many dry runs it took, 0 for what was never sent.
    pub rounds: usize,
}

impl Judgement {
    /// Whether the object as it stands would be taken.
    pub fn accepted(&self) -> bool {
        self.answers.is_empty()
    }
}

/// What the decoder may need to know before it can place an answer; asked for only when something was refused.
pub trait Learn: Knowledge + Sync {
    /// Makes what is known about `gvk` complete: its schema, and the policies that the refusal names.
    fn learn<'a>(&'a self, cluster: &'a Cluster, gvk: &'a Gvk, message: &'a str) -> BoxFuture<'a, ()>;

    /// A CRD came, changed or went: what is known of schemas may be old.
    fn kinds_changed(&self);
}

/// Asks the server about `object` with `fieldValidation=Strict`, and again without the refused fields, [`MAX_ROUNDS`] times at most.
pub async fn judge(cluster: &Cluster, key: &ObjectKey, object: &Value, knowledge: &dyn Learn) -> Result<Judgement, Unreachable> {
    let mut judgement = Judgement::default();
    let kinds = cluster.kinds();
    let served = kinds.get(&key.gvk);
    let (Some(served), false) = (served, key.name.is_empty()) else {
        // Neither has an address to be sent to. The server's own words for it are known, and are decoded as if it had spoken.
        let refusal = if served.is_none() { not_served(&key.gvk) } else { nameless() };
        knowledge.learn(cluster, &key.gvk, &refusal.message).await;
        judgement.answers = decode(&refusal, &key.gvk, object, None, knowledge);
        return Ok(judgement);
    };
    let mut record = PeelRecord::default();
    let mut peeled: Option<Value> = None;
    while judgement.rounds < MAX_ROUNDS {
        judgement.rounds += 1;
        let sent = peeled.as_ref().unwrap_or(object);
        let (refusal, warnings) = match cluster.apply(key, served, sent, Mode::DryRun).await? {
            Reply::Accepted { warnings, .. } => (None, warnings),
            Reply::Refused { refusal, warnings } => (Some(refusal), warnings),
        };
        if !warnings.is_empty() {
            knowledge.learn(cluster, &key.gvk, "").await;
        }
        for warning in &warnings {
            let decoded = decode_warnings(warning, &key.gvk, sent, knowledge);
            add_new(&mut judgement.warnings, record.restore(decoded));
        }
        let Some(refusal) = refusal else { break };
        knowledge.learn(cluster, &key.gvk, &refusal.message).await;
        let live = if is_about_a_change(&refusal.message) { cluster.get(key, served).await? } else { None };
        let answers = decode(&refusal, &key.gvk, sent, live.as_ref(), knowledge);
        add_new(&mut judgement.answers, record.restore(answers.clone()));
        let mut next = sent.clone();
        if !record.peel(&mut next, &answers) {
            break;
        }
        peeled = Some(next);
    }
    Ok(judgement)
}

fn add_new(known: &mut Vec<Answer>, answers: Vec<Answer>) {
    for answer in answers {
        let said = known.iter().any(|known| known.slug == answer.slug && known.path == answer.path && known.place == answer.place && known.message == answer.message);
        if !said {
            known.push(answer);
        }
    }
}

/// Whether the answer may be about a change, so that the leaf that changed can only be found beside the live object.
fn is_about_a_change(message: &str) -> bool {
    ["immutable", "may not change", "may not be changed", "Forbidden", "forbidden", "may not be specified", "updates to"].iter().any(|word| message.contains(word))
}

fn not_served(gvk: &Gvk) -> Refusal {
    Refusal {
        status: 404,
        reason: "NotFound".to_owned(),
        message: format!("no matches for kind \"{}\" in version \"{}\"", gvk.kind, gvk.api_version()),
        causes: Vec::new(),
    }
}

fn nameless() -> Refusal {
    Refusal {
        status: 400,
        reason: "BadRequest".to_owned(),
        message: "the name of the object was undeterminable: name must be provided".to_owned(),
        causes: Vec::new(),
    }
}
