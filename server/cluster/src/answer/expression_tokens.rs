//! An expression (CEL) cut into names, texts, numbers and marks.

/// How many tokens of one expression are looked at; the server's own limit on its cost is far below.
const MAX_TOKENS: usize = 20_000;

/// A token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Token {
    /// A name, a keyword among them.
    Name(String),
    /// A text in quotes.
    Text(String),
    /// A number; `None` when it is none that can be an index.
    Number(Option<usize>),
    /// Any other character.
    Mark(char),
}

/// The tokens of an expression; comments and blanks left out.
pub(super) fn tokens(expression: &str) -> Vec<Token> {
    let characters: Vec<char> = expression.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        if found.len() >= MAX_TOKENS {
            break;
        }
        if character.is_alphabetic() || character == '_' {
            let start = at;
            while characters.get(at).is_some_and(|c| c.is_alphanumeric() || *c == '_') {
                at += 1;
            }
            let name: String = characters.get(start..at).unwrap_or_default().iter().collect();
            // r"…" and b"…" are texts.
            if matches!(name.as_str(), "r" | "R" | "b" | "B") && matches!(characters.get(at), Some('"' | '\'')) {
                continue;
            }
            found.push(Token::Name(unescape_name(&name)));
        } else if character.is_ascii_digit() {
            let start = at;
            while characters.get(at).is_some_and(|c| c.is_alphanumeric() || *c == '.') {
                at += 1;
            }
            let number: String = characters.get(start..at).unwrap_or_default().iter().collect();
            found.push(Token::Number(number.parse().ok()));
        } else if matches!(character, '"' | '\'') {
            let (text, after) = text(&characters, at);
            found.push(Token::Text(text));
            at = after;
        } else if character == '`' {
            let end = characters
                .iter()
                .skip(at + 1)
                .position(|c| *c == '`')
                .map_or(characters.len(), |length| at + 1 + length);
            found.push(Token::Name(
                characters.get(at + 1..end).unwrap_or_default().iter().collect(),
            ));
            at = end + 1;
        } else if character == '/' && characters.get(at + 1) == Some(&'/') {
            while characters.get(at).is_some_and(|c| *c != '\n') {
                at += 1;
            }
        } else {
            if !character.is_whitespace() {
                found.push(Token::Mark(character));
            }
            at += 1;
        }
    }
    found
}

/// A text in quotes, also in three of them, and the place after it.
fn text(characters: &[char], start: usize) -> (String, usize) {
    let quote = characters.get(start).copied().unwrap_or('"');
    let triple = (1..3).all(|more| characters.get(start + more) == Some(&quote));
    let width = if triple { 3 } else { 1 };
    let mut at = start + width;
    let mut content = String::new();
    while let Some(&character) = characters.get(at) {
        if character == '\\' {
            content.extend(characters.get(at + 1));
            at += 2;
            continue;
        }
        if character == quote && (0..width).all(|more| characters.get(at + more) == Some(&quote)) {
            return (content, at + width);
        }
        content.push(character);
        at += 1;
    }
    (content, at)
}

/// CEL writes what is no name of its own otherwise: `foo__dot__bar`, `__namespace__`.
fn unescape_name(name: &str) -> String {
    if !name.contains("__") {
        return name.to_owned();
    }
    let inner = name.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"));
    if let Some(keyword) = inner.filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())) {
        return keyword.to_owned();
    }
    name.replace("__underscores__", "__")
        .replace("__dot__", ".")
        .replace("__dash__", "-")
        .replace("__slash__", "/")
}
