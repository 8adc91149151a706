//! Which node an anchor is on, while a document is read.

/// The anchors of one document, by the parser's numbers for them.
#[derive(Default)]
pub(crate) struct Anchors {
    /// Numbers grow, so that this is sorted.
    nodes: Vec<(usize, u32)>,
}

impl Anchors {
    pub(crate) fn define(&mut self, id: usize, node: u32) {
        if id != 0 {
            self.nodes.push((id, node));
        }
    }

    pub(crate) fn find(&self, id: usize) -> Option<u32> {
        let at = self.nodes.binary_search_by_key(&id, |&(id, _)| id).ok()?;
        self.nodes.get(at).map(|&(_, node)| node)
    }
}
