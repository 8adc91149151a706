//! A text that is YAML: a file, or a text inside a scalar of a file, such as an inline patch.

use std::sync::Arc;

use gitops_text::Span;
use gitops_yaml::{Document, FieldPath, Node, NodeKind, Style, parse};

/// A parsed text, and where its bytes are in the file.
#[derive(Clone, Debug)]
pub struct Sheet {
    file: Arc<str>,
    text: Arc<str>,
    documents: Vec<Document>,
    within: Option<Within>,
}

/// Where a text inside a scalar stands in its file.
#[derive(Clone, Debug)]
struct Within {
    document: usize,
    path: FieldPath,
    /// Offsets at which pieces of the text start: in the text, in the file. Sorted; empty where the text cannot be found
    /// in what is written.
    pieces: Vec<(u32, u32)>,
    whole: Span,
}

impl Sheet {
    /// Of a whole file.
    pub fn of_file(file: Arc<str>, text: Arc<str>) -> Self {
        let documents = parse(&text).documents;
        Self {
            file,
            text,
            documents,
            within: None,
        }
    }

    /// Of the text in a scalar of this sheet; `None` where there is no scalar.
    pub fn inside(&self, document: usize, path: &FieldPath) -> Option<Self> {
        let node = self.node(document, path)?;
        let scalar = node.scalar()?;
        let node = node.resolved();
        let pieces = match scalar.style {
            Style::Literal => literal_pieces(scalar.raw, scalar.value, node.span().start),
            style => aligned_pieces(scalar.raw, scalar.value, style, node.span().start),
        };
        let pieces = pieces
            .into_iter()
            .map(|(inner, outer)| (inner, self.outer_offset(outer)));
        let text: Arc<str> = scalar.value.into();
        let (document, path) = match &self.within {
            Some(within) => (within.document, within.path.clone()),
            None => (document, path.clone()),
        };
        Some(Self {
            file: Arc::clone(&self.file),
            documents: parse(&text).documents,
            text,
            within: Some(Within {
                document,
                path,
                pieces: pieces.collect(),
                whole: self.outer(node.span()),
            }),
        })
    }

    /// Name of the file.
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// The text itself: of the file, or of the scalar.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The documents in it.
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// The scalar of the file in which the text stands: its document and path. `None` for a file itself.
    pub fn within(&self) -> Option<(usize, &FieldPath)> {
        self.within.as_ref().map(|within| (within.document, &within.path))
    }

    /// The node at a path of a document.
    pub fn node(&self, document: usize, path: &FieldPath) -> Option<Node<'_>> {
        self.documents.get(document)?.node_at(&self.text, path)
    }

    /// A span of this text as bytes of the file: the whole scalar where its bytes have no place of their own.
    pub fn outer(&self, span: Span) -> Span {
        match &self.within {
            Some(within) if within.pieces.is_empty() => within.whole,
            _ => Span::new(self.outer_offset(span.start), self.outer_offset(span.end)),
        }
    }

    /// Whether each byte has a place of its own in the file, so that a part of the text can be changed there.
    pub fn is_exact(&self) -> bool {
        self.within.as_ref().is_none_or(|within| !within.pieces.is_empty())
    }

    fn outer_offset(&self, offset: u32) -> u32 {
        let Some(within) = &self.within else {
            return offset;
        };
        let after = within.pieces.partition_point(|&(inner, _)| inner <= offset);
        match within.pieces.get(after.saturating_sub(1)) {
            Some(&(inner, outer)) => outer.saturating_add(offset.saturating_sub(inner)),
            None => within.whole.start,
        }
    }
}

/// The lines of a `|` scalar. `raw` starts with its header, at `start` of the text around it.
fn literal_pieces(raw: &str, value: &str, start: u32) -> Vec<(u32, u32)> {
    let mut outer_lines = Vec::new();
    let mut offset = 0;
    for line in raw.split_inclusive('\n') {
        outer_lines.push((offset, line));
        offset += line.len();
    }
    let mut outer_lines = outer_lines.into_iter().skip(1);
    let mut pieces = Vec::new();
    let mut inner = 0_usize;
    for line in value.split_inclusive('\n') {
        let Some((offset, outer)) = outer_lines.next() else {
            break;
        };
        let content = line.trim_end_matches(['\n', '\r']);
        let indent = outer.trim_end_matches(['\n', '\r']).len().saturating_sub(content.len());
        if !content.is_empty() && !outer.get(indent..).is_some_and(|rest| rest.starts_with(content)) {
            return Vec::new();
        }
        let outer = offset + if content.is_empty() { 0 } else { indent };
        if let (Ok(inner), Ok(outer)) = (u32::try_from(inner), u32::try_from(outer)) {
            pieces.push((inner, start.saturating_add(outer)));
        }
        inner += line.len();
    }
    pieces
}

/// The pieces of a scalar that is folded, quoted or plain: what is written and what it stands for are gone through side
/// by side. Blanks answer to blanks, however many; an escape answers to the character that it stands for.
fn aligned_pieces(raw: &str, value: &str, style: Style, start: u32) -> Vec<(u32, u32)> {
    let header = match style {
        Style::Folded => raw.find('\n').map_or(raw.len(), |end| end + 1),
        Style::SingleQuoted | Style::DoubleQuoted => 1,
        Style::Plain | Style::Literal => 0,
    };
    let is_blank = |character: &char| character.is_ascii_whitespace();
    let mut written = raw.char_indices().skip_while(|&(at, _)| at < header).peekable();
    let mut meant = value.char_indices().peekable();
    let mut pieces: Vec<(u32, u32)> = Vec::new();
    let mut delta = None;
    while let Some(&(inner, character)) = meant.peek() {
        if is_blank(&character) {
            let mut found = false;
            while written.next_if(|(_, other)| is_blank(other)).is_some() {
                found = true;
            }
            if found {
                while meant.next_if(|(_, other)| is_blank(other)).is_some() {}
                continue;
            }
        } else {
            while written.peek().is_some_and(|(_, other)| is_blank(other)) {
                written.next();
            }
        }
        // A folded text can end with a break that its last line does not show.
        let Some((outer, other)) = written.next() else { break };
        match (style, other) {
            (Style::DoubleQuoted, '\\') => {
                let length = match written.next().map(|(_, kind)| kind) {
                    Some('x') => 2,
                    Some('u') => 4,
                    Some('U') => 8,
                    // A break that is not meant.
                    Some('\n' | '\r') => continue,
                    _ => 0,
                };
                for _ in 0..length {
                    written.next();
                }
            }
            (Style::SingleQuoted, '\'') => {
                written.next();
            }
            _ if other == character => {}
            _ => return Vec::new(),
        }
        if let (Ok(inner), Ok(outer)) = (u32::try_from(inner), u32::try_from(outer))
            && delta != outer.checked_sub(inner)
        {
            delta = outer.checked_sub(inner);
            pieces.push((inner, start.saturating_add(outer)));
        }
        meant.next();
    }
    pieces
}

/// Whether a node is a text that is no more than one line: the name of a file rather than YAML.
pub(super) fn is_one_line(node: Node<'_>) -> bool {
    node.resolved().kind() == NodeKind::Scalar && node.as_str().is_some_and(|text| !text.trim_end().contains('\n'))
}

#[cfg(test)]
mod tests {
    use super::Sheet;
    use gitops_yaml::FieldPath;

    /// What the file has where the text inside has its last word.
    fn word(file: &str, last: &str) -> Option<String> {
        let sheet = Sheet::of_file("a.yaml".into(), file.into());
        let inside = sheet.inside(0, &FieldPath::parse("patch")?)?;
        let start = u32::try_from(inside.text().rfind(last)?).ok()?;
        let end = start + u32::try_from(last.len()).ok()?;
        let outer = inside.outer(gitops_text::Span::new(start, end));
        Some(outer.slice(file).to_owned())
    }

    #[test]
    fn a_text_inside_a_scalar_is_found_in_the_file() {
        for file in [
            "patch: |\n  first: a\n\n    more\n  last: here\n",
            "patch: |2-\n    first: ü\n    last: here",
            "patch: |+\r\n  first: a\r\n  last: here\r\n\r\n",
            "patch: >\n  [1,\n\n  2,\n   here]\n",
            "patch: '[''a'', \"here\"]'",
            "patch: \"- op: \\\"x\\\"\\n  \\u00fc: \\\n  here\\n\"",
            "patch: [not, here]",
            "patch: {plain: x}",
            "patch: plain\n  text here",
        ] {
            let is_text = !file.contains(": [") && !file.contains(": {");
            assert_eq!(word(file, "here").as_deref(), is_text.then_some("here"), "{file}");
        }
    }
}
