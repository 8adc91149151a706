//! Kubernetes quantities: which texts are some, how much they are, and what a wrong one was probably meant to be.

use serde_json::Value;

const SUFFIXES: &[(&str, f64)] = &[
    ("", 1.0),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("Ei", 1_152_921_504_606_846_976.0),
];

/// How much a quantity is; `None` when the text is none.
pub(super) fn amount(text: &str) -> Option<f64> {
    let end = text
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || *c == '.' || (*at == 0 && matches!(c, '+' | '-'))))
        .map_or(text.len(), |(at, _)| at);
    let (number, suffix) = text.split_at_checked(end)?;
    let digits = number.trim_start_matches(['+', '-']);
    if !digits.bytes().any(|byte| byte.is_ascii_digit()) || digits.matches('.').count() > 1 {
        return None;
    }
    let value: f64 = format!("0{}", digits.trim_end_matches('.')).parse().ok()?;
    let value = if number.starts_with('-') { -value } else { value };
    if let Some((_, factor)) = SUFFIXES.iter().find(|(name, _)| *name == suffix) {
        return Some(value * factor);
    }
    let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    Some(value * 10_f64.powi(exponent))
}

/// How much a JSON value is, written as a number or as a text.
pub(super) fn amount_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => amount(&number.to_string()),
        Value::String(text) => amount(text),
        _ => None,
    }
}

/// Whether two values are the same quantity, however they are written.
pub(super) fn same(left: &Value, right: &Value) -> bool {
    match (amount_of(left), amount_of(right)) {
        (Some(left), Some(right)) => (left - right).abs() <= 1e-9 * left.abs().max(right.abs()),
        _ => false,
    }
}

/// What a text was probably meant to be, the likeliest first: `512MB` → `512M`, `512Mi`.
pub(super) fn meant(text: &str) -> Vec<String> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace() && *c != '_').collect();
    let compact = compact.replace(',', ".");
    let end = compact
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-')))
        .unwrap_or(compact.len());
    let Some((number, unit)) = compact.split_at_checked(end) else {
        return Vec::new();
    };
    let candidates: &[&str] = match unit.to_ascii_lowercase().as_str() {
        "" | "b" | "bytes" | "byte" | "core" | "cores" | "cpu" | "cpus" => &[""],
        "k" | "kb" | "kbyte" | "kbytes" => &["k", "Ki"],
        "ki" | "kib" => &["Ki"],
        "m" | "mb" | "meg" | "mbyte" | "mbytes" => &["M", "Mi"],
        "mi" | "mib" => &["Mi"],
        "g" | "gb" | "gig" | "gbyte" | "gbytes" => &["G", "Gi"],
        "gi" | "gib" => &["Gi"],
        "t" | "tb" => &["T", "Ti"],
        "ti" | "tib" => &["Ti"],
        "milli" | "millicores" | "millicore" | "mcpu" => &["m"],
        _ => &[],
    };
    candidates
        .iter()
        .map(|unit| format!("{number}{unit}"))
        .filter(|meant| meant != text && amount(meant).is_some())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{amount, meant, same};

    #[test]
    fn reads_quantities() {
        for (text, value) in [
            ("1", 1.0),
            ("100m", 0.1),
            ("1.5Gi", 1_610_612_736.0),
            ("+2k", 2000.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("2E", 2e18),
        ] {
            let found = amount(text).expect(text);
            assert!((found - value).abs() < 1e-6 * value, "{text}: {found}");
        }
        for text in ["", "true", "1 Gi", "512MB", "K", "1.2.3", "--1", "1K", "1e", "."] {
            assert_eq!(amount(text), None, "{text}");
        }
        assert!(same(&json!("1000m"), &json!(1)));
        assert!(!same(&json!("a"), &json!("a")));
    }

    #[test]
    fn guesses_what_was_meant() {
        assert_eq!(meant("512MB"), ["512M", "512Mi"]);
        assert_eq!(meant("12 gib"), ["12Gi"]);
        assert_eq!(meant("true"), Vec::<String>::new());
        assert_eq!(meant("1,5"), ["1.5"]);
    }
}
