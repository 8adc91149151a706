//! The images of a pod, and what is said of one that its registry does not have.

use gitops_model::references::there_are;
use gitops_model::{Gvk, Severity, nearest};
use gitops_yaml::FieldPath;
use serde_json::Value;

use super::super::pods::containers;
use super::super::sent::{value_at, with_key};
use super::super::wording::yaml_scalar;
use super::super::{Answer, Suggestion};
use super::{Subject, WOULD_NOT_START, named};

/// The images that nodes pull for the pod of an object, each with the path of its field; empty for an object without a
/// pod. What is never pulled (`imagePullPolicy: Never`) is not among them.
pub fn images(gvk: &Gvk, object: &Value) -> Vec<(FieldPath, String)> {
    let text = |container: &FieldPath, field: &str| value_at(object, &with_key(container, field))?.as_str();
    containers(gvk, object)
        .into_iter()
        .filter(|container| text(&container.path, "imagePullPolicy") != Some("Never"))
        .filter_map(|container| {
            let image = text(&container.path, "image").filter(|image| !image.is_empty())?;
            Some((with_key(&container.path, "image"), image.to_owned()))
        })
        .collect()
}

/// The answers to an image that its registry does not have, one for each container that has it.
pub(super) fn answers(subject: &Subject<'_>, image: &str, tags: &[String]) -> Vec<Answer> {
    let instead = with_nearest_tag(image, tags);
    let hint = match &instead {
        Some(near) => format!("; did you mean {}?", named(near)),
        None if tags.is_empty() => String::new(),
        None => format!("; {}", there_are(tags)),
    };
    let words = format!(
        "would not start: the registry of image {} does not have it{hint}",
        named(image)
    );
    let of_containers = images(subject.gvk, subject.sent).into_iter();
    of_containers
        .filter(|(_, other)| other == image)
        .map(|(path, _)| {
            let mut answer = subject.at(&path, WOULD_NOT_START, words.clone());
            answer.severity = Severity::Warning;
            if let Some(near) = &instead {
                answer.suggestion = Suggestion::Replace(vec![yaml_scalar(near)]);
            }
            answer
        })
        .collect()
}

/// The image with the tag that was perhaps meant. A digest is not written by hand, and none is near another.
fn with_nearest_tag(image: &str, tags: &[String]) -> Option<String> {
    if image.contains('@') {
        return None;
    }
    // What follows the colon of a port has a slash in it.
    let tagged = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'));
    let (name, tag) = tagged.unwrap_or((image, "latest"));
    let near = nearest(tag, tags.iter().map(String::as_str))?;
    Some(format!("{name}:{near}"))
}

#[cfg(test)]
mod tests {
    use super::with_nearest_tag;

    #[test]
    fn a_port_is_no_tag_and_a_digest_has_none() {
        let tags = ["6.5.4".to_owned(), "latest".to_owned()];
        for (image, instead) in [
            ("web:6.5.5", Some("web:6.5.4")),
            ("ghcr.io/acme/web:6.5.5", Some("ghcr.io/acme/web:6.5.4")),
            ("127.0.0.1:5000/web:6.5", Some("127.0.0.1:5000/web:6.5.4")),
            ("127.0.0.1:5000/web:nope", None),
            ("web:6.5.5@sha256:0123", None),
        ] {
            assert_eq!(with_nearest_tag(image, &tags).as_deref(), instead, "{image}");
        }
    }
}
