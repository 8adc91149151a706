//! Mutated texts, and what must hold for every text whatever is in it.

use gitops_model::{Want, anchor_of_object, place, read};
use gitops_text::{Encoding, Span, Text, decode};
use gitops_yaml::{Dialect, FieldPath, parse};

/// What people and machines put where it does not belong.
const FRAGMENTS: [&str; 44] = [
    "---\n",
    "...\n",
    ": ",
    "- ",
    "\t",
    "\n",
    "\r\n",
    "\r",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "|",
    ">",
    "|-\n",
    "&a ",
    "*a",
    "<<: *a\n",
    "!!str ",
    "#",
    " #",
    "%YAML 1.2\n",
    "\u{feff}",
    "\u{0}",
    "é",
    "日本",
    "😀",
    "\u{2028}",
    "? ",
    ", ",
    "~",
    "@",
    "`",
    "kind: List\nitems:\n",
    "apiVersion: v1\n",
    "metadata:\n  name: x\n",
    "  ",
    "    ",
    "*",
    "&",
    "!",
    "\u{85}",
];

/// A small generator of pseudo-random numbers (xorshift64*): the same seed makes the same files on every machine.
pub struct Mutator(u64);

impl Mutator {
    /// A generator that goes on from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// The next number.
    pub fn next_number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 {
            0
        } else {
            usize::try_from(self.next_number() % bound as u64).unwrap_or(0)
        }
    }

    /// A piece of one of the texts, changed in one to six places.
    pub fn mutate(&mut self, texts: &[Vec<u8>]) -> Vec<u8> {
        let source = &texts[self.below(texts.len())];
        // Most faults need a few lines only; whole files are tried now and then.
        let mut bytes = if source.len() > 1500 && self.below(8) != 0 {
            let start = self.below(source.len() - 1000);
            let start = source[..start]
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(0, |at| at + 1);
            source[start..(start + 1000).min(source.len())].to_vec()
        } else {
            source.clone()
        };
        for _ in 0..=self.below(6) {
            let at = self.below(bytes.len() + 1);
            match self.below(7) {
                0 => {
                    bytes.splice(at..at, FRAGMENTS[self.below(FRAGMENTS.len())].bytes());
                }
                1 => {
                    let end = (at + self.below(20)).min(bytes.len());
                    bytes.drain(at..end);
                }
                2 => {
                    let byte = u8::try_from(self.below(256)).unwrap_or(0);
                    if let Some(slot) = bytes.get_mut(at) {
                        *slot = byte;
                    }
                }
                3 => {
                    let end = (at + self.below(200)).min(bytes.len());
                    let copy = bytes[at..end].to_vec();
                    let to = self.below(bytes.len() + 1);
                    bytes.splice(to..to, copy);
                }
                4 => bytes.truncate(at),
                5 => {
                    let fragment = FRAGMENTS[self.below(FRAGMENTS.len())].repeat(1 + self.below(30));
                    bytes.splice(at..at, fragment.bytes());
                }
                _ => {
                    let other = &texts[self.below(texts.len())];
                    let start = self.below(other.len());
                    let end = (start + self.below(300)).min(other.len());
                    bytes.splice(at..at, other[start..end].iter().copied());
                }
            }
        }
        bytes
    }
}

/// Reads bytes as the server does, and checks every span that comes out.
pub fn check_text(bytes: &[u8], mutator: &mut Mutator) -> Result<(), String> {
    let source = match decode(bytes) {
        Ok(source) => source,
        Err(not_text) if not_text.offset as usize <= bytes.len() => String::from_utf8_lossy(bytes).into_owned(),
        Err(not_text) => return Err(format!("not text at {}, past the end", not_text.offset)),
    };
    let text = Text::new(source);
    let source = text.as_str();
    let parsed = parse(source);
    for error in &parsed.errors {
        in_bounds(source, error.span, "an error")?;
        if let Some((span, _)) = &error.related {
            in_bounds(source, *span, "a related place")?;
        }
    }
    for (index, document) in parsed.documents.iter().enumerate() {
        in_bounds(source, document.span(), "a document")?;
        // Too large to expand is an answer, too.
        let _ = document.to_json(source, Dialect::Kubectl);
        let _ = document.to_json(source, Dialect::Kustomize);
        let reading = read(document, source, index);
        for manifest in reading.manifests() {
            in_bounds(source, manifest.kind_span, "a kind")?;
            in_bounds(
                source,
                anchor_of_object(document, source, &manifest.base),
                "an object's anchor",
            )?;
        }
        for _ in 0..4 {
            let offset = u32::try_from(mutator.below(source.len() + 1)).unwrap_or(0);
            let Some((path, _)) = document.path_at(source, offset) else {
                continue;
            };
            let mut deeper = path.clone();
            deeper.push_key("nowhere");
            for (path, want) in [
                (&path, Want::Key),
                (&path, Want::Value),
                (&deeper, Want::Key),
                (&deeper, Want::Value),
            ] {
                let span = place(document, source, &FieldPath::default(), path, want);
                in_bounds(source, span, "a place")?;
            }
        }
    }
    for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
        let offset = u32::try_from(mutator.below(source.len() + 3)).unwrap_or(0);
        let position = text.position(offset, encoding);
        let back = text.offset(position, encoding);
        in_bounds(source, Span::new(back, back), "a position")?;
        if text.position(back, encoding) != position {
            return Err(format!(
                "{position:?} leads to {back}, which is at {:?}",
                text.position(back, encoding)
            ));
        }
    }
    Ok(())
}

fn in_bounds(source: &str, span: Span, what: &str) -> Result<(), String> {
    let (start, end) = (span.start as usize, span.end as usize);
    if start <= end && end <= source.len() && source.is_char_boundary(start) && source.is_char_boundary(end) {
        Ok(())
    } else {
        Err(format!("{what} spans {start}..{end} of {} bytes", source.len()))
    }
}
