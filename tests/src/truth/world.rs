//! Everything that a target is built to, by the renderer itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gitops_model::flux::{Kustomization, flux_component};
use gitops_model::{FileRole, file_role};
use gitops_render::{Built, Child, Gone, Kustomize, Renderer as _};
use gitops_yaml::Dialect;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::releases::{self, Release};
use super::trees::{Trees, WORK_TREE, is_yaml};
use super::units::{self, Unit};

/// What kind of target it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TargetKind {
    /// The entry of a Flux repository.
    Flux,
    /// A kustomization.
    Kustomization,
    /// Plain manifests.
    Folder,
}

/// An object that is built.
#[derive(Clone, PartialEq, Debug)]
pub struct WorldObject {
    /// The object.
    pub object: Value,
    /// Number of its unit.
    pub unit: usize,
    /// Namespace and name of the release that it belongs to.
    pub release: Option<(String, String)>,
}

/// What is built.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The units.
    pub units: Vec<Unit>,
    /// The objects.
    pub objects: Vec<WorldObject>,
    /// The releases of charts of the repository.
    pub releases: Vec<Release>,
    /// Why what could not be built.
    pub faults: Vec<String>,
}

/// Who builds.
pub struct Builder {
    runtime: Runtime,
    renderer: Child,
    texts: BTreeMap<String, String>,
    /// The trees; artifacts are added by [`Builder::new`].
    pub trees: Trees,
    target: String,
    /// What the target is.
    pub kind: TargetKind,
}

impl Builder {
    /// Starts the renderer and gives it the files.
    pub fn new(
        program: camino::Utf8PathBuf,
        texts: BTreeMap<String, String>,
        target: &str,
        kind: TargetKind,
    ) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let renderer = {
            let _on_runtime = runtime.enter();
            Child::new(program)
        };
        let mut builder = Self {
            runtime,
            renderer,
            trees: Trees::of_work_tree(&texts),
            texts,
            target: target.to_owned(),
            kind,
        };
        builder.send(WORK_TREE)?;
        // What an artifact holds may make further artifacts.
        for _ in 0..4 {
            let world = builder.build(None)?;
            let objects = world.objects.iter().map(|object| &object.object);
            if !builder.trees.add_artifacts(&builder.texts, objects) {
                break;
            }
            let names: Vec<String> = builder.trees.0.keys().cloned().collect();
            for name in names {
                builder.send(&name)?;
            }
        }
        Ok(builder)
    }

    fn send(&self, name: &str) -> Result<(), Gone> {
        let tree = self.trees.0.get(name);
        let files = tree.into_iter().flat_map(|tree| tree.texts.below(""));
        let files = files.map(|(path, text)| (path.to_string(), Some(text.to_string())));
        self.runtime.block_on(self.renderer.change(name, files.collect()))
    }

    /// Builds everything, with another text for one file where one is given.
    pub fn build(&self, broken: Option<(&str, &str)>) -> Result<World, Gone> {
        if self.kind == TargetKind::Folder {
            return Ok(self.folder(broken));
        }
        self.runtime.block_on(self.all_units(broken))
    }

    /// The text of a file of the work tree.
    pub fn text(&self, file: &str) -> Option<&str> {
        self.texts.get(file).map(String::as_str)
    }

    /// The texts of the work tree.
    pub fn texts(&self) -> &BTreeMap<String, String> {
        &self.texts
    }

    fn overlay(&self, tree: &str, broken: Option<(&str, &str)>) -> BTreeMap<String, Option<String>> {
        let Some((file, text)) = broken else {
            return BTreeMap::new();
        };
        let paths = self.trees.paths(tree, file);
        paths.map(|path| (path.to_owned(), Some(text.to_owned()))).collect()
    }

    async fn all_units(&self, broken: Option<(&str, &str)>) -> Result<World, Gone> {
        let is_flux = self.kind == TargetKind::Flux;
        let mut world = World::default();
        let mut next = Some(Unit::root(&self.target, is_flux));
        let mut seen = BTreeSet::new();
        let mut later: Vec<(Unit, Box<Kustomization>)> = Vec::new();
        let mut looked_at = 0;
        while let Some(unit) = next.take() {
            self.unit(unit, broken, &mut world).await?;
            if !is_flux {
                break;
            }
            for built in world.objects.get(looked_at..).unwrap_or_default() {
                let found = units::of_object(&built.object, &self.target);
                later.extend(found.filter(|(unit, _)| seen.insert(unit.name.clone())));
            }
            looked_at = world.objects.len();
            let objects: Vec<&Value> = world.objects.iter().map(|built| &built.object).collect();
            // One whose variables are still to be built waits for them.
            let ready = later
                .iter()
                .position(|(unit, kustomization)| units::values_are_known(kustomization, &unit.name.0, &objects))
                .unwrap_or(0);
            if ready < later.len() {
                let (mut unit, kustomization) = later.remove(ready);
                unit.variables = units::variables(&kustomization, &unit.name.0, &objects);
                next = Some(unit);
            }
        }
        self.all_releases(broken, &mut world).await?;
        Ok(world)
    }

    async fn unit(&self, unit: Unit, broken: Option<(&str, &str)>, world: &mut World) -> Result<(), Gone> {
        let request = Kustomize {
            tree: unit.tree.clone(),
            path: unit.directory.clone(),
            kustomization: unit.kustomization.clone().map(Arc::new),
            variables: unit.variables.clone(),
            strict: unit.kustomization.is_some(),
            overlay: self.overlay(&unit.tree, broken),
            ..Kustomize::default()
        };
        let number = world.units.len();
        let is_there = self.trees.0.contains_key(&unit.tree);
        let name = unit.name.1.clone();
        world.units.push(unit);
        if !is_there {
            return Ok(());
        }
        match self.renderer.kustomize(&request).await? {
            Built { fault: Some(fault), .. } => world.faults.push(format!("{name}: {}", fault.message)),
            Built { objects, .. } => {
                // Flux itself is the sandbox's own.
                let own = objects
                    .into_iter()
                    .filter(|built| flux_component(&built.object).is_none());
                world.objects.extend(own.map(|built| WorldObject {
                    object: Arc::unwrap_or_clone(built.object),
                    unit: number,
                    release: None,
                }));
            }
        }
        Ok(())
    }

    async fn all_releases(&self, broken: Option<(&str, &str)>, world: &mut World) -> Result<(), Gone> {
        let objects: Vec<&Value> = world.objects.iter().map(|built| &built.object).collect();
        let found: Vec<(usize, Release)> = world
            .objects
            .iter()
            .filter_map(|built| Some((built.unit, releases::of_object(&built.object, &objects)?)))
            .collect();
        let overlay = self.overlay(WORK_TREE, broken);
        for (unit, release) in found {
            let request = releases::with_overlay(&release, &overlay);
            match self.renderer.helm(&request).await? {
                Built { fault: Some(fault), .. } => world.faults.push(format!("{}: {}", release.name.1, fault.message)),
                Built { objects, .. } => {
                    let own = objects.into_iter().filter(|built| !built.hook);
                    let of = &release.name;
                    world.objects.extend(own.map(|built| WorldObject {
                        object: Arc::unwrap_or_clone(built.object),
                        unit,
                        release: Some(of.clone()),
                    }));
                }
            }
            world.releases.push(release);
        }
        Ok(())
    }

    /// Each document of a folder of manifests is its own object.
    fn folder(&self, broken: Option<(&str, &str)>) -> World {
        let mut world = World {
            units: vec![Unit::root(&self.target, false)],
            ..World::default()
        };
        let prefix = if self.target.is_empty() {
            String::new()
        } else {
            format!("{}/", self.target)
        };
        for (path, text) in &self.texts {
            if !is_yaml(path) || !path.starts_with(&prefix) || file_role(path) != FileRole::Manifests {
                continue;
            }
            let text = broken
                .filter(|(file, _)| file == path)
                .map_or(text.as_str(), |(_, text)| text);
            let parsed = gitops_yaml::parse(text);
            if let Some(error) = parsed.errors.first() {
                world.faults.push(format!("{path}: {}", error.message));
            }
            for (index, document) in parsed.documents.iter().enumerate() {
                let manifests = gitops_model::read(document, text, index).manifests().len();
                let object = document.to_json(text, Dialect::Kubectl).ok();
                world
                    .objects
                    .extend(object.filter(|_| manifests > 0).map(|object| WorldObject {
                        object,
                        unit: 0,
                        release: None,
                    }));
            }
        }
        world
    }
}

/// What a directory is, by the rules of the server: an entry of Flux has Kustomizations of Flux in it.
pub fn kind_of(texts: &BTreeMap<String, String>, target: &str) -> TargetKind {
    let inside = |path: &str| {
        let rest = if target.is_empty() {
            Some(path)
        } else {
            path.strip_prefix(target).and_then(|rest| rest.strip_prefix('/'))
        };
        rest.map(str::to_owned)
    };
    let of_flux = |rest: &str, text: &str| {
        rest == "flux-system/gotk-sync.yaml"
            || (!rest.contains('/')
                && is_yaml(rest)
                && text.contains("kustomize.toolkit.fluxcd.io/")
                && text.contains("kind: Kustomization"))
    };
    let mut own = texts.iter().filter_map(|(path, text)| Some((inside(path)?, text)));
    if own.any(|(rest, text)| of_flux(&rest, text)) {
        return TargetKind::Flux;
    }
    let mut own = texts.keys().filter_map(|path| inside(path));
    if own.any(|rest| gitops_model::KUSTOMIZATION_FILES.contains(&rest.as_str())) {
        TargetKind::Kustomization
    } else {
        TargetKind::Folder
    }
}
