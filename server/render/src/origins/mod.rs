//! Origins: which file and which bytes of it supply a field of a built object.
//!
//! Structure proposes: the object is followed backwards through the kustomizations that it passed. What is found,
//! carried forward, must be what is built. Where that does not decide, the renderer does: the candidates are changed in
//! memory and the field moves with one of them.

mod ask;
mod fits;
mod generated;
mod hit;
mod image;
mod patches;
mod pick;
mod place;
mod replaced;
mod settle;
mod trail;
mod variables;
mod walk;

use gitops_model::kustomize::{Layer, Spot, Tree, layer, read_flux_kustomization};
use gitops_model::{Supplier, Want};
use gitops_yaml::{FieldPath, Node};

use crate::{BuiltObject, Gone, Kustomize, Renderer};
use ask::{Asking, Trial, trial};
use hit::{At, Effect, Hit};
use pick::{affixes, pick};
use settle::{Built, settle};
use trail::Trail;
use walk::{Walk, hits};

pub use ask::Tried;
use place::place_of;
pub use place::{Known, Place};

/// Places that are given for one field at most: what stands behind them is of no use to anybody.
const MAX_PLACES: usize = 16;

/// A field of a built object.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The object as it is built, with where it came from.
    pub built: &'a BuiltObject,
    /// The field, with indices of the built object.
    pub path: &'a FieldPath,
    /// Whether the key is meant, as for a field that should not be there, or the value.
    pub want: Want,
}

/// The kustomizations of one target, read once for any number of questions.
#[derive(Debug)]
pub struct Origins<'a> {
    tree: &'a Tree,
    layer: Layer,
    flux: Option<Spot>,
    built: &'a [BuiltObject],
    /// In which files variables get their values.
    values: &'a Tree,
}

/// What structure says about a field.
#[derive(Clone, Debug, Default)]
pub struct Proposal {
    /// Places, best first.
    pub places: Vec<Place>,
    /// Whether structure alone decides.
    pub is_certain: bool,
}

impl<'a> Origins<'a> {
    /// Reads the kustomizations from a directory down. `flux` is the Flux Kustomization whose `path` it is, in its file.
    pub fn read(tree: &'a Tree, directory: &str, flux: Option<Spot>) -> Self {
        let spec = flux.as_ref().and_then(|flux| flux.field()?.get("spec"));
        let added = spec.map(|spec| read_flux_kustomization(&spec));
        Self {
            tree,
            layer: layer(tree, directory, added.as_ref()),
            flux,
            built: &[],
            values: tree,
        }
    }

    /// With the files in which variables get their values, where these are others than those that it is built from: the Flux
    /// Kustomization of an artifact stands outside of it.
    #[must_use]
    pub fn with_values_of(mut self, tree: &'a Tree) -> Self {
        self.values = tree;
        self
    }

    /// With all that was built, from which replacements take their values: without it their places are found only as
    /// far as files alone tell.
    #[must_use]
    pub fn among(mut self, built: &'a [BuiltObject]) -> Self {
        self.built = built;
        self
    }

    /// What structure says, without asking anybody.
    pub fn propose(&self, question: Question<'_>) -> Proposal {
        let Some(picked) = pick(self.tree, &self.layer, question.built) else {
            return Proposal::default();
        };
        let walk = Walk {
            tree: self.tree,
            root: &self.layer,
            built: self.built,
            depth: 0,
        };
        let (prefixes, suffixes) = affixes(&picked.source.steps);
        let mut trail = Trail::of(&question.built.object, question.path);
        let mut is_exact = trail.missing.is_empty();
        loop {
            let found = hits(walk, &picked, &trail);
            let built = Built {
                value: trail.value,
                is_missing: !trail.missing.is_empty(),
                prefixes: &prefixes,
                suffixes: &suffixes,
            };
            let settled = settle(&found, built);
            let parent = trail.parent();
            if settled.supplied || parent.is_none() {
                let want = if is_exact { question.want } else { Want::Key };
                let mut ordered: Vec<Hit> = settled.order.iter().filter_map(|&at| found.get(at).cloned()).collect();
                open_images(&mut ordered);
                let known = |index: usize| match (index, settled.certain) {
                    (0, true) => Known::Followed,
                    _ => Known::OnTheWay,
                };
                let object = picked.spot.as_ref();
                let numbered = ordered.iter().take(MAX_PLACES).enumerate();
                let places = numbered.map(|(index, hit)| place_of(hit, object, want, is_exact, known(index)));
                return Proposal {
                    places: places.collect(),
                    is_certain: settled.certain && settled.supplied,
                };
            }
            // kustomize made the field up, or it is not followed here: what is around it is where a person looks.
            let Some(parent) = parent else { continue };
            trail = parent;
            is_exact = false;
        }
    }

    /// The places of a field, best first: where a person would change it, then what else is on its way.
    ///
    /// `request` is what was built, with the tree that the renderer has; it is asked only where structure does not
    /// decide.
    ///
    /// # Errors
    /// [`Gone`] when the renderer had to be asked and did not answer.
    pub async fn find(
        &self,
        question: Question<'_>,
        renderer: &dyn Renderer,
        request: &Kustomize,
    ) -> Result<Vec<Place>, Gone> {
        let mut proposal = self.propose(question);
        let is_exact = proposal.places.first().is_some_and(|place| place.is_exact);
        if !proposal.is_certain && is_exact {
            self.ask(&mut proposal.places, question, renderer, request).await?;
        }
        Ok(self.with_variables(proposal.places, question.want))
    }

    /// Lets the renderer decide: the best guess first, by itself, and if that is wrong all the others at once.
    async fn ask(
        &self,
        places: &mut Vec<Place>,
        question: Question<'_>,
        renderer: &dyn Renderer,
        request: &Kustomize,
    ) -> Result<(), Gone> {
        let Some(first) = places.first_mut() else {
            return Ok(());
        };
        let asking = Asking {
            tree: self.tree,
            renderer,
            request,
            built: question.built,
            path: question.path,
            flux: self.flux.as_ref(),
        };
        if let Some(trial) = trial(self.tree, &first.at, 0)
            && asking.tried(&[&trial]).await? == Tried::Moved
        {
            first.known = Known::Tried;
            return Ok(());
        }
        let numbered = places.iter().enumerate();
        let trials = numbered.map(|(number, place)| trial(self.tree, &place.at, number).filter(|_| number > 0));
        let moved = asking.moved(&trials.collect::<Vec<_>>()).await?;
        let mut judged: Vec<(bool, Place)> = moved.into_iter().zip(places.drain(..)).collect();
        for (moved, place) in &mut judged {
            if *moved {
                place.known = Known::Tried;
            }
        }
        judged.sort_by_key(|(moved, _)| !moved);
        places.extend(judged.into_iter().map(|(_, place)| place));
        Ok(())
    }

    /// Puts the suppliers of variables before the text that they stand in.
    pub fn with_variables(&self, mut places: Vec<Place>, want: Want) -> Vec<Place> {
        let (Some(flux), Some(first)) = (&self.flux, places.first()) else {
            return places;
        };
        let is_whole_file = first.origin.supplier == Supplier::GeneratorFile;
        let text = match &first.at {
            // What a key says is not what is below it: an unknown field is one whatever its value is made of.
            At::Spot(spot) if want == Want::Key => spot.path.last_key().map(str::to_owned),
            At::Spot(spot) => spot.node().and_then(Node::as_str).map(str::to_owned),
            At::Text { file, .. } if is_whole_file => self.tree.text(file).map(ToString::to_string),
            At::Text { file, span } => self.tree.text(file).map(|text| span.slice(text).to_owned()),
        };
        let text = text.unwrap_or_default();
        let is_exact = first.is_exact;
        let found = variables::names(&text)
            .into_iter()
            .flat_map(|name| variables::suppliers(self.values, flux, name));
        let found = found.map(|hit| place_of(&hit, None, want, is_exact, Known::Followed));
        let found: Vec<Place> = found.take(MAX_PLACES).collect();
        // A script with variables is more than its variables.
        let at = usize::from(is_whole_file).min(places.len());
        places.splice(at..at, found);
        places
    }

    /// Whether what is changed at these places together moves the field. `None` where there is no scalar to change.
    ///
    /// # Errors
    /// [`Gone`] when the renderer did not answer.
    pub async fn moves(
        &self,
        question: Question<'_>,
        places: &[&Place],
        renderer: &dyn Renderer,
        request: &Kustomize,
    ) -> Result<Option<Tried>, Gone> {
        let trials: Vec<Trial> = places.iter().filter_map(|place| self.trial(place)).collect();
        if trials.is_empty() {
            return Ok(None);
        }
        let asking = Asking {
            tree: self.tree,
            renderer,
            request,
            built: question.built,
            path: question.path,
            flux: self.flux.as_ref(),
        };
        asking.tried(&trials.iter().collect::<Vec<_>>()).await.map(Some)
    }

    fn trial(&self, place: &Place) -> Option<Trial> {
        let mut trial = trial(self.tree, &place.at, 0)?;
        if place.origin.supplier == Supplier::Substitution {
            trial.variable = place.origin.path.last_key().map(str::to_owned);
        }
        Some(trial)
    }
}

/// An entry of `images` supplies by its fields: the tag or digest first, then the name.
fn open_images(hits: &mut Vec<Hit>) {
    let opened = std::mem::take(hits).into_iter().flat_map(|hit| {
        let Effect::Image(image) = &hit.effect else {
            return vec![hit];
        };
        let fields = [&image.digest, &image.new_tag, &image.tag_suffix, &image.new_name];
        let entries = fields.into_iter().flatten();
        entries
            .map(|entry| Hit {
                at: At::Spot(entry.spot.clone()),
                ..hit.clone()
            })
            .collect()
    });
    *hits = opened.collect();
}
