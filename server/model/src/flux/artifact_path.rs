//! Paths inside of a source's artifact.

/// A path of an object's as controllers take it: from the top of the artifact, and never out of it. `..` at the top
/// stays there, as it does in the root of a file system.
pub fn in_artifact(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::in_artifact;

    #[test]
    fn paths_begin_at_the_top_and_stay_inside() {
        for (written, meant) in [
            ("", ""),
            (".", ""),
            ("./", ""),
            ("/", ""),
            ("./clusters/staging", "clusters/staging"),
            ("clusters//staging/", "clusters/staging"),
            ("/clusters/./staging", "clusters/staging"),
            ("clusters/../apps", "apps"),
            ("../../apps", "apps"),
            ("apps/..", ""),
        ] {
            assert_eq!(in_artifact(written), meant, "{written}");
        }
    }
}
