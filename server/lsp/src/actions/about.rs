//! Which object is meant: the one under the cursor, or the one that is named.

use camino::{Utf8Path, Utf8PathBuf};
use gitops_cluster::Cluster;
use gitops_model::{FileRole, Gvk, Manifest, ObjectKey, file_role};
use gitops_text::Span;
use ls_types::{Position, Uri};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::built::Orders;
use crate::built::shown::About;
use crate::client::Failure;
use crate::files::{File, Files};
use crate::parsed::Parsed;
use crate::position::inward;
use crate::session::Session;
use crate::state::State;

/// What the commands take: a place in a file, or an object.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Arguments {
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uri: Option<Uri>,
    /// The place in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) position: Option<Position>,
    /// The object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) object: Option<ObjectArguments>,
    /// Why, for a suspension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// Whether the server is to have the client show what came out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) show: Option<bool>,
}

/// An object by its name.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ObjectArguments {
    /// Such as `apps/v1`.
    pub(crate) api_version: String,
    /// Such as `Deployment`.
    pub(crate) kind: String,
    /// `None` for what is in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
    /// Its name.
    pub(crate) name: String,
}

impl From<ObjectArguments> for ObjectKey {
    fn from(object: ObjectArguments) -> Self {
        Self {
            gvk: Gvk::parse(&object.api_version, &object.kind),
            namespace: object.namespace.filter(|namespace| !namespace.is_empty()),
            name: object.name,
        }
    }
}

impl From<&ObjectKey> for ObjectArguments {
    fn from(key: &ObjectKey) -> Self {
        Self {
            api_version: key.gvk.api_version(),
            kind: key.gvk.kind.clone(),
            namespace: key.namespace.clone(),
            name: key.name.clone(),
        }
    }
}

/// What an action is about, with all that is needed to do it away from the loop.
pub(crate) struct Subject {
    /// The sandbox.
    pub(crate) cluster: Cluster,
    /// As which field manager objects of this session are applied.
    pub(crate) manager: String,
    /// Who knows what was built; `None` where manifests are applied as they stand.
    pub(crate) worker: Option<Orders>,
    /// The session's own directory.
    pub(crate) directory: Utf8PathBuf,
    /// What is asked for.
    pub(crate) about: About,
    /// The manifest as it is written, where it is one: its identity, and the object that is sent.
    pub(crate) manifest: Option<(ObjectKey, Value)>,
}

/// Finds out what is meant, and in which session.
pub(crate) fn subject(state: &State, arguments: &Arguments) -> Result<Subject, Failure> {
    match (&arguments.uri, &arguments.object) {
        (_, Some(object)) => {
            let named = arguments.uri.as_ref().map(Files::name_of);
            let path = named.map(|name| Utf8PathBuf::from(&*name));
            let session = match path {
                Some(path) => state.session_of(Some(&path)).map(|(_, session)| session),
                None => state
                    .sessions
                    .values()
                    .rev()
                    .find(|session| session.running().is_some()),
            };
            in_session(session, About::Object(object.clone().into()), None)
        }
        (Some(uri), None) => {
            let position = arguments
                .position
                .ok_or_else(|| Failure::invalid("uri and position belong together"))?;
            under_cursor(state, uri, position)
        }
        (None, None) => Err(Failure::invalid(
            "say which object: { uri, position } or { object: { apiVersion, kind, namespace, name } }",
        )),
    }
}

fn under_cursor(state: &State, uri: &Uri, position: Position) -> Result<Subject, Failure> {
    let name = Files::name_of(uri);
    let file = state.files.get(&name);
    let open = file.and_then(|file| Some((file, file.parsed.as_ref()?)));
    let Some((file, parsed)) = open else {
        return Err(Failure::failed(format!("{} is not open", state.shown(&name))));
    };
    let session = state.session_of(file.path.as_ref()).map(|(_, session)| session);
    let path = relative(session, file);
    if file_role(&name) == FileRole::Kustomization {
        let directory = path.parent().map_or("", Utf8Path::as_str).to_owned();
        return in_session(session, About::Directory(directory), None);
    }
    let offset = parsed.text.offset(inward(position), state.encoding);
    let Some(manifest) = manifest_at(parsed, offset) else {
        return Err(Failure::failed("there is no object here"));
    };
    let about = About::Manifest {
        path: path.to_string(),
        document: manifest.document,
        base: manifest.base.clone(),
    };
    let object = parsed
        .supplied()
        .into_iter()
        .find(|supplied| supplied.manifest == *manifest)
        .map(|supplied| (ObjectKey::clone(&manifest.key), supplied.object.value()));
    in_session(session, about, object)
}

fn relative(session: Option<&Session>, file: &File) -> Utf8PathBuf {
    let path = file.path.clone().unwrap_or_default();
    let inside = session.and_then(|session| path.strip_prefix(&session.root).ok());
    inside.map(Utf8Path::to_owned).unwrap_or(path)
}

fn in_session(
    session: Option<&Session>,
    about: About,
    manifest: Option<(ObjectKey, Value)>,
) -> Result<Subject, Failure> {
    let not_running = || Failure::failed("no session applies this; start one first (gitops.session.start)");
    let session = session.ok_or_else(not_running)?;
    let running = session.running().ok_or_else(not_running)?;
    Ok(Subject {
        cluster: running.cluster.clone(),
        manager: running.live.cluster().field_manager().to_owned(),
        worker: session.building.as_ref().map(|building| building.worker.clone()),
        directory: running.kubeconfig.parent().map(Utf8Path::to_owned).unwrap_or_default(),
        about,
        manifest,
    })
}

/// The object that an offset is in.
pub(crate) fn manifest_at(parsed: &Parsed, offset: u32) -> Option<&Manifest> {
    let text = parsed.text.as_str();
    let span_of = |manifest: &Manifest| {
        let document = parsed.parse.documents.get(manifest.document)?;
        if manifest.base.is_empty() {
            return Some(document.span());
        }
        let span = document.node_at(text, &manifest.base)?.span();
        // The whole lines of an item, its dash included.
        let start = text.get(..span.start as usize)?.rfind('\n').map_or(0, |end| end + 1);
        Some(Span::new(u32::try_from(start).ok()?, span.end))
    };
    let all = parsed.manifests();
    let mut here = all.filter(|manifest| span_of(manifest).is_some_and(|span| span.touches(offset)));
    // Where two documents touch, the later one begins.
    let first = here.next()?;
    Some(here.last().unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use gitops_text::Text;

    use super::manifest_at;
    use crate::parsed::Parsed;

    #[test]
    fn the_object_under_the_cursor_is_found() {
        let text = "# first\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n---\napiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: ConfigMap\n    metadata: { name: b }\n  - apiVersion: v1\n    kind: ConfigMap\n    metadata: { name: c }\n";
        let parsed = Parsed::new("x.yaml", Text::new(text));
        let name_at = |needle: &str| {
            let offset = u32::try_from(text.find(needle).expect("it is there")).expect("small");
            manifest_at(&parsed, offset).map(|manifest| manifest.key.name.clone())
        };
        assert_eq!(name_at("# first").as_deref(), Some("a"));
        assert_eq!(name_at("name: a").as_deref(), Some("a"));
        assert_eq!(name_at("kind: List"), None);
        assert_eq!(name_at("  - apiVersion").as_deref(), Some("b"));
        assert_eq!(name_at("name: c").as_deref(), Some("c"));
    }
}
