//! `gitops.preview`: what a save would change, before it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use camino::Utf8Path;
use futures::StreamExt as _;
use futures::stream;
use gitops_cluster::Cluster;
use gitops_cluster::answer::codes;
use gitops_model::ObjectKey;
use gitops_session::actions::{Refused, difference, is_there};
use gitops_session::{Live, Outcome, Supplied};
use lsp_server::RequestId;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::about::ObjectArguments;
use super::{Done, LIMIT, show};
use crate::built::Coming;
use crate::built::preview::{AskPreview, Gone, WouldBuild};
use crate::built::{Order, Orders};
use crate::client::Failure;
use crate::event::{Event, TaskDone};
use crate::files::Files;
use crate::state::State;

/// How many objects are asked about at once; the session lets no more through.
const AT_ONCE: usize = 8;
/// How many objects are asked about.
const MAX_ASKED: usize = 500;

/// What the command takes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PreviewArguments {
    uri: ls_types::Uri,
    /// Whether the server is to have the client show what came out.
    show: Option<bool>,
}

/// What was found out for a version of a file, for its lens.
pub(crate) struct Previewed {
    /// The file.
    pub(crate) name: Arc<str>,
    /// The version that it is about.
    pub(crate) version: Option<i32>,
    /// In one line.
    pub(crate) title: String,
}

/// What would become of the objects.
#[derive(Default)]
struct Preview {
    created: Vec<ObjectKey>,
    changed: Vec<ObjectKey>,
    deleted: Vec<ObjectKey>,
    left: Vec<ObjectKey>,
    refused: Vec<Refusal>,
    faults: Vec<String>,
    not_asked: usize,
}

/// Why an object would not be taken.
struct Refusal {
    key: ObjectKey,
    code: String,
    path: String,
    message: String,
}

/// Begins; the request is answered when it is known.
pub(crate) fn begin(state: &State, request: RequestId, arguments: &PreviewArguments) -> Result<(), Failure> {
    let name = Files::name_of(&arguments.uri);
    find_out(state, Some(request), &name, arguments.show == Some(true))
}

/// A text has changed: where a person wants to see it, what a save would change is found out. One is under way at a time,
/// and the newest that waits comes next.
pub(crate) fn typed(state: &mut State, name: &Arc<str>) {
    if !state.settings.preview.on_type {
        return;
    }
    if state.is_previewing {
        state.preview_next = Some(Arc::clone(name));
        return;
    }
    // A file that no session applies has no preview, which is no fault.
    state.is_previewing = find_out(state, None, name, false).is_ok();
}

/// What was found out while typing is there.
pub(super) fn found_out(state: &mut State) {
    state.is_previewing = false;
    if let Some(next) = state.preview_next.take() {
        typed(state, &next);
    }
}

fn find_out(state: &State, request: Option<RequestId>, name: &Arc<str>, show: bool) -> Result<(), Failure> {
    let not_running = || Failure::failed("no session applies this file; start one first (gitops.session.start)");
    let file = state.files.get(name).ok_or_else(not_running)?;
    let (_, session) = state.session_of(file.path.as_ref()).ok_or_else(not_running)?;
    let running = session.running().ok_or_else(not_running)?;
    let parsed = file.parsed.as_ref().ok_or_else(not_running)?;
    let work = match &session.building {
        Some(building) => Work::Built {
            worker: building.worker.clone(),
            buffers: buffers(state, &session.root),
        },
        None => Work::Plain {
            objects: parsed.supplied(),
            before: file.supplies.clone(),
            is_complete: parsed.is_complete(),
        },
    };
    let (live, cluster) = (running.live.clone(), running.cluster.clone());
    let directory = running.kubeconfig.parent().map(Utf8Path::to_owned).unwrap_or_default();
    let (inbox, way) = (state.inbox.clone(), show::way(state));
    let (name, version) = (Arc::clone(name), file.version);
    state.runtime.spawn(async move {
        let result = match tokio::time::timeout(LIMIT, preview(work, &live, &cluster)).await {
            Ok(Ok(preview)) => Ok(preview),
            Ok(Err(Refused(reason))) => Err(Failure::failed(reason)),
            Err(_) => Err(Failure::failed("the sandbox did not answer in time")),
        };
        let previewed = result.as_ref().ok().map(|preview| Previewed {
            name,
            version,
            title: preview.title(),
        });
        let result = result.map(|preview| preview.as_json());
        let page = match &result {
            Ok(result) if show => show::page(show::PREVIEW, result, way, &directory).await,
            _ => None,
        };
        let done = Done {
            request,
            result,
            show: page,
            changes: true,
            previewed,
        };
        let _ = inbox.send(Event::Task(TaskDone::Acted(done)));
    });
    Ok(())
}

/// What is to be looked at.
enum Work {
    /// A target that is built.
    Built {
        worker: Orders,
        buffers: BTreeMap<String, String>,
    },
    /// Manifests as they stand.
    Plain {
        objects: Vec<Supplied>,
        before: Vec<ObjectKey>,
        is_complete: bool,
    },
}

/// The open buffers below a folder.
fn buffers(state: &State, root: &Utf8Path) -> BTreeMap<String, String> {
    let open = state.files.iter().filter(|(_, file)| file.version.is_some());
    open.filter_map(|(_, file)| {
        let path = file.path.as_ref()?.strip_prefix(root).ok()?;
        Some((path.to_string(), file.text()?.as_str().to_owned()))
    })
    .collect()
}

async fn preview(work: Work, live: &Live, cluster: &Cluster) -> Result<Preview, Refused> {
    let mut preview = Preview::default();
    match work {
        Work::Built { worker, buffers } => {
            let ended = || Refused("the session has ended".to_owned());
            let (answer, answered) = oneshot::channel();
            let ask = Box::new(AskPreview { buffers, answer });
            super::perform::ask(&worker, Order::Preview(ask))?;
            let would = answered.await.map_err(|_| ended())?;
            preview.of_built(would, live, cluster).await?;
        }
        Work::Plain {
            objects,
            before,
            is_complete,
        } => {
            for supplied in &objects {
                preview.judge(supplied, None, live, cluster).await?;
            }
            let namespaced = |key: &ObjectKey| with_namespace(cluster, key);
            let now: Vec<ObjectKey> = objects
                .iter()
                .map(|supplied| namespaced(&supplied.manifest.key))
                .collect();
            // What is missing in a broken file may stand in the part that could not be read.
            if is_complete {
                let gone = before.into_iter().filter(|key| !now.contains(&namespaced(key)));
                preview.deleted.extend(gone);
            }
        }
    }
    Ok(preview)
}

async fn is_other(supplied: &Supplied, live: &Live, cluster: &Cluster) -> Result<bool, Refused> {
    let manager = live.cluster().field_manager();
    let difference = difference(cluster, manager, &supplied.manifest.key, &supplied.object.value(), &[]).await?;
    Ok(!difference.is_empty())
}

fn with_namespace(cluster: &Cluster, key: &ObjectKey) -> ObjectKey {
    let kinds = cluster.kinds();
    ObjectKey {
        namespace: kinds
            .get(&key.gvk)
            .map_or_else(|| key.namespace.clone(), |served| cluster.namespace_of(key, served)),
        ..key.clone()
    }
}

impl Preview {
    async fn of_built(&mut self, would: WouldBuild, live: &Live, cluster: &Cluster) -> Result<(), Refused> {
        self.faults = would.faults;
        for Gone { key, deleted } in would.gone {
            if deleted {
                self.deleted.push(key);
            } else {
                self.left.push(key);
            }
        }
        self.not_asked = would.changed.len().saturating_sub(MAX_ASKED);
        let brings = &would.brings;
        let judging = would.changed.into_iter().take(MAX_ASKED).map(|supplied| async move {
            let mut one = Self::default();
            one.judge(&supplied, Some(brings), live, cluster).await.map(|()| one)
        });
        let judged: Vec<Result<Self, Refused>> = stream::iter(judging).buffered(AT_ONCE).collect().await;
        for one in judged {
            let one = one?;
            self.created.extend(one.created);
            self.changed.extend(one.changed);
            self.refused.extend(one.refused);
        }
        Ok(())
    }

    async fn judge(
        &mut self,
        supplied: &Supplied,
        brings: Option<&Coming>,
        live: &Live,
        cluster: &Cluster,
    ) -> Result<(), Refused> {
        let mut verdict = live.judge(supplied).await;
        if let Some(brings) = brings {
            brings.take_out_of(&mut verdict);
        }
        let key = ObjectKey::clone(&verdict.manifest.key);
        if let Outcome::Unreachable { reason } = verdict.outcome {
            return Err(Refused(reason));
        }
        if verdict.judgement.answers.is_empty() {
            let is_there = is_there(cluster, &key).await?;
            if !is_there {
                self.created.push(key);
            // What is built is known to be other than what was built; a manifest as it stands is compared with what is live.
            } else if brings.is_some() || is_other(supplied, live, cluster).await? {
                self.changed.push(key);
            }
            return Ok(());
        }
        self.refused
            .extend(verdict.judgement.answers.into_iter().map(|answer| Refusal {
                key: key.clone(),
                code: answer.slug.to_owned(),
                path: answer.path.to_string(),
                message: answer.message,
            }));
        Ok(())
    }

    /// `a save would: 1 create · 2 change · 1 delete · 1 problem`.
    fn title(&self) -> String {
        let immutable = self
            .refused
            .iter()
            .filter(|refusal| refusal.code == codes::IMMUTABLE_FIELD)
            .count();
        let problems = self.refused.len() - immutable + self.faults.len();
        let parts = [
            (self.created.len(), "create"),
            (self.changed.len(), "change"),
            (self.deleted.len(), "delete"),
        ];
        let mut words: Vec<String> = parts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, verb)| format!("{verb} {count}"))
            .collect();
        if immutable > 0 {
            words.push(format!("⚠ {immutable} immutable"));
        }
        if problems > 0 {
            words.push(format!("✗ {problems} refused"));
        }
        if words.is_empty() {
            return "a save would change nothing".to_owned();
        }
        format!("a save would: {}", words.join(" · "))
    }

    fn text(&self) -> String {
        let mut text = format!("# {}\n", self.title());
        let lists = [
            ("+", &self.created, ""),
            ("~", &self.changed, ""),
            ("-", &self.deleted, ""),
            (
                "=",
                &self.left,
                " is no longer built, and stays: its Kustomization does not prune",
            ),
        ];
        for (mark, keys, note) in lists {
            for key in keys {
                let _ = writeln!(text, "{mark} {key}{note}");
            }
        }
        for refusal in &self.refused {
            let at = if refusal.path.is_empty() {
                String::new()
            } else {
                format!(" {}", refusal.path)
            };
            let _ = writeln!(text, "! {}{at}: {}", refusal.key, refusal.message);
        }
        for fault in &self.faults {
            let _ = writeln!(text, "! {fault}");
        }
        if self.not_asked > 0 {
            let _ = writeln!(text, "# {} more objects were not asked about", self.not_asked);
        }
        text
    }

    fn as_json(&self) -> Value {
        let named =
            |keys: &[ObjectKey]| -> Value { keys.iter().map(|key| json!(ObjectArguments::from(key))).collect() };
        let refused: Vec<Value> = self
            .refused
            .iter()
            .map(|refusal| {
                json!({ "object": ObjectArguments::from(&refusal.key), "code": format!("apply/{}", refusal.code),
                    "path": refusal.path, "message": refusal.message })
            })
            .collect();
        json!({
            "text": self.text(),
            "created": named(&self.created),
            "changed": named(&self.changed),
            "deleted": named(&self.deleted),
            "refused": refused,
            "faults": self.faults,
        })
    }
}

#[cfg(test)]
mod tests {
    use gitops_model::{Gvk, ObjectKey};

    use super::{Preview, Refusal};

    fn key(name: &str) -> ObjectKey {
        ObjectKey {
            gvk: Gvk::parse("v1", "ConfigMap"),
            namespace: Some("a".to_owned()),
            name: name.to_owned(),
        }
    }

    #[test]
    fn a_preview_is_told_in_one_line_and_in_many() {
        let preview = Preview {
            created: vec![key("new")],
            changed: vec![key("x"), key("y")],
            refused: vec![Refusal {
                key: key("z"),
                code: "immutable-field".to_owned(),
                path: "data".to_owned(),
                message: "this cannot be changed".to_owned(),
            }],
            ..Preview::default()
        };
        assert_eq!(preview.title(), "a save would: create 1 · change 2 · ⚠ 1 immutable");
        let text = preview.text();
        assert!(text.contains("+ ConfigMap/a/new\n~ ConfigMap/a/x\n"), "{text}");
        assert!(
            text.contains("! ConfigMap/a/z data: this cannot be changed\n"),
            "{text}"
        );
        assert_eq!(Preview::default().title(), "a save would change nothing");
    }
}
