//! A `GitRepository` pointed at the session's own repository.

use serde_json::{Map, Value, json};

use super::ref_name::RefName;

/// The branch that source-controller takes when an object names none.
const DEFAULT_BRANCH: &str = "master";

/// Where the session's repository is served.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionEndpoint {
    /// Its URL, `http://` and on loopback.
    pub url: String,
    /// The branch that the work tree is committed to.
    pub branch: RefName,
    /// The name of the Secret with the bearer token, in the namespace of the object; see [`credentials`].
    pub secret: String,
}

/// What to change in a `GitRepository` so that it reads the session's repository.
#[derive(Clone, PartialEq, Debug)]
pub struct Redirection {
    /// The fields of `spec` that change, for a merge patch (RFC 7386) or a strategic merge: null takes a field away.
    pub spec: Map<String, Value>,
    /// The name under which the session's commit must be served, so that source-controller finds it there.
    pub served_as: RefName,
    /// Whether source-controller says the whole name in the revision (it does so for `ref.name`).
    whole_name_in_revision: bool,
    /// The fields that meant something and mean nothing for the session: `verify`, `recurseSubmodules`, and a `ref`
    /// that names neither branch nor tag. For people; credentials are not among them.
    pub given_up: Vec<&'static str>,
}

impl Redirection {
    /// The whole patch for the object.
    pub fn patch(&self) -> Value {
        json!({ "spec": self.spec })
    }

    /// The revision that source-controller will say for the session's commit (40 hexadecimal digits).
    pub fn revision(&self, commit: &str) -> String {
        let name = if self.whole_name_in_revision {
            self.served_as.as_str()
        } else {
            self.served_as.short()
        };
        format!("{name}@sha1:{commit}")
    }
}

/// What to change in the `GitRepository` `object` (of any version) to have it read the session's repository.
///
/// What says which part of the repository is wanted stays: `ignore`, `include`, `sparseCheckout`; and so do
/// `interval`, `timeout` and `suspend`.
/// A branch or tag stays, too, and is a name to serve the session's commit under.
/// A commit or a range of versions cannot mean a commit that is made only now, and the head of a pull request is not
/// what is saved; there the session's branch stands instead.
/// What belongs to the other server goes: credentials, provider and proxy.
/// So do `verify`, since nobody signs what was only saved, and `recurseSubmodules`, since the submodules' servers would
/// be shown the session's token.
pub fn redirect(object: &Value, endpoint: &SessionEndpoint) -> Redirection {
    let before = object.get("spec").and_then(Value::as_object);
    let has = |field: &str| before.is_some_and(|spec| spec.contains_key(field));
    let mut spec = Map::new();
    let mut given_up = Vec::new();
    spec.insert("url".to_owned(), json!(endpoint.url));
    // The name is the only field of a reference to a Secret, so nothing of the old one can remain.
    spec.insert("secretRef".to_owned(), json!({ "name": endpoint.secret }));
    for field in ["provider", "serviceAccountName", "proxySecretRef"] {
        if has(field) {
            spec.insert(field.to_owned(), Value::Null);
        }
    }
    for field in ["verify", "recurseSubmodules"] {
        if has(field) {
            spec.insert(field.to_owned(), Value::Null);
            if before.and_then(|spec| spec.get(field)) != Some(&Value::Bool(false)) {
                given_up.push(field);
            }
        }
    }
    let reference = before.and_then(|spec| spec.get("ref")).and_then(Value::as_object);
    let (served_as, whole_name_in_revision) = wanted(reference).unwrap_or_else(|| {
        let mut replaced: Map<String, Value> = reference
            .into_iter()
            .flat_map(Map::keys)
            .map(|field| (field.clone(), Value::Null))
            .collect();
        replaced.insert("branch".to_owned(), json!(endpoint.branch.short()));
        spec.insert("ref".to_owned(), Value::Object(replaced));
        given_up.push("ref");
        (endpoint.branch.clone(), false)
    });
    Redirection {
        spec,
        served_as,
        whole_name_in_revision,
        given_up,
    }
}

/// The reference that source-controller would look for, in the order in which it looks at the fields, and whether it
/// says the whole name of it. `None` for what is not a name that can be given to a commit.
fn wanted(reference: Option<&Map<String, Value>>) -> Option<(RefName, bool)> {
    let field = |name: &str| {
        reference
            .and_then(|reference| reference.get(name))
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    if field("commit").is_some() {
        return None;
    }
    if let Some(name) = field("name") {
        // Any other name makes source-controller fetch all branches with all of their history.
        let is_branch_or_tag = |name: &RefName| {
            ["refs/heads/", "refs/tags/"]
                .iter()
                .any(|kind| name.as_str().starts_with(kind))
        };
        return RefName::full(name)
            .ok()
            .filter(is_branch_or_tag)
            .map(|name| (name, true));
    }
    if let Some(tag) = field("tag") {
        return RefName::tag(tag).ok().map(|name| (name, false));
    }
    if field("semver").is_some() {
        return None;
    }
    RefName::branch(field("branch").unwrap_or(DEFAULT_BRANCH))
        .ok()
        .map(|name| (name, false))
}

/// The Secret that lets source-controller in: a bearer token, which it sends over plain HTTP, too.
pub fn credentials(namespace: &str, name: &str, token: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name, "namespace": namespace },
        "type": "Opaque",
        "stringData": { "bearerToken": token },
    })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    const COMMIT: &str = "3f2c0f5d1b6e4a7c8d9e0f1a2b3c4d5e6f708192";

    fn check(spec: Value, expected: Expect) {
        let endpoint = SessionEndpoint {
            url: "http://127.0.0.1:4000/session.git".to_owned(),
            branch: RefName::branch("main").expect("a branch"),
            secret: "session-source".to_owned(),
        };
        let object = json!({ "kind": "GitRepository", "spec": spec });
        let redirection = redirect(&object, &endpoint);
        expected.assert_eq(&format!(
            "{}\nserved as {}\n{}\ngiven up: {:?}\n",
            redirection.patch(),
            redirection.served_as,
            redirection.revision(COMMIT),
            redirection.given_up,
        ));
    }

    #[test]
    fn a_branch_stays() {
        check(
            json!({ "url": "ssh://git@github.com/team/fleet", "ref": { "branch": "staging" }, "secretRef": { "name": "flux-system" },
                    "ignore": "/*", "include": [], "sparseCheckout": ["apps"], "interval": "1m" }),
            expect![[r#"
                {"spec":{"url":"http://127.0.0.1:4000/session.git","secretRef":{"name":"session-source"}}}
                served as refs/heads/staging
                staging@sha1:3f2c0f5d1b6e4a7c8d9e0f1a2b3c4d5e6f708192
                given up: []
            "#]],
        );
    }

    #[test]
    fn without_a_reference_it_is_flux_own_default() {
        check(
            json!({ "url": "https://github.com/team/fleet" }),
            expect![[r#"
                {"spec":{"url":"http://127.0.0.1:4000/session.git","secretRef":{"name":"session-source"}}}
                served as refs/heads/master
                master@sha1:3f2c0f5d1b6e4a7c8d9e0f1a2b3c4d5e6f708192
                given up: []
            "#]],
        );
    }

    #[test]
    fn a_tag_goes_before_a_branch_and_a_name_before_both() {
        check(
            json!({ "ref": { "branch": "main", "tag": "v1.2.3", "semver": ">=1" } }),
            expect![[r#"
                {"spec":{"url":"http://127.0.0.1:4000/session.git","secretRef":{"name":"session-source"}}}
                served as refs/tags/v1.2.3
                v1.2.3@sha1:3f2c0f5d1b6e4a7c8d9e0f1a2b3c4d5e6f708192
                given up: []
            "#]],
        );
        check(
            json!({ "ref": { "branch": "main", "tag": "v1.2.3", "name": "refs/heads/release/1.0" } }),
            expect![[r#"
                {"spec":{"url":"http://127.0.0.1:4000/session.git","secretRef":{"name":"session-source"}}}
                served as refs/heads/release/1.0
                refs/heads/release/1.0@sha1:3f2c0f5d1b6e4a7c8d9e0f1a2b3c4d5e6f708192
                given up: []
            "#]],
        );
    }

    #[test]
    fn what_cannot_be_a_name_is_the_sessions_branch() {
        let replaced = expect![[r#"
            {"spec":{"url":"http://127.0.0.1:4000/session.git","secretRef":{"name":"session-source"},"ref":{"branch":"main","commit":null}}}
            served as refs/heads/main
            main@sha1:3f2c0f5d1b6e4a7c8d9e0f1a2b3c4d5e6f708192
            given up: ["ref"]
        "#]];
        check(json!({ "ref": { "branch": "release", "commit": COMMIT } }), replaced);
        check(
            json!({ "ref": { "semver": ">=1.0.0" } }),
            expect![[r#"
                {"spec":{"url":"http://127.0.0.1:4000/session.git","secretRef":{"name":"session-source"},"ref":{"semver":null,"branch":"main"}}}
                served as refs/heads/main
                main@sha1:3f2c0f5d1b6e4a7c8d9e0f1a2b3c4d5e6f708192
                given up: ["ref"]
            "#]],
        );
        check(
            json!({ "ref": { "name": "refs/pull/420/head" } }),
            expect![[r#"
                {"spec":{"url":"http://127.0.0.1:4000/session.git","secretRef":{"name":"session-source"},"ref":{"name":null,"branch":"main"}}}
                served as refs/heads/main
                main@sha1:3f2c0f5d1b6e4a7c8d9e0f1a2b3c4d5e6f708192
                given up: ["ref"]
            "#]],
        );
    }

    #[test]
    fn what_belongs_to_the_other_server_goes() {
        check(
            json!({ "ref": { "branch": "main" }, "provider": "azure", "serviceAccountName": "git", "proxySecretRef": { "name": "proxy" },
                    "verify": { "mode": "HEAD", "secretRef": { "name": "keys" } }, "recurseSubmodules": true }),
            expect![[r#"
                {"spec":{"url":"http://127.0.0.1:4000/session.git","secretRef":{"name":"session-source"},"provider":null,"serviceAccountName":null,"proxySecretRef":null,"verify":null,"recurseSubmodules":null}}
                served as refs/heads/main
                main@sha1:3f2c0f5d1b6e4a7c8d9e0f1a2b3c4d5e6f708192
                given up: ["verify", "recurseSubmodules"]
            "#]],
        );
    }

    #[test]
    fn an_object_that_is_no_object_can_be_pointed_there_all_the_same() {
        check(
            json!("nonsense"),
            expect![[r#"
                {"spec":{"url":"http://127.0.0.1:4000/session.git","secretRef":{"name":"session-source"}}}
                served as refs/heads/master
                master@sha1:3f2c0f5d1b6e4a7c8d9e0f1a2b3c4d5e6f708192
                given up: []
            "#]],
        );
    }
}
