//! A repository with a release, the real renderer, and what they say.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use expect_test::Expect;
use gitops_model::Want;
use gitops_model::flux::FluxObject;
use gitops_model::kustomize::Tree;
use gitops_render::fault::PlacedFault;
use gitops_render::helm::{Capabilities, FieldQuestion, Release, Rendered, Surroundings, UnitOrigins, Units, release};
use gitops_render::{BuiltObject, Child, Kustomize, OriginNote, Renderer as _};
use gitops_text::{Encoding, LineIndex, Span};
use gitops_yaml::FieldPath;

use super::program::renderer;
use super::repository::REPOSITORY;

pub(super) struct Fixture {
    pub(super) tree: Tree,
    pub(super) renderer: Child,
    pub(super) objects: Vec<BuiltObject>,
    pub(super) unit_of: Vec<usize>,
    pub(super) as_built: BTreeMap<usize, OriginNote>,
    pub(super) release: Release,
}

impl Fixture {
    /// The repository with texts in it replaced.
    pub(super) async fn new(edits: &[(&str, &str)]) -> Self {
        let mut text = REPOSITORY.to_owned();
        for (find, put) in edits {
            assert!(text.contains(find), "{find:?} is not there");
            text = text.replacen(find, put, 1);
        }
        let files: Vec<(String, String)> = text
            .split("\n#- ")
            .skip(1)
            .map(|part| {
                let (name, text) = part.split_once('\n').expect("a file has a name");
                (name.to_owned(), format!("{text}\n"))
            })
            .collect();
        let renderer = renderer();
        let changes = files.iter().map(|(path, text)| (path.clone(), Some(text.clone())));
        renderer.change("t", changes.collect()).await.expect("it is there");
        let built = renderer.kustomize(&request()).await.expect("it is there");
        assert_eq!(built.fault, None);
        let tree: Tree = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        let objects = built.objects;
        let unit_of = vec![0; objects.len()];
        let number = objects
            .iter()
            .position(|built| built.object["kind"] == "HelmRelease")
            .expect("it is built");
        let capabilities = Capabilities {
            kubernetes_version: "1.36.3".to_owned(),
            api_versions: Vec::new(),
        };
        let read = FluxObject::read(&objects[number].object).expect("it is one of Flux's");
        let mut release = release(
            number,
            &read,
            &objects,
            &tree,
            &|_, path| Some(path.to_owned()),
            &capabilities,
        )
        .expect("its chart is in the tree");
        "t".clone_into(&mut release.request.tree);
        release.request.report_values = true;
        Self {
            tree,
            renderer,
            objects,
            unit_of,
            as_built: BTreeMap::new(),
            release,
        }
    }

    fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            tree: &self.tree,
            renderer: &self.renderer,
            objects: &self.objects,
            unit_of: &self.unit_of,
            units: Units::new(1, |_| Some(UnitOrigins::new(&self.tree, "apps", None, request()))),
            as_built: &self.as_built,
            in_its_file: Box::new(|_, place| place),
        }
    }

    fn line(&self, file: &str, span: Span) -> String {
        let text = self.tree.text(file).expect("the file is there");
        let line = LineIndex::new(text).position(text, span.start, Encoding::Utf8).line;
        format!("{file}:{} `{}`", line + 1, span.slice(text))
    }

    fn shown(&self, faults: &[PlacedFault]) -> String {
        let mut said = String::new();
        for fault in faults {
            let line = self.line(&fault.file, fault.span);
            writeln!(said, "{line} {}: {}", fault.slug, fault.message).expect("writing to a text");
        }
        said
    }

    /// What is said.
    pub(super) async fn faults(&self) -> String {
        let surroundings = self.surroundings();
        let said = match self.renderer.helm(&self.release.request).await {
            Ok(built) => {
                let values = built.values.unwrap_or_default();
                if let Some(fault) = built.fault {
                    surroundings.faults(&self.release, &values, &fault).await
                } else {
                    let rendered = Rendered {
                        release: &self.release,
                        merged: &values,
                        objects: &built.objects,
                    };
                    let unread = surroundings.unread(rendered).await;
                    let mut found = surroundings.places_of_unread(rendered, &unread).await;
                    found.extend(surroundings.unused_patches(rendered).await);
                    found
                }
            }
            Err(gone) => surroundings.without_end(&self.release, &gone.reason).await,
        };
        self.shown(&said)
    }

    /// The first place of a field of the Deployment.
    pub(super) async fn place(&self, path: &str, item_key: Option<&str>, is_type: bool) -> String {
        let built = self.renderer.helm(&self.release.request).await.expect("it is there");
        assert_eq!(built.fault, None);
        let values = built.values.unwrap_or_default();
        let rendered = Rendered {
            release: &self.release,
            merged: &values,
            objects: &built.objects,
        };
        let path = FieldPath::parse(path).expect("a path");
        let question = FieldQuestion {
            // What a switch turns on is rendered last.
            number: if path.len() == 1 { built.objects.len() - 1 } else { 0 },
            path: &path,
            // What has the wrong type may be a map or a list, whose key is marked.
            want: if item_key == Some("") || is_type {
                Want::Key
            } else {
                Want::Value
            },
            item_key,
            is_type,
        };
        let places = self.surroundings().places_of_rendered(rendered, question).await;
        let first = places.first().expect("there is a place");
        self.line(&first.origin.file, first.span)
    }
}

fn request() -> Kustomize {
    Kustomize {
        tree: "t".to_owned(),
        path: "apps".to_owned(),
        origins: true,
        ..Kustomize::default()
    }
}

/// What is said of the repository with edits in it.
pub(super) async fn faults(edits: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&Fixture::new(edits).await.faults().await);
}

/// The first place of a field of the Deployment.
pub(super) async fn place(edits: &[(&str, &str)], path: &str, item_key: Option<&str>, is_type: bool) -> String {
    Fixture::new(edits).await.place(path, item_key, is_type).await
}
