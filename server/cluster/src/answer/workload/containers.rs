//! What a kubelet says about one container of a pod.

use gitops_yaml::FieldPath;

use super::super::sent::{value_at, with_key, with_keys};
use super::super::wording::{between, cut, quoted};
use super::super::{Answer, pods};
use super::references::places;
use super::trouble::{Probe, Referent};
use super::{BAD_CONFIGURATION, CRASH, IMAGE_PULL, MAX_WORDS, NOT_STARTED, PROBE_FAILED, Subject, as_warning, named};

/// Reasons of a container that waits for its image (pkg/kubelet/images/types.go).
const OF_IMAGES: &[&str] = &[
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

/// A container that waits.
pub(super) fn waiting(subject: &Subject<'_>, name: &str, reason: &str, message: &str) -> Vec<Answer> {
    let container = subject.container(name);
    if OF_IMAGES.contains(&reason) {
        return vec![image(subject, container, reason, message)];
    }
    if reason == "CreateContainerConfigError" {
        return configuration(subject, container, message);
    }
    let words = format!(
        "container {} cannot be started: {}",
        named(name),
        cut(cause(message), MAX_WORDS)
    );
    let Some(container) = container else {
        return vec![Answer::about_object(NOT_STARTED, words)];
    };
    let path = if reason == "PostStartHookError" {
        with_keys(&container, &["lifecycle", "postStart"])
    } else if is_about_the_command(message) {
        command_of(subject, &container)
    } else {
        container
    };
    vec![subject.at(&path, NOT_STARTED, words).with_detail(message)]
}

/// What happens to an image, in words, by what registries and runtimes say.
fn image(subject: &Subject<'_>, container: Option<FieldPath>, reason: &str, message: &str) -> Answer {
    let path = container.map(|container| with_key(&container, "image"));
    let image = path
        .as_ref()
        .and_then(|path| subject.text(path))
        .unwrap_or_default()
        .to_owned();
    let said = message.to_lowercase();
    let why = if reason == "InvalidImageName" {
        "this is not the name of an image".to_owned()
    } else if reason == "ErrImageNeverPull" {
        "it is not on the node, and imagePullPolicy is Never".to_owned()
    } else if said.contains("not found") || said.contains("manifest unknown") || said.contains("name unknown") {
        "its registry does not have it".to_owned()
    } else if [
        "unauthorized",
        "authentication required",
        "denied",
        "forbidden",
        "no basic auth",
    ]
    .iter()
    .any(|word| said.contains(word))
    {
        "its registry does not give it without credentials (imagePullSecrets), or does not have it".to_owned()
    } else if said.contains("no such host") || said.contains("connection refused") || said.contains("timeout") {
        "its registry cannot be reached".to_owned()
    } else {
        cut(cause(message), MAX_WORDS)
    };
    let which = if image.is_empty() {
        "an image".to_owned()
    } else {
        format!("image {}", named(&image))
    };
    let words = if why.is_empty() {
        format!("{which} cannot be pulled")
    } else {
        format!("{which} cannot be pulled: {why}")
    };
    let detail = format!("{reason}: {message}");
    match path {
        Some(path) => subject.at(&path, IMAGE_PULL, words),
        None => Answer::about_object(IMAGE_PULL, words),
    }
    .with_detail(&detail)
}

/// What a container is configured with: `secret "x" not found`, `couldn't find key k in Secret ns/x`.
fn configuration(subject: &Subject<'_>, container: Option<FieldPath>, message: &str) -> Vec<Answer> {
    let found = what_is_missing(message).map(|(kind, name, key)| {
        (
            places(subject, kind, &name, key.as_deref()),
            missing_words(kind, &name, key.as_deref()),
        )
    });
    if let Some((paths, words)) = found.filter(|(paths, _)| !paths.is_empty()) {
        return paths
            .iter()
            .map(|path| subject.at(path, BAD_CONFIGURATION, words.clone()).with_detail(message))
            .collect();
    }
    let words = format!("the container cannot be configured: {}", cut(message, MAX_WORDS));
    let path = match container {
        // pkg/kubelet/kuberuntime/security_context.go
        Some(container) if message.contains("non-root") || message.contains("runAsNonRoot") => {
            security(subject, &container)
        }
        Some(container) if message.contains("subPath") => with_key(&container, "volumeMounts"),
        Some(container) => container,
        None => return vec![Answer::about_object(BAD_CONFIGURATION, words).with_detail(message)],
    };
    vec![subject.at(&path, BAD_CONFIGURATION, words).with_detail(message)]
}

/// In words, what is not there.
pub(super) fn missing_words(kind: Referent, name: &str, key: Option<&str>) -> String {
    match key {
        Some(key) => format!("{} {} has no key {}", kind.name(), named(name), named(key)),
        None => format!("{} {} not found", kind.name(), named(name)),
    }
}

/// What the words of a kubelet name that is not there.
pub(super) fn what_is_missing(message: &str) -> Option<(Referent, String, Option<String>)> {
    for (kind, word) in [(Referent::ConfigMap, "ConfigMap"), (Referent::Secret, "Secret")] {
        // pkg/kubelet/kubelet_pods.go
        if let Some(rest) = message.split_once(&format!(" in {word} ")).map(|(_, rest)| rest)
            && let Some(key) = between(message, "couldn't find key ", " in ")
        {
            let name = rest.split([' ', ',', ':']).next().unwrap_or_default();
            let name = name.rsplit('/').next().unwrap_or(name);
            return Some((kind, name.to_owned(), Some(key.to_owned())));
        }
    }
    for (kind, word) in [
        (Referent::ConfigMap, "configmap \""),
        (Referent::ConfigMap, "configmaps \""),
        (Referent::Secret, "secret \""),
        (Referent::Secret, "secrets \""),
        (Referent::Claim, "persistentvolumeclaim \""),
    ] {
        if let Some(at) = message.find(word)
            && message.contains("not found")
        {
            let name = quoted(message.get(at..)?).into_iter().next()?;
            return Some((kind, name, None));
        }
    }
    None
}

/// Where it is said as whom a container runs.
fn security(subject: &Subject<'_>, container: &FieldPath) -> FieldPath {
    let own = with_key(container, "securityContext");
    let of_pod = subject.in_spec(&["securityContext"]);
    let is_there = |path: &FieldPath, field: &str| value_at(subject.sent, &with_key(path, field)).is_some();
    for field in ["runAsNonRoot", "runAsUser"] {
        for path in [Some(&own), of_pod.as_ref()].into_iter().flatten() {
            if is_there(path, field) {
                return with_key(path, field);
            }
        }
    }
    own
}

/// A container that has ended.
pub(super) fn crashed(subject: &Subject<'_>, name: &str, exit_code: i64, reason: &str, message: &str) -> Vec<Answer> {
    let last_words = message.trim();
    let of_it = if last_words.is_empty() {
        String::new()
    } else {
        format!(": {}", cut(last_words, MAX_WORDS))
    };
    let Some(container) = subject.container(name) else {
        let words = format!("container {} ends with exit code {exit_code}{of_it}", named(name));
        return vec![Answer::about_object(CRASH, words)];
    };
    let (path, words) = if reason == "OOMKilled" {
        let limit = with_keys(&container, &["resources", "limits", "memory"]);
        let words = format!(
            "container {} needs more memory than its limit and is killed",
            named(name)
        );
        (limit, words)
    } else {
        let words = format!("container {} ends with exit code {exit_code}{of_it}", named(name));
        let path = if is_about_the_command(message) {
            command_of(subject, &container)
        } else {
            container
        };
        (path, words)
    };
    vec![subject.at(&path, CRASH, words)]
}

/// A probe that fails. What is not ready yet may become so; what is killed is a fault.
pub(super) fn unhealthy(subject: &Subject<'_>, name: &str, probe: Probe, text: &str) -> Vec<Answer> {
    let said = text.split_once(": ").map_or(text, |(_, said)| said);
    let of_whom = if name.is_empty() {
        String::new()
    } else {
        format!(" of container {}", named(name))
    };
    let words = format!("the {}{of_whom} fails: {}", probe.field(), cut(said.trim(), MAX_WORDS));
    let container = subject.container(name).or_else(|| {
        // Events of containers name them in their fieldPath; where that is missing, only one may have such a probe.
        let all = pods::containers(subject.gvk, subject.sent).into_iter();
        let has_probe = |path: &FieldPath| value_at(subject.sent, &with_key(path, probe.field())).is_some();
        let mut all = all.map(|container| container.path).filter(has_probe);
        all.next().filter(|_| all.next().is_none())
    });
    let answer = match container {
        Some(container) => subject.at(&with_key(&container, probe.field()), PROBE_FAILED, words),
        None => Answer::about_object(PROBE_FAILED, words),
    };
    let answer = answer.with_detail(text);
    vec![if probe == Probe::Readiness {
        as_warning(answer)
    } else {
        answer
    }]
}

/// Whether a text says that the command cannot be run, as runc and containerd say it.
fn is_about_the_command(message: &str) -> bool {
    [
        "exec: ",
        "executable file not found",
        "no command specified",
        "exec format error",
        "no such file or directory",
    ]
    .iter()
    .any(|word| message.contains(word))
}

/// What a container is started with: its command or arguments where they are written, else its image.
fn command_of(subject: &Subject<'_>, container: &FieldPath) -> FieldPath {
    let field = ["command", "args", "image"]
        .into_iter()
        .find(|field| value_at(subject.sent, &with_key(container, field)).is_some());
    field.map_or_else(|| container.clone(), |field| with_key(container, field))
}

/// The innermost cause of a message of a kubelet, which puts one before the other.
fn cause(message: &str) -> &str {
    let rpc = message.rsplit_once(" desc = ").map_or(message, |(_, rest)| rest);
    rpc.trim()
}
