//! Patches: strategic merge and JSON 6902, inline or in files.

use std::sync::Arc;

use gitops_yaml::{FieldPath, NodeKind};

use super::{Entry, Field, Selector, Sheet, Spot};

/// One entry of `patches`, `patchesStrategicMerge` or `patchesJson6902`.
#[derive(Clone, Debug)]
pub struct Patch {
    /// The entry itself.
    pub spot: Spot,
    /// What it says.
    pub body: PatchBody,
    /// Which objects it means; `None` where the patch itself names one.
    pub target: Option<Selector>,
}

/// Where the text of a patch is.
#[derive(Clone, Debug)]
pub enum PatchBody {
    /// In a file, relative to the directory of the kustomization.
    File(Entry),
    /// In a scalar of the kustomization.
    Inline(Arc<Sheet>),
    /// As YAML in the document itself.
    Here(Spot),
}

/// One operation of a JSON 6902 patch.
#[derive(Clone, Debug)]
pub struct Operation<'a> {
    /// `add`, `replace`, `remove`, `move`, `copy` or `test`.
    pub op: &'a str,
    /// The unescaped parts of its `path`.
    pub path: Vec<String>,
    /// The unescaped parts of its `from`.
    pub from: Option<Vec<String>>,
    /// The operation itself.
    pub field: Field<'a>,
}

/// The operations of a patch; `None` where it is none in JSON 6902.
pub fn operations<'a>(patch: &Field<'a>) -> Option<Vec<Operation<'a>>> {
    if patch.kind() != NodeKind::Sequence {
        return None;
    }
    let read = |field: Field<'a>| {
        Some(Operation {
            op: field.text_of("op")?,
            path: pointer(field.text_of("path")?),
            from: field.text_of("from").map(pointer),
            field,
        })
    };
    Some(patch.items().into_iter().filter_map(read).collect())
}

/// The parts of a JSON pointer (RFC 6901).
fn pointer(text: &str) -> Vec<String> {
    let parts = text.strip_prefix('/').unwrap_or(text).split('/');
    parts.map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

impl PatchBody {
    /// The tops of its documents: several where a file has several patches.
    pub fn spots(&self, file: impl FnOnce(&str) -> Option<Arc<Sheet>>) -> Vec<Spot> {
        let sheet = match self {
            Self::Here(spot) => return vec![spot.clone()],
            Self::Inline(sheet) => Some(Arc::clone(sheet)),
            Self::File(entry) => file(&entry.text),
        };
        let Some(sheet) = sheet else { return Vec::new() };
        let documents = 0..sheet.documents().len();
        documents
            .map(|document| Spot {
                sheet: Arc::clone(&sheet),
                document,
                path: FieldPath::new(),
            })
            .collect()
    }
}
