//! What a release stands among: the files, the objects that were built of them, and where these come from.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use gitops_model::kustomize::{Spot, Tree, join};
use gitops_model::{Supplier, Want};
use gitops_yaml::{Dialect, FieldPath};
use serde_json::Value;

use super::chart::{below, charts, yaml};
use super::release::{Release, keys};
use super::values::Stands;
use crate::origins::{Origins, Place, Question};
use crate::value_at::value_at;
use crate::{BuiltObject, Kustomize, OriginNote, Renderer};

/// What was built of a directory, as origins are looked for in it.
#[derive(Debug)]
pub struct UnitOrigins<'a> {
    /// The files that it was built from.
    pub tree: &'a Tree,
    /// The directory.
    pub directory: &'a str,
    /// The Flux Kustomization whose `path` it is.
    pub flux: Option<Spot>,
    /// What is asked of the renderer to build it.
    pub request: Kustomize,
    origins: OnceLock<Origins<'a>>,
}

impl<'a> UnitOrigins<'a> {
    /// Of a directory. Its kustomizations are read when something is looked for in them.
    pub fn new(tree: &'a Tree, directory: &'a str, flux: Option<Spot>, request: Kustomize) -> Self {
        Self {
            tree,
            directory,
            flux,
            request,
            origins: OnceLock::new(),
        }
    }
}

/// What was built on its own, by its number: read when something is looked for in it, which is seldom.
pub struct Units<'a> {
    known: Vec<OnceLock<Option<UnitOrigins<'a>>>>,
    read: ReadUnit<'a>,
}

/// From the number of a unit to what is needed to look for origins in it.
type ReadUnit<'a> = Box<dyn Fn(usize) -> Option<UnitOrigins<'a>> + Send + Sync + 'a>;

impl<'a> Units<'a> {
    /// So many units.
    pub fn new(count: usize, read: impl Fn(usize) -> Option<UnitOrigins<'a>> + Send + Sync + 'a) -> Self {
        Self {
            known: std::iter::repeat_with(OnceLock::new).take(count).collect(),
            read: Box::new(read),
        }
    }

    fn get(&self, number: usize) -> Option<&UnitOrigins<'a>> {
        self.known.get(number)?.get_or_init(|| (self.read)(number)).as_ref()
    }
}

/// What a release stands among.
pub struct Surroundings<'a> {
    /// The files.
    pub tree: &'a Tree,
    /// Who is asked.
    pub renderer: &'a dyn Renderer,
    /// The objects that were built.
    pub objects: &'a [BuiltObject],
    /// The unit of each of them.
    pub unit_of: &'a [usize],
    /// The units.
    pub units: Units<'a>,
    /// Where objects came from in the tree of their unit, for those of which that is not the tree itself.
    pub as_built: &'a BTreeMap<usize, OriginNote>,
    /// A place that was found in the tree of a unit, in the file of the tree.
    pub in_its_file: InItsFile<'a>,
}

/// From the number of a unit and a place in its tree to the place in the file that a person has.
pub type InItsFile<'a> = Box<dyn Fn(usize, Place) -> Place + Send + Sync + 'a>;

impl Surroundings<'_> {
    /// The places of a field of a built object, best first.
    pub(super) async fn places(&self, object: impl Into<Option<usize>>, path: &FieldPath, want: Want) -> Vec<Place> {
        let Some(object) = object.into() else {
            return Vec::new();
        };
        let places = self.places_in_unit(object, path, want).await;
        places
            .into_iter()
            .map(|place| self.in_the_tree(object, place))
            .collect()
    }

    fn in_the_tree(&self, object: usize, place: Place) -> Place {
        match self.unit_of.get(object) {
            Some(unit) => (self.in_its_file)(*unit, place),
            None => place,
        }
    }

    /// The same, in the tree of its unit.
    async fn places_in_unit(&self, object: usize, path: &FieldPath, want: Want) -> Vec<Place> {
        let unit = self.unit_of.get(object).and_then(|unit| self.units.get(*unit));
        let (Some(unit), Some(built)) = (unit, self.objects.get(object)) else {
            return Vec::new();
        };
        let origins = unit.origins.get_or_init(|| {
            let origins = Origins::read(unit.tree, unit.directory, unit.flux.clone());
            origins.with_values_of(self.tree).among(self.objects)
        });
        let as_built = self.as_built.get(&object).map(|note| BuiltObject {
            origin: Some(note.clone()),
            ..built.clone()
        });
        let built = as_built.as_ref().unwrap_or(built);
        let question = Question { built, path, want };
        match origins.find(question, self.renderer, &unit.request).await {
            Ok(places) => places,
            // A renderer that is gone leaves what structure says.
            Err(_) => origins.propose(question).places,
        }
    }

    /// The places of a path in a text that a field of a built object holds.
    pub(super) async fn places_inside(
        &self,
        (object, field): (usize, &FieldPath),
        path: &FieldPath,
        want: Want,
    ) -> Vec<Place> {
        let outer = self.places_in_unit(object, field, Want::Value).await;
        let unit = self.unit_of.get(object).and_then(|unit| self.units.get(*unit));
        let tree = unit.map_or(self.tree, |unit| unit.tree);
        // A variable in the text supplies a part of it, and is not the text.
        let outer = outer
            .into_iter()
            .filter(|place| place.origin.supplier != Supplier::Substitution);
        let found = outer.filter_map(|place| place.inside(tree, path, want).or(Some(place)));
        found.take(1).map(|place| self.in_the_tree(object, place)).collect()
    }

    /// The places of a value of a release: of the value itself, or of the nearest around it that somebody wrote.
    pub(super) async fn places_of_value(&self, release: &Release, path: &FieldPath, want: Want) -> Vec<Place> {
        for length in (1..=path.len()).rev() {
            let is_exact = length == path.len();
            let part = path.prefix(length);
            let want = if is_exact { want } else { Want::Key };
            let mut found = Vec::new();
            for (source, inner) in release.suppliers(&part) {
                let places = match &source.stands {
                    Stands::In(object, field) if source.reference.is_none() => {
                        self.places(*object, &field.join(&inner), want).await
                    }
                    Stands::In(object, field) => self.places_inside((*object, field), &inner, want).await,
                    Stands::File(file) => self.place_in_file(file, inner, want).into_iter().collect(),
                };
                found.extend(places.into_iter().map(|place| {
                    let mut place = place.of(Supplier::Values);
                    place.is_exact &= is_exact;
                    place
                }));
            }
            // Of a bare chart the values are the chart's own, as far as there are no others.
            if release.object.is_none() && found.is_empty() {
                let default = self.place_of_default(release, &part, want);
                found.extend(default.map(|mut place| {
                    place.is_exact &= is_exact;
                    place
                }));
            }
            if !found.is_empty() {
                return found;
            }
        }
        self.place_of_release(release, &keys(&["spec", "values"])).await
    }

    /// The place of a path in the first document of a file.
    fn place_in_file(&self, file: &str, path: FieldPath, want: Want) -> Option<Place> {
        let spot = Spot {
            sheet: self.tree.sheet(file)?,
            document: 0,
            path,
        };
        Some(Place::at_spot(spot, Supplier::Values, want))
    }

    /// The place of a bare chart: its name in `Chart.yaml`.
    fn place_of_bare_chart(&self, release: &Release) -> Option<Place> {
        let file = below(&release.request.path, "Chart.yaml");
        self.place_in_file(&file, keys(&["name"]), Want::Value)
    }

    /// The place where a chart's own values have one: in its `values.yaml`, or in the files that take its place.
    pub(super) fn place_of_default(&self, release: &Release, path: &FieldPath, want: Want) -> Option<Place> {
        self.defaults(release).into_iter().find_map(|default| {
            let inner = default.inner(path)?;
            value_at(&default.value, &inner)?;
            self.place_in_file(&default.file, inner, want)
        })
    }

    /// The values files of a release's chart and of the charts in it, the strongest first.
    pub(super) fn defaults(&self, release: &Release) -> Vec<Default> {
        let mut found = Vec::new();
        for chart in charts(self.tree, &release.request.path) {
            let files: Vec<&str> = if chart.keys.is_empty() && !release.request.values_files.is_empty() {
                let files = release.request.values_files.iter().rev();
                files.map(String::as_str).collect()
            } else {
                vec!["values.yaml"]
            };
            for file in files {
                if let Some(file) = join(&chart.directory, file)
                    && let Some(value) = yaml(self.tree, "", &file)
                {
                    found.push(Default {
                        file,
                        keys: chart.keys.clone(),
                        value,
                    });
                }
            }
        }
        found
    }

    /// The place of a field of the `HelmRelease`, or of the nearest around it; of its `kind:` where there is none. A bare
    /// chart has one place.
    pub(super) async fn place_of_release(&self, release: &Release, path: &FieldPath) -> Vec<Place> {
        let Some(object) = release.object else {
            return self.place_of_bare_chart(release).into_iter().collect();
        };
        let mut path = path.clone();
        loop {
            let there = self
                .objects
                .get(object)
                .is_some_and(|built| value_at(&built.object, &path).is_some());
            if there {
                let found = self.places(object, &path, Want::Key).await;
                if !found.is_empty() {
                    return found;
                }
            }
            if path.pop().is_none() {
                return Vec::new();
            }
        }
    }

    /// The place where the chart is named.
    pub(super) async fn place_of_chart(&self, release: &Release) -> Vec<Place> {
        match &release.chart {
            Some((object, path)) => self.places(*object, path, Want::Value).await,
            None => self.place_of_bare_chart(release).into_iter().collect(),
        }
    }
}

/// A file of a chart's own values.
pub(super) struct Default {
    pub(super) file: String,
    /// The keys of the charts that it is for.
    keys: Vec<String>,
    pub(super) value: Value,
}

impl Default {
    /// A path of the release's values in this file.
    pub(super) fn inner(&self, path: &FieldPath) -> Option<FieldPath> {
        let outer = self.outer(&FieldPath::new());
        path.starts_with(&outer)
            .then(|| path.steps().iter().skip(outer.len()).cloned().collect())
    }

    /// A path of this file in the release's values.
    pub(super) fn outer(&self, path: &FieldPath) -> FieldPath {
        let names: Vec<&str> = self.keys.iter().map(String::as_str).collect();
        keys(&names).join(path)
    }
}

/// The value that a text of YAML holds.
pub(super) fn read_yaml(text: &str) -> Option<Value> {
    let parse = gitops_yaml::parse(text);
    parse.documents.first()?.to_json(text, Dialect::Kubectl).ok()
}
