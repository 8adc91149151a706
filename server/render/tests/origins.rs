//! Every scalar of every built object has a place that supplies it, and the renderer confirms it: what is changed there
//! moves the field.
//!
//! The corpora are those of `tests/corpora`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use expect_test::expect_file;
use gitops_model::kustomize::{Spot, Tree};
use gitops_model::{Supplier, Want};
use gitops_render::origins::{Origins, Place, Question, Tried};
use gitops_render::{BuiltObject, Child, Kustomize, Renderer};
use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

#[path = "origins/answers.rs"]
mod answers;
#[path = "origins/fixtures.rs"]
mod fixtures;
#[path = "origins/program.rs"]
mod program;
#[path = "origins/random.rs"]
mod random;
#[path = "origins/speed.rs"]
mod speed;
use program::renderer;

/// A directory that is built, and for whom.
struct Target {
    files: BTreeMap<String, String>,
    directory: &'static str,
    /// File and name of the Flux Kustomization.
    flux: Option<(&'static str, &'static str)>,
    variables: Option<&'static [(&'static str, &'static str)]>,
}

/// What became of the fields of a target.
#[derive(Default)]
struct Tally {
    objects: usize,
    fields: usize,
    /// The renderer confirms the place.
    exact: usize,
    /// The key of a list's item, which moves when it is changed wherever the item is meant.
    together: usize,
    /// No file has it: `apiVersion`, `kind` and `type` of what a generator makes, whose entry is the place.
    made_up: usize,
    /// Nothing can be built when it is changed, as when a patch does not find the object any more.
    untried: Vec<String>,
    misses: Vec<String>,
}

fn read(directory: &Path, from: &Path, files: &mut BTreeMap<String, String>) {
    let entries = std::fs::read_dir(directory).expect("the corpus is there");
    for entry in entries {
        let path = entry.expect("the corpus can be read").path();
        if path.is_dir() {
            read(&path, from, files);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            let name = path.strip_prefix(from).expect("it is below").to_str().expect("UTF-8");
            files.insert(name.to_owned(), text);
        }
    }
}

/// The paths of all scalars, and of empty collections.
fn scalars(value: &Value, path: &mut Vec<Step>, found: &mut Vec<FieldPath>) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                path.push(Step::Key(key.as_str().into()));
                scalars(value, path, found);
                path.pop();
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                path.push(Step::Index(index));
                scalars(value, path, found);
                path.pop();
            }
        }
        Value::Object(_) | Value::Array(_) => {}
        _ => found.push(FieldPath::from(path.clone())),
    }
}

/// Whether a path leads to a key by which strategic merge knows the items of a list.
fn is_key_of_item(path: &FieldPath) -> bool {
    match path.steps() {
        [.., Step::Index(_), Step::Key(key)] => {
            matches!(
                &**key,
                "name" | "containerPort" | "port" | "mountPath" | "ip" | "topologyKey"
            )
        }
        _ => false,
    }
}

fn named(built: &BuiltObject) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!(
        "{}/{}",
        text(&built.object["kind"]),
        text(&built.object["metadata"]["name"])
    )
}

/// The Flux Kustomization of a file by its name.
fn flux(tree: &Tree, file: &str, name: &str) -> Spot {
    let sheet = tree.sheet(file).expect("the file is there");
    let spots = (0..sheet.documents().len()).map(|document| Spot {
        sheet: sheet.clone(),
        document,
        path: FieldPath::new(),
    });
    let is_it = |spot: &Spot| {
        let name_of = spot
            .field()
            .and_then(|field| field.down(&["metadata", "name"])?.text().map(str::to_owned));
        let kind = spot.field().and_then(|field| field.text_of("kind").map(str::to_owned));
        name_of.as_deref() == Some(name) && kind.as_deref() == Some("Kustomization")
    };
    spots.into_iter().find(is_it).expect("the Kustomization is there")
}

/// Gives the renderer the files, and says what is asked of it.
async fn prepare(renderer: &Child, name: &str, target: &Target) -> (Tree, Option<Spot>, Kustomize) {
    let files = &target.files;
    let tree: Tree = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let all = files.iter().map(|(path, text)| (path.clone(), Some(text.clone())));
    renderer
        .change(name, all.collect())
        .await
        .expect("the renderer is there");
    let flux = target.flux.map(|(file, name)| flux(&tree, file, name));
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let request = Kustomize {
        tree: name.to_owned(),
        path: target.directory.to_owned(),
        kustomization: flux.as_ref().and_then(|spot| spot.field()?.json().map(Arc::new)),
        variables: target.variables.map(|variables| variables.iter().map(owned).collect()),
        origins: true,
        ..Kustomize::default()
    };
    (tree, flux, request)
}

async fn tally(renderer: &Child, name: &str, target: Target) -> Tally {
    let (tree, flux, request) = prepare(renderer, name, &target).await;
    let built = renderer.kustomize(&request).await.expect("the renderer is there");
    assert!(built.fault.is_none(), "{name} {}: {:?}", target.directory, built.fault);
    let origins = Origins::read(&tree, target.directory, flux).among(&built.objects);
    let mut tally = Tally {
        objects: built.objects.len(),
        ..Tally::default()
    };
    for object in &built.objects {
        let mut paths = Vec::new();
        scalars(&object.object, &mut Vec::new(), &mut paths);
        for path in &paths {
            tally.fields += 1;
            let question = Question {
                built: object,
                path,
                want: Want::Value,
            };
            let places = origins
                .find(question, renderer, &request)
                .await
                .expect("the renderer is there");
            let moves = async |places: &[&Place]| {
                let moves = origins.moves(question, places, renderer, &request).await;
                moves.expect("the renderer is there")
            };
            let Some(first) = places.first() else {
                tally.misses.push(format!("{} {path}: no place", named(object)));
                continue;
            };
            let shown = format!(
                "{} {path}: {:?} {} {}+{} {:?}",
                named(object),
                first.origin.supplier,
                first.origin.file,
                first.origin.base,
                first.origin.path,
                first.known
            );
            if !first.is_exact {
                let is_made_up = object.origin.as_ref().is_some_and(|origin| origin.path.is_empty());
                if is_made_up && matches!(first.origin.supplier, Supplier::Generator) {
                    tally.made_up += 1;
                } else {
                    tally.misses.push(shown);
                }
                continue;
            }
            let mut tried = moves(&[first]).await;
            if tried == Some(Tried::Still) && is_key_of_item(path) {
                // It is written wherever the item is meant: changed in one place alone the item becomes two.
                let last = first.origin.path.last_key();
                let same = |place: &&Place| place.origin.path.last_key() == last;
                tried = moves(&places.iter().filter(same).collect::<Vec<_>>()).await;
                if tried == Some(Tried::Moved) {
                    tally.together += 1;
                    continue;
                }
            }
            match tried {
                Some(Tried::Moved) => tally.exact += 1,
                Some(Tried::NotBuilt) => tally.untried.push(shown),
                Some(Tried::Still) | None => tally.misses.push(shown),
            }
        }
    }
    tally
}

fn line(summary: &mut String, name: &str, tally: &Tally) {
    writeln!(
        summary,
        "{name:<44} {:>4} objects {:>5} fields {:>5} exact {:>2} together {:>3} untried {:>3} made up {:>3} missed",
        tally.objects,
        tally.fields,
        tally.exact,
        tally.together,
        tally.untried.len(),
        tally.made_up,
        tally.misses.len()
    )
    .expect("writing to a text");
    for untried in &tally.untried {
        writeln!(summary, "    untried {untried}").expect("writing to a text");
    }
    for miss in &tally.misses {
        writeln!(summary, "    missed {miss}").expect("writing to a text");
    }
}

#[tokio::test]
async fn every_field_of_the_corpora_has_its_place() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpora");
    let renderer = renderer();
    let mut summary = String::new();
    let (mut supplied, mut exact) = (0, 0);
    for (corpus, directory, flux, variables) in fixtures::CORPORA {
        let mut files = BTreeMap::new();
        read(&corpora.join(corpus), &corpora.join(corpus), &mut files);
        let target = Target {
            files,
            directory,
            flux: *flux,
            variables: *variables,
        };
        let tally = tally(&renderer, corpus, target).await;
        supplied += tally.fields - tally.made_up;
        exact += tally.exact;
        let name = format!("{corpus} {directory}");
        line(&mut summary, &name, &tally);
    }
    expect_file!["origins/corpora.txt"].assert_eq(&summary);
    assert!(exact * 100 >= supplied * 99, "{exact} of {supplied}");
}

#[tokio::test]
async fn every_field_of_the_fixtures_has_its_place() {
    let renderer = renderer();
    let mut summary = String::new();
    for (name, directory, flux, variables) in fixtures::FLEET {
        let target = Target {
            files: fleet(),
            directory,
            flux: *flux,
            variables: *variables,
        };
        let tally = tally(&renderer, name, target).await;
        line(&mut summary, directory, &tally);
    }
    expect_file!["origins/fleet.txt"].assert_eq(&summary);
}

/// The files beside this one.
fn fleet() -> BTreeMap<String, String> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/origins/fleet");
    let mut files = BTreeMap::new();
    read(&from, &from, &mut files);
    files
}
