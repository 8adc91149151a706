//! Patterns of paths as Flux's source-watcher reads them: Go's `path.Match` for what is copied, `doublestar` for what is
//! left out.

/// Alternatives (`{a,b}`) of one pattern beyond this are not tried; source-watcher's own bound lies at 20 commas.
const MAX_ALTERNATIVES: usize = 1_024;

/// A pattern that cannot be read, such as a `[` without its `]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BadPattern;

#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    Literal(char),
    /// `?`
    Any,
    /// `*`
    Star,
    /// `**/` at the start of a part: any number of parts.
    Parts,
    /// `**` at the start of the last part: everything below.
    Rest,
    /// `[…]`
    Class {
        is_negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// Whether a path has characters that make it a pattern for source-watcher.
pub(super) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '[', ']'])
}

/// `path.Match` for one part of a path.
pub(super) fn matches_part(pattern: &str, name: &str) -> Result<bool, BadPattern> {
    Ok(matches(&tokens(pattern, false)?, name))
}

/// `doublestar.Match` for a whole path.
pub(super) fn matches_path(pattern: &str, path: &str) -> Result<bool, BadPattern> {
    let mut is_match = false;
    for alternative in alternatives(pattern)? {
        is_match |= matches(&tokens(&alternative, true)?, path);
    }
    Ok(is_match)
}

/// Writes out the `{a,b}` of a pattern, innermost last.
fn alternatives(pattern: &str) -> Result<Vec<String>, BadPattern> {
    let mut waiting = vec![pattern.to_owned()];
    let mut done = Vec::new();
    while let Some(pattern) = waiting.pop() {
        if waiting.len() + done.len() > MAX_ALTERNATIVES {
            return Err(BadPattern);
        }
        let Some((open, close, commas)) = first_group(&pattern)? else {
            done.push(pattern);
            continue;
        };
        let mut from = open + 1;
        for end in commas.into_iter().chain([close]) {
            let part = |range: std::ops::Range<usize>| pattern.get(range).unwrap_or_default();
            let before = part(0..open);
            let after = part(close + 1..pattern.len());
            waiting.push(format!("{before}{}{after}", part(from..end)));
            from = end + 1;
        }
    }
    Ok(done)
}

/// Where the first `{…}` begins and ends, and where its own commas are.
fn first_group(pattern: &str) -> Result<Option<(usize, usize, Vec<usize>)>, BadPattern> {
    let (mut open, mut depth, mut commas, mut is_escaped) = (None, 0_usize, Vec::new(), false);
    for (at, byte) in pattern.bytes().enumerate() {
        if std::mem::take(&mut is_escaped) {
            continue;
        }
        match byte {
            b'\\' => is_escaped = true,
            b'{' => {
                depth += 1;
                open.get_or_insert(at);
            }
            b',' if depth == 1 => commas.push(at),
            b'}' if depth > 0 => {
                depth -= 1;
                if let (0, Some(open)) = (depth, open) {
                    return Ok(Some((open, at, commas)));
                }
            }
            _ => {}
        }
    }
    if open.is_some() { Err(BadPattern) } else { Ok(None) }
}

fn tokens(pattern: &str, is_deep: bool) -> Result<Vec<Token>, BadPattern> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = pattern.chars().peekable();
    while let Some(character) = rest.next() {
        let is_start = matches!(tokens.last(), None | Some(Token::Literal('/') | Token::Parts));
        match character {
            '*' if is_deep && rest.peek() == Some(&'*') => {
                rest.next();
                match rest.peek() {
                    None if is_start => tokens.push(Token::Rest),
                    Some('/') if is_start => {
                        rest.next();
                        tokens.push(Token::Parts);
                    }
                    _ => tokens.push(Token::Star),
                }
            }
            '*' => tokens.push(Token::Star),
            '?' => tokens.push(Token::Any),
            '\\' => tokens.push(Token::Literal(rest.next().ok_or(BadPattern)?)),
            '[' => tokens.push(class(&mut rest, is_deep)?),
            other => tokens.push(Token::Literal(other)),
        }
    }
    Ok(tokens)
}

fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, is_deep: bool) -> Result<Token, BadPattern> {
    let is_negated = match rest.peek() {
        Some('^') => true,
        Some('!') => is_deep,
        _ => false,
    };
    if is_negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        let first = match rest.next().ok_or(BadPattern)? {
            ']' if !ranges.is_empty() => return Ok(Token::Class { is_negated, ranges }),
            ']' => return Err(BadPattern),
            '\\' => rest.next().ok_or(BadPattern)?,
            other => other,
        };
        let mut ahead = rest.clone();
        let is_range = ahead.next() == Some('-') && ahead.peek().is_some_and(|next| *next != ']');
        if !is_range {
            ranges.push((first, first));
            continue;
        }
        rest.next();
        let last = match rest.next().ok_or(BadPattern)? {
            '\\' => rest.next().ok_or(BadPattern)?,
            other => other,
        };
        ranges.push((first, last));
    }
}

/// Whether the tokens make up the whole name. What is known of each pair of places is kept, so that the work is bounded by
/// the product of both lengths.
fn matches(tokens: &[Token], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let width = name.len() + 1;
    // From the end: what the tokens behind this one make of what is left of the name.
    let mut behind: Vec<bool> = (0..width).map(|at| at == name.len()).collect();
    for (index, token) in tokens.iter().enumerate().rev() {
        let is_last = index + 1 == tokens.len();
        let mut here = vec![false; width];
        for at in (0..width).rev() {
            let next = name.get(at).copied();
            let go_on = |fits: bool| fits && behind.get(at + 1).copied().unwrap_or_default();
            let skip = behind.get(at).copied().unwrap_or_default();
            let stay = |at: usize| here.get(at).copied().unwrap_or_default();
            let found = match token {
                Token::Literal('/') if next.is_none() => ends_below(tokens.get(index + 1..).unwrap_or_default()),
                Token::Literal(wanted) => go_on(next == Some(*wanted)),
                Token::Any => go_on(next.is_some_and(|next| next != '/')),
                Token::Class { is_negated, ranges } => go_on(next.is_some_and(|next| {
                    let is_in = ranges.iter().any(|(first, last)| (*first..=*last).contains(&next));
                    next != '/' && is_in != *is_negated
                })),
                Token::Star => skip || (next.is_some_and(|next| next != '/') && stay(at + 1)),
                Token::Parts => {
                    let slash = name.iter().skip(at).position(|next| *next == '/');
                    skip || slash.is_some_and(|slash| stay(at + slash + 1)) || (is_last && next.is_none())
                }
                Token::Rest => true,
            };
            if let Some(slot) = here.get_mut(at) {
                *slot = found;
            }
        }
        behind = here;
    }
    behind.first().copied().unwrap_or_default()
}

/// `a/**` and `a/**/` mean `a` itself as well.
fn ends_below(tokens: &[Token]) -> bool {
    matches!(tokens, [Token::Rest | Token::Parts])
}

#[cfg(test)]
mod tests {
    use super::{BadPattern, matches_part, matches_path};

    #[test]
    fn parts_are_matched_as_go_does() {
        for (pattern, name, expected) in [
            ("*.yaml", "web.yaml", true),
            ("*.yaml", ".yaml", true),
            ("**", "staging", true),
            ("w?b", "web", true),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[!a]x", "!x", true),
            ("{a,b}", "a", false),
            ("{a,b}", "{a,b}", true),
            ("\\*", "*", true),
            ("größe*", "größe-1", true),
        ] {
            assert_eq!(matches_part(pattern, name), Ok(expected), "{pattern} {name}");
        }
        assert_eq!(matches_part("[a", "a"), Err(BadPattern));
        assert_eq!(matches_part("a\\", "a"), Err(BadPattern));
    }

    /// Rows of doublestar's own table.
    #[test]
    fn paths_are_matched_as_doublestar_does() {
        for (pattern, path, expected) in [
            ("a/**", "a", true),
            ("a/**/", "a", true),
            ("a/**", "a/b", true),
            ("a/**", "a/b/c", true),
            ("a/**/b", "a/b", true),
            ("a/**/c", "a/b/c", true),
            ("a/**/d", "a/b/c/d", true),
            ("**/c", "c", true),
            ("**/c", "b/c", true),
            ("**", "a/b", true),
            ("*", "a/b", false),
            ("*/b", "a/b", true),
            ("a**/b", "ax/b", true),
            ("a**/b", "ax/c/b", false),
            ("{a,b}/*.md", "b/x.md", true),
            ("{a,b/{c,d}}/x", "b/d/x", true),
            ("[!a]", "b", true),
            ("**/*.md", "docs/deep/x.md", true),
            ("docs/**", "documents/x", false),
        ] {
            assert_eq!(matches_path(pattern, path), Ok(expected), "{pattern} {path}");
        }
        assert_eq!(matches_path("{a", "a"), Err(BadPattern));
    }

    #[test]
    fn what_takes_other_matchers_for_ever_takes_this_one_none() {
        let pattern = "*a".repeat(100);
        assert_eq!(matches_path(&pattern, &"a".repeat(300)), Ok(true));
        assert_eq!(matches_path(&pattern, &"b".repeat(300)), Ok(false));
    }
}
