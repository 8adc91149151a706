//! References to images, as kustomize's `images` takes them apart.

use gitops_model::kustomize::Image;

/// Name, tag and digest. A colon before the last slash belongs to a port.
fn split(reference: &str) -> (&str, &str, &str) {
    let (rest, digest) = reference.split_once('@').unwrap_or((reference, ""));
    let slash = rest.rfind('/').map_or(0, |at| at + 1);
    match rest.get(slash..).and_then(|last| last.rfind(':')) {
        Some(colon) => {
            let (name, tag) = rest.split_at(slash + colon);
            (name, tag.get(1..).unwrap_or(""), digest)
        }
        None => (rest, "", digest),
    }
}

/// What an entry makes of a reference; `None` where it means another image.
pub(super) fn changed(image: &Image, reference: &str) -> Option<String> {
    let (name, mut tag, mut digest) = split(reference);
    if name != image.name {
        return None;
    }
    let text = |entry: &Option<gitops_model::kustomize::Entry>| entry.as_ref().map(|entry| entry.text.clone());
    let new_tag = text(&image.new_tag);
    let new_digest = text(&image.digest);
    let tag_suffix = text(&image.tag_suffix);
    let suffixed;
    match (&new_tag, &new_digest, &tag_suffix) {
        (Some(new_tag), Some(new_digest), _) => (tag, digest) = (new_tag, new_digest),
        (Some(new_tag), None, _) => (tag, digest) = (new_tag, ""),
        (None, Some(new_digest), _) => (tag, digest) = ("", new_digest),
        (None, None, Some(suffix)) => {
            suffixed = format!("{tag}{suffix}");
            (tag, digest) = (&suffixed, "");
        }
        (None, None, None) => {}
    }
    let mut built = text(&image.new_name).unwrap_or_else(|| name.to_owned());
    if !tag.is_empty() {
        built.push(':');
        built.push_str(tag);
    }
    if !digest.is_empty() {
        built.push('@');
        built.push_str(digest);
    }
    Some(built)
}
