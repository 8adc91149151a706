//! Numbers as Go's `strconv` reads them where go-yaml calls it.

use crate::dialect::Dialect;

/// A whole number in any of Go's notations: `0777`, `0o17`, `0b101`, `0x1F`, `10`, with a sign.
///
/// `None` when it is none, or too large for 64 bits. Underscores must be gone.
pub(crate) fn integer(text: &str, dialect: Dialect) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let has_sign = digits.len() < text.len();
    if let Some(magnitude) = unsigned(digits) {
        return bounded(magnitude, negative, has_sign);
    }
    // A sign behind the prefix is an accident of go-yaml's, which cuts the prefix off and reads the rest on its own.
    let (radix, rest) = match digits.get(..2)? {
        "0b" => (2, digits.get(2..)?),
        "0o" if dialect == Dialect::Kustomize => (8, digits.get(2..)?),
        _ => return None,
    };
    let (negative, rest) = match rest.as_bytes().first()? {
        b'-' if !has_sign => (true, rest.get(1..)?),
        b'+' if !has_sign => (false, rest.get(1..)?),
        _ => return None,
    };
    bounded(in_radix(rest, radix)?, negative, true)
}

/// A number with a sign has one bit less.
fn bounded(magnitude: u64, negative: bool, has_sign: bool) -> Option<i128> {
    let magnitude = i128::from(magnitude);
    let number = if negative { -magnitude } else { magnitude };
    let fits = !has_sign || i64::try_from(number).is_ok();
    fits.then_some(number)
}

fn unsigned(digits: &str) -> Option<u64> {
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'b' | b'B', _, ..] => (2, digits.get(2..)?),
        [b'0', b'o' | b'O', _, ..] => (8, digits.get(2..)?),
        [b'0', b'x' | b'X', _, ..] => (16, digits.get(2..)?),
        [b'0'] => return Some(0),
        [b'0', ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    in_radix(digits, radix)
}

fn in_radix(digits: &str, radix: u32) -> Option<u64> {
    // Rust would read a sign here, Go does not.
    let first = digits.chars().next()?;
    first.is_digit(radix).then(|| u64::from_str_radix(digits, radix).ok())?
}

/// A decimal number, `1.`, `.5` and `1e3` too; `None` when it is none or beyond what 64 bits hold.
pub(crate) fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let has_digits = !whole.is_empty() || fraction.is_some_and(|fraction| !fraction.is_empty());
    let good_exponent = exponent.is_none_or(|exponent| {
        let power = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !power.is_empty() && digits(power)
    });
    if !has_digits || !digits(whole) || !digits(fraction.unwrap_or("")) || !good_exponent {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The same where an underscore may stand between two digits, as Go has it for a number that starts with its point.
pub(crate) fn float_with_underscores(text: &str) -> Option<f64> {
    if !text.contains('_') {
        return float(text);
    }
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let underscores = text.match_indices('_').map(|(at, _)| at);
    let all_between = underscores
        .into_iter()
        .all(|at| digit(at.checked_sub(1)) && digit(Some(at + 1)));
    all_between.then(|| float(&text.replace('_', "")))?
}

/// A number as a key, as `sigs.k8s.io/yaml` writes it: Go's `%g` of the number in 32 bits.
pub(crate) fn float_key(number: f64) -> String {
    if number.is_nan() {
        return ".nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.into();
    }
    #[expect(clippy::cast_possible_truncation, reason = "Go narrows it too")]
    let narrow = number as f32;
    if narrow.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.into();
    }
    let scientific = format!("{narrow:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return narrow.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}
