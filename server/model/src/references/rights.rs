//! Roles and service accounts that bindings name.

use serde_json::Value;

use super::ObjectFinding;
use super::index::{Index, Named, Wanted};
use super::words::{below, item, list, path, text};

/// The group of roles.
const GROUP: &str = "rbac.authorization.k8s.io";

/// Roles of every cluster; with those that begin with `system:`.
const OF_EVERY_CLUSTER: [&str; 4] = ["admin", "cluster-admin", "edit", "view"];

pub(super) fn look(index: &Index<'_>, found: &mut Vec<ObjectFinding>) {
    for kind in ["RoleBinding", "ClusterRoleBinding"] {
        for at in index.of_kind(GROUP, kind) {
            let Some(object) = index.object(*at) else { continue };
            found.extend(of_role(index, *at, object));
            for (number, subject) in list(object, "/subjects") {
                found.extend(of_subject(index, *at, number, subject));
            }
        }
    }
}

fn of_role(index: &Index<'_>, at: usize, object: &Value) -> Option<ObjectFinding> {
    let role = object.get("roleRef")?;
    let (kind, name) = (text(role, "/kind")?, text(role, "/name")?);
    if kind == "ClusterRole" && (OF_EVERY_CLUSTER.contains(&name) || name.starts_with("system:")) {
        return None;
    }
    let namespace = (kind == "Role").then(|| index.namespace(at));
    let named = index.look_up_beside_charts(Wanted {
        from: at,
        group: GROUP,
        kind,
        namespace,
        name,
    });
    // Controllers that are installed by other means bring roles for the whole cluster.
    if kind == "ClusterRole" && named == Named::Nowhere {
        return None;
    }
    let place = namespace.map_or_else(String::new, |namespace| format!(" in namespace {namespace}"));
    let what = format!("{kind} \"{name}\" not found{place}, so this gives no rights");
    named.finding(index, at, path(&["roleRef", "name"]), "role-not-found", &what)
}

fn of_subject(index: &Index<'_>, at: usize, number: usize, subject: &Value) -> Option<ObjectFinding> {
    let name = text(subject, "/name").filter(|_| text(subject, "/kind") == Some("ServiceAccount"))?;
    let namespace = text(subject, "/namespace").unwrap_or_else(|| index.namespace(at));
    let named = index.look_up_beside_charts(Wanted {
        from: at,
        group: "",
        kind: "ServiceAccount",
        namespace: Some(namespace),
        name,
    });
    // An account in a namespace of which nothing is here is somebody else's, such as that of Flux itself.
    let knows_namespace = index.objects().any(|(other, key, _)| {
        other != at && key.namespace.as_deref() == Some(namespace) && key.gvk.kind == "ServiceAccount"
    });
    if named == Named::Nowhere && !knows_namespace {
        return None;
    }
    let field = below(&item(&path(&["subjects"]), number), &["name"]);
    let what = format!("ServiceAccount \"{name}\" not found in namespace {namespace}, so nobody gets these rights");
    named.finding(index, at, field, "subject-not-found", &what)
}
