//! Reading a kustomization file, and the part of a Flux Kustomization that kustomize-controller writes into it.

use std::sync::Arc;

use gitops_yaml::NodeKind;

use super::sheet::is_one_line;
use super::{
    Entry, Field, Generator, Image, Kustomization, Labels, Patch, PatchBody, Replacement, Replicas, Selector, Sheet,
    Targeted,
};

/// Reads the first document of a kustomization file. What cannot be read is left out.
pub fn read_kustomization(sheet: &Arc<Sheet>) -> Kustomization {
    let mut kustomization = Kustomization {
        sheet: Some(Arc::clone(sheet)),
        ..Kustomization::default()
    };
    let documents = 0..sheet.documents().len();
    let Some(top) = documents.into_iter().find_map(|document| Field::top(sheet, document)) else {
        return kustomization;
    };
    shared(&top, &mut kustomization);
    kustomization.resources = texts(&top, "resources");
    kustomization.resources.extend(texts(&top, "bases"));
    let common = |key| top.get(key).map(|pairs_of| pairs(&pairs_of)).unwrap_or_default();
    for entry in list(&top, "labels") {
        kustomization.labels.push(Labels {
            pairs: entry.get("pairs").map(|field| pairs(&field)).unwrap_or_default(),
            include_selectors: entry.text_of("includeSelectors") == Some("true"),
            include_templates: entry.text_of("includeTemplates") == Some("true"),
            fields: field_specs(&entry, "fields"),
        });
    }
    let everywhere = |pairs| Labels {
        pairs,
        include_selectors: true,
        include_templates: true,
        fields: Vec::new(),
    };
    kustomization.labels.push(everywhere(common("commonLabels")));
    kustomization.annotations.push(everywhere(common("commonAnnotations")));
    for (key, is_secret) in [("configMapGenerator", false), ("secretGenerator", true)] {
        let options = top.get("generatorOptions");
        let entries = list(&top, key);
        let read = entries
            .iter()
            .filter_map(|entry| generator(entry, is_secret, options.as_ref()));
        kustomization.generators.extend(read);
    }
    for entry in list(&top, "replicas") {
        if let (Some(name), Some(count)) = (entry.text_of("name"), self::entry(&entry, "count")) {
            let name = name.to_owned();
            kustomization.replicas.push(Replicas { name, count });
        }
    }
    for entry in list(&top, "replacements") {
        match self::entry(&entry, "path") {
            Some(path) => kustomization.replacement_files.push(path),
            None => kustomization.replacements.push(replacement(&entry)),
        }
    }
    kustomization.vars = list(&top, "vars").iter().map(variable).collect();
    kustomization.generator_files = texts(&top, "generators");
    kustomization.transformer_files = texts(&top, "transformers");
    kustomization
}

/// Reads what the `spec` of a Flux Kustomization adds to the kustomization file of its `path`.
pub fn read_flux_kustomization(spec: &Field<'_>) -> Kustomization {
    let mut kustomization = Kustomization::default();
    shared(spec, &mut kustomization);
    if let Some(namespace) = entry(spec, "targetNamespace") {
        kustomization.namespace = Some(namespace);
    }
    if let Some(metadata) = spec.get("commonMetadata") {
        let of = |key| Labels {
            pairs: metadata.get(key).map(|field| pairs(&field)).unwrap_or_default(),
            include_selectors: false,
            include_templates: false,
            fields: Vec::new(),
        };
        kustomization.common_metadata = Some((of("labels"), of("annotations")));
    }
    kustomization
}

/// What both have, under the same names.
fn shared(top: &Field<'_>, kustomization: &mut Kustomization) {
    kustomization.components = texts(top, "components");
    for (key, patches) in [
        ("patchesStrategicMerge", &mut kustomization.patches_strategic_merge),
        ("patches", &mut kustomization.patches),
        ("patchesJson6902", &mut kustomization.patches_json6902),
    ] {
        let entries = list(top, key);
        let read = entries.iter().filter_map(|entry| match key {
            "patchesStrategicMerge" => merge_patch(entry),
            _ => patch(entry),
        });
        patches.extend(read);
    }
    kustomization.namespace = entry(top, "namespace");
    kustomization.name_prefix = entry(top, "namePrefix");
    kustomization.name_suffix = entry(top, "nameSuffix");
    kustomization.images = list(top, "images").iter().filter_map(image).collect();
}

/// An entry of `patchesStrategicMerge`: the name of a file, a text, or in Flux the patch itself.
fn merge_patch(entry: &Field<'_>) -> Option<Patch> {
    let body = match entry.kind() {
        NodeKind::Mapping => PatchBody::Here(entry.spot()),
        _ if is_one_line(entry.node()) && !entry.text()?.contains(": ") => PatchBody::File(as_entry(entry)?),
        _ => PatchBody::Inline(entry.inside()?),
    };
    Some(Patch {
        spot: entry.spot(),
        body,
        target: None,
    })
}

pub(super) fn patch(entry: &Field<'_>) -> Option<Patch> {
    let inline = entry.get("patch").or_else(|| entry.get("jsonOp"));
    let body = match (inline, entry.get("path")) {
        (Some(inline), _) if inline.kind() == NodeKind::Scalar => PatchBody::Inline(inline.inside()?),
        (Some(inline), _) => PatchBody::Here(inline.spot()),
        (None, Some(path)) => PatchBody::File(as_entry(&path)?),
        (None, None) => return None,
    };
    Some(Patch {
        spot: entry.spot(),
        body,
        target: entry.get("target").map(|target| Selector::with_patterns(&target)),
    })
}

pub(super) fn image(entry: &Field<'_>) -> Option<Image> {
    Some(Image {
        spot: entry.spot(),
        name: entry.text_of("name")?.to_owned(),
        new_name: self::entry(entry, "newName"),
        new_tag: self::entry(entry, "newTag"),
        tag_suffix: self::entry(entry, "tagSuffix"),
        digest: self::entry(entry, "digest"),
    })
}

pub(super) fn generator(entry: &Field<'_>, is_secret: bool, shared: Option<&Field<'_>>) -> Option<Generator> {
    let mut envs = texts(entry, "envs");
    envs.extend(self::entry(entry, "env"));
    let own = entry.get("options");
    let options = [own.as_ref(), shared];
    let of = |key: &str| {
        let options = options.iter().flatten().filter_map(|options| options.get(key));
        options.flat_map(|field| pairs(&field)).collect()
    };
    Some(Generator {
        spot: entry.spot(),
        is_secret,
        name: self::entry(entry, "name")?,
        namespace: self::entry(entry, "namespace"),
        behavior: entry.text_of("behavior").unwrap_or("create").to_owned(),
        literals: texts(entry, "literals"),
        files: texts(entry, "files"),
        envs,
        labels: of("labels"),
        annotations: of("annotations"),
    })
}

pub(super) fn replacement(entry: &Field<'_>) -> Replacement {
    let source = entry.get("source").map(|source| Targeted {
        select: Selector::of_texts(&source),
        field_paths: vec![source.text_of("fieldPath").unwrap_or("metadata.name").to_owned()],
    });
    let targets = list(entry, "targets").into_iter().map(|target| Targeted {
        select: target
            .get("select")
            .map(|select| Selector::with_patterns(&select))
            .unwrap_or_default(),
        field_paths: texts(&target, "fieldPaths").into_iter().map(|path| path.text).collect(),
    });
    Replacement {
        spot: entry.spot(),
        source,
        source_value: self::entry(entry, "sourceValue"),
        targets: targets.collect(),
    }
}

/// A legacy variable: its value goes wherever `$(NAME)` stands, so that it has no targets.
fn variable(entry: &Field<'_>) -> Replacement {
    let field_path = entry
        .down(&["fieldref", "fieldpath"])
        .or_else(|| entry.down(&["fieldref", "fieldPath"]));
    Replacement {
        spot: entry.spot(),
        source: entry.get("objref").map(|object| Targeted {
            select: Selector::of_texts(&object),
            field_paths: vec![
                field_path
                    .and_then(|path| path.text())
                    .unwrap_or("metadata.name")
                    .to_owned(),
            ],
        }),
        source_value: None,
        targets: Vec::new(),
    }
}

pub(super) fn pairs(field: &Field<'_>) -> Vec<(String, Entry)> {
    let entries = field.entries().into_iter();
    entries
        .filter_map(|(key, value)| Some((key.to_owned(), as_entry(&value)?)))
        .collect()
}

pub(super) fn field_specs(entry: &Field<'_>, key: &str) -> Vec<String> {
    let specs = list(entry, key).into_iter();
    specs
        .filter_map(|spec| spec.text_of("path").map(str::to_owned))
        .collect()
}

pub(super) fn list<'a>(top: &Field<'a>, key: &str) -> Vec<Field<'a>> {
    top.get(key).map(|list| list.items()).unwrap_or_default()
}

pub(super) fn texts(top: &Field<'_>, key: &str) -> Vec<Entry> {
    list(top, key).iter().filter_map(as_entry).collect()
}

pub(super) fn entry(top: &Field<'_>, key: &str) -> Option<Entry> {
    top.get(key)
        .as_ref()
        .and_then(as_entry)
        .filter(|entry| !entry.text.is_empty())
}

fn as_entry(field: &Field<'_>) -> Option<Entry> {
    Some(Entry {
        text: field.text()?.to_owned(),
        spot: field.spot(),
    })
}
