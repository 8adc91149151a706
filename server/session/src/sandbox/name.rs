//! Names of sandboxes.

use camino::Utf8Path;

/// A name is also a DNS label (RFC 1123), since it becomes one in a cluster.
const LONGEST_NAME: usize = 63;

/// How much of a folder's name goes into a sandbox's.
const LONGEST_SLUG: usize = 40;

/// The name of the sandbox for the workspace at `root`: the folder's name, so that people know it, and a hash of its
/// whole path and of the user, so that no two workspaces share one. The same workspace always gets the same name.
pub fn name_for(root: &Utf8Path) -> String {
    let user = ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok())
        .unwrap_or_default();
    let root = root
        .canonicalize_utf8()
        .or_else(|_| camino::absolute_utf8(root))
        .unwrap_or_else(|_| root.to_owned());
    name_from(&root, &user)
}

fn name_from(root: &Utf8Path, user: &str) -> String {
    let hash = hash_of([user, "\0", root.as_str()]);
    let slug = slug_of(root.file_name().unwrap_or_default());
    format!("{slug}-{:08x}", (hash ^ (hash >> 32)) & 0xffff_ffff)
        .chars()
        .take(LONGEST_NAME)
        .collect()
}

fn slug_of(folder: &str) -> String {
    let mut slug = String::new();
    for character in folder.chars() {
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() == LONGEST_SLUG {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        "workspace".to_owned()
    } else {
        slug.to_owned()
    }
}

/// Whether `name` may be a sandbox's: it becomes a directory, so anything else could lead out of its parent.
pub(crate) fn is_valid_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// FNV-1a with 64 bits: the same in every release and on every machine, which the standard library does not promise.
pub(crate) fn hash_of<'a>(parts: impl IntoIterator<Item = &'a str>) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in parts.into_iter().flat_map(str::bytes) {
        hash ^= u64::from(byte);
        hash = hash.wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_labels_and_stable() {
        let cases = [
            "/home/ann/fleet",
            "/home/ann/My Fleet (2)",
            "/",
            "/home/ann/--x--",
            "/home/ann/данные",
            "/home/ann/averyveryveryveryveryveryveryveryveryveryveryverylongname",
        ];
        for root in cases {
            let name = name_from(Utf8Path::new(root), "ann");
            assert!(is_valid_name(&name), "{root} gives {name}");
            assert_eq!(name, name_from(Utf8Path::new(root), "ann"));
            assert_ne!(name, name_from(Utf8Path::new(root), "bob"), "{root}");
        }
        assert!(name_from(Utf8Path::new("/home/ann/fleet"), "ann").starts_with("fleet-"));
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["", ".", "..", "a/b", "a\\b", "-a", "a-", "A", ".guard", "a.b"] {
            assert!(!is_valid_name(name), "{name:?}");
        }
        assert!(!is_valid_name(&"a".repeat(64)));
        assert!(is_valid_name("fleet-0a1b2c3d"));
    }
}
