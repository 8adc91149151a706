//! Times as go-yaml recognises them, and as Go writes them into JSON.

/// The normal form of a time, `2001-01-01T00:00:00Z`; `None` for a text that is not one of the four forms that go-yaml knows.
pub(crate) fn timestamp(text: &str) -> Option<String> {
    let mut rest = Rest(text);
    // Most scalars that start with a digit are told apart here.
    let year = rest.exactly(4)?;
    rest.byte(b'-')?;
    let month = rest.one_or_two()?;
    rest.byte(b'-')?;
    let day = rest.one_or_two()?;
    if !(1..=12).contains(&month) || !(1..=days_in(month, year)).contains(&day) {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    let separator = match rest.0.as_bytes().first() {
        None => return Some(format!("{date}T00:00:00Z")),
        Some(&separator @ (b'T' | b't' | b' ')) => separator,
        Some(_) => return None,
    };
    rest.byte(separator)?;
    if separator == b' ' {
        rest.0 = rest.0.trim_start_matches(' ');
    }
    let hour = rest.one_or_two()?;
    rest.byte(b':')?;
    let minute = rest.one_or_two()?;
    rest.byte(b':')?;
    let second = rest.one_or_two()?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction = rest.fraction();
    // With a blank between date and time there is no zone.
    let zone = match separator {
        b' ' => String::from("Z"),
        _ => rest.zone()?,
    };
    rest.0
        .is_empty()
        .then(|| format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}"))
}

fn days_in(month: u32, year: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// What is not read yet.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn byte(&mut self, wanted: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(char::from(wanted))?;
        Some(())
    }

    fn take(&mut self, length: usize) -> Option<&'a str> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn digits(&self) -> usize {
        let is_other = |byte: u8| !byte.is_ascii_digit();
        self.0.bytes().position(is_other).unwrap_or(self.0.len())
    }

    fn exactly(&mut self, count: usize) -> Option<u32> {
        (self.digits() >= count).then(|| self.take(count)?.parse().ok())?
    }

    fn one_or_two(&mut self) -> Option<u32> {
        let count = self.digits().min(2);
        (count > 0).then(|| self.take(count)?.parse().ok())?
    }

    /// A fraction of a second as Go writes it: at most nine digits and no zeros at the end.
    fn fraction(&mut self) -> String {
        let Some(after) = self.0.strip_prefix(['.', ',']) else {
            return String::new();
        };
        let count = Rest(after).digits();
        if count == 0 {
            return String::new();
        }
        let digits = after.get(..count.min(9)).unwrap_or("").trim_end_matches('0');
        self.0 = after.get(count..).unwrap_or("");
        match digits {
            "" => String::new(),
            digits => format!(".{digits}"),
        }
    }

    fn zone(&mut self) -> Option<String> {
        if self.byte(b'Z').is_some() {
            return Some("Z".into());
        }
        let sign = self.take(1).filter(|sign| matches!(*sign, "+" | "-"))?;
        let hours = self.exactly(2)?;
        self.byte(b':')?;
        let minutes = self.exactly(2)?;
        // Go lets 24 hours and 60 minutes pass when it reads, and refuses a whole day when it writes.
        let offset = hours * 60 + minutes;
        if hours > 24 || minutes > 60 || offset >= 24 * 60 {
            return None;
        }
        Some(match offset {
            0 => "Z".into(),
            _ => format!("{sign}{:02}:{:02}", offset / 60, offset % 60),
        })
    }
}
