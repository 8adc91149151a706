//! The nearest name, for "did you mean".

/// The candidate that `name` was most likely meant to be; `None` when none is near.
///
/// Case and separators are slips that people make more often than others, so a candidate that differs in them alone wins.
/// Otherwise the Damerau-Levenshtein distance may be a third of the name's length, and at least one.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = bare(name);
    let bound = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != name)
        .filter_map(|candidate| {
            if bare(candidate) == plain {
                return Some((0, candidate));
            }
            let distance = strsim::damerau_levenshtein(&plain, &bare(candidate));
            // A plural, or a word cut short, is near although half of it is missing.
            let extends =
                plain.len() >= 3 && (bare(candidate).starts_with(&plain) || plain.starts_with(&bare(candidate)));
            (distance <= bound || (extends && distance <= 5)).then_some((distance, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

fn bare(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_what_was_meant() {
        let fields = ["image", "imagePullPolicy", "env", "envFrom", "ports", "name"];
        assert_eq!(nearest("imag", fields), Some("image"));
        assert_eq!(nearest("prots", fields), Some("ports"));
        assert_eq!(nearest("imagepullpolicy", fields), Some("imagePullPolicy"));
        assert_eq!(nearest("env_from", fields), Some("envFrom"));
        assert_eq!(
            nearest("replica", ["replicas", "revisionHistoryLimit"]),
            Some("replicas")
        );
        assert_eq!(nearest("zebra", fields), None);
        assert_eq!(nearest("", fields), None);
    }
}
