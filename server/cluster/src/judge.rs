//! All errors of one object at once: a dry run, repeated without what was refused until nothing new comes.

use futures::future::BoxFuture;
use gitops_model::{Gvk, ObjectKey};
use serde_json::Value;

use crate::answer::{Answer, Knowledge, PeelRecord, Refusal, codes, decode, decode_warnings, name_missing};
use crate::connection::{Cluster, Mode, Reply, Unreachable};
use crate::kinds::ServedKind;
use crate::sent_object::SentObject;

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
pub async fn judge(
    cluster: &Cluster,
    key: &ObjectKey,
    object: &SentObject,
    knowledge: &dyn Learn,
) -> Result<Judgement, Unreachable> {
    let mut judgement = Judgement::default();
    let mut kinds = cluster.kinds();
    if kinds.get(&key.gvk).is_none() {
        let now = cluster.kinds_after(&kinds).await?;
        if !now.all().eq(kinds.all()) {
            knowledge.kinds_changed();
        }
        kinds = now;
    }
    // What has no address cannot be sent. The server's own words for it are known, and are decoded as if it had spoken.
    let Some(served) = kinds.get(&key.gvk) else {
        let refusal = not_served(&key.gvk);
        knowledge.learn(cluster, &key.gvk, &refusal.message).await;
        judgement.answers = decode(&refusal, &key.gvk, &object.value(), None, knowledge);
        return Ok(judgement);
    };
    if key.name.is_empty() {
        let object = object.value();
        judgement.answers = name_missing(&object);
        // What else is wrong is said all the same, of an object that has a name.
        if let Some(named) = with_name(object) {
            let key = ObjectKey {
                name: STAND_IN_NAME.to_owned(),
                ..key.clone()
            };
            let rest = judge_named(cluster, &key, served, &SentObject::new(&named), knowledge).await?;
            let about_name = |answer: &Answer| answer.path.to_string().starts_with("metadata.name");
            judgement
                .answers
                .extend(rest.answers.into_iter().filter(|answer| !about_name(answer)));
            judgement.warnings = rest.warnings;
            judgement.rounds = rest.rounds;
        }
        return Ok(judgement);
    }
    judge_named(cluster, key, served, object, knowledge).await
}

/// The name of an object that has none, for as long as it is judged. Nothing of this name is ever applied.
const STAND_IN_NAME: &str = "an-object-without-a-name";

/// The object with a name; `None` where there is no place for one.
fn with_name(mut named: Value) -> Option<Value> {
    let metadata = named
        .as_object_mut()?
        .entry("metadata")
        .or_insert_with(|| Value::Object(serde_json::Map::new()));
    metadata
        .as_object_mut()?
        .insert("name".to_owned(), Value::from(STAND_IN_NAME));
    Some(named)
}

async fn judge_named(
    cluster: &Cluster,
    key: &ObjectKey,
    served: &ServedKind,
    object: &SentObject,
    knowledge: &dyn Learn,
) -> Result<Judgement, Unreachable> {
    let mut judgement = Judgement::default();
    let mut record = PeelRecord::default();
    let mut peeled: Option<Value> = None;
    let mut stand_in: Option<ObjectKey> = None;
    while judgement.rounds < MAX_ROUNDS {
        judgement.rounds += 1;
        let body = peeled.as_ref().map_or_else(|| object.clone(), SentObject::new);
        let (refusal, warnings) = match cluster
            .apply(stand_in.as_ref().unwrap_or(key), served, &body, Mode::DryRun)
            .await?
        {
            // Nothing to say, which is the rule.
            Reply::Accepted { warnings, .. } if warnings.is_empty() => break,
            Reply::Accepted { warnings, .. } => (None, warnings),
            Reply::Refused { refusal, warnings } => (Some(refusal), warnings),
        };
        let sent = peeled.take().unwrap_or_else(|| object.value());
        if !warnings.is_empty() {
            knowledge.learn(cluster, &key.gvk, "").await;
        }
        for warning in &warnings {
            let decoded = decode_warnings(warning, &key.gvk, &sent, knowledge);
            add_new(&mut judgement.warnings, record.restore(decoded));
        }
        let Some(refusal) = refusal else { break };
        knowledge.learn(cluster, &key.gvk, &refusal.message).await;
        // Another namespace has other quotas and policies: what it forbids says nothing of this object.
        if stand_in.is_some() && matches!(refusal.status, 403 | 404 | 409) {
            break;
        }
        let live = if is_about_a_change(&refusal.message) {
            cluster.get(key, served).await?
        } else {
            None
        };
        let answers = decode(&refusal, &key.gvk, &sent, live.as_ref(), knowledge);
        add_new(&mut judgement.answers, record.restore(answers.clone()));
        let mut next = sent;
        let missing = |answer: &Answer| answer.slug == codes::NAMESPACE_NOT_FOUND;
        if stand_in.is_none() && answers.iter().any(missing) {
            stand_in = elsewhere(cluster, key, served, &mut next).await?;
            if stand_in.is_none() {
                break;
            }
        } else if !record.peel(&mut next, &answers) {
            break;
        }
        peeled = Some(next);
    }
    Ok(judgement)
}

/// Where an object can be judged whose namespace is missing: the default namespace, unless it has one of this name, which
/// it would be compared with. Nothing is ever applied there.
///
/// The server asks for the namespace before it looks at the object, and what else is wrong would be said after that only.
async fn elsewhere(
    cluster: &Cluster,
    key: &ObjectKey,
    served: &ServedKind,
    object: &mut Value,
) -> Result<Option<ObjectKey>, Unreachable> {
    let nowhere = ObjectKey {
        namespace: None,
        ..key.clone()
    };
    let stand_in = ObjectKey {
        namespace: cluster.namespace_of(&nowhere, served),
        ..nowhere
    };
    let namespace = object.pointer_mut("/metadata/namespace");
    let (Some(written), Some(default)) = (namespace, &stand_in.namespace) else {
        return Ok(None);
    };
    if cluster.get(&stand_in, served).await?.is_some() {
        return Ok(None);
    }
    *written = Value::from(default.as_str());
    Ok(Some(stand_in))
}

fn add_new(known: &mut Vec<Answer>, answers: Vec<Answer>) {
    for answer in answers {
        // How many items there are, and how long a text is, changes as they are left out; that they are too many was said.
        let counts = matches!(
            answer.slug,
            codes::TOO_MANY | codes::TOO_FEW | codes::TOO_LONG | codes::TOO_LARGE
        );
        let same =
            |known: &Answer| known.slug == answer.slug && known.path == answer.path && known.place == answer.place;
        let said = known
            .iter()
            .any(|known| same(known) && (counts || known.message == answer.message));
        if !said {
            known.push(answer);
        }
    }
}

/// Whether the answer may be about a change, so that the leaf that changed can only be found beside the live object.
fn is_about_a_change(message: &str) -> bool {
    [
        "immutable",
        "may not change",
        "cannot change",
        "updates may not",
        "may not be changed",
        "Forbidden",
        "forbidden",
        "may not be specified",
        "updates to",
    ]
    .iter()
    .any(|word| message.contains(word))
}

fn not_served(gvk: &Gvk) -> Refusal {
    Refusal {
        status: 404,
        reason: "NotFound".to_owned(),
        message: format!(
            "no matches for kind \"{}\" in version \"{}\"",
            gvk.kind,
            gvk.api_version()
        ),
        causes: Vec::new(),
    }
}
