//! Why a release cannot be rendered, on the lines that are to blame.

use gitops_model::Want;
use gitops_yaml::FieldPath;
use serde_json::Value;

use super::release::Release;
use super::surroundings::Surroundings;
use crate::Fault;
use crate::fault::PlacedFault;
use crate::origins::Place;

/// A fault of rendering, with what is known of the release.
#[derive(Clone, Copy)]
pub(super) struct Failed<'a, 's> {
    pub(super) surroundings: &'a Surroundings<'s>,
    pub(super) release: &'a Release,
    /// The user's values as they were merged.
    pub(super) merged: &'a Value,
    pub(super) fault: &'a Fault,
}

/// One thing that is said.
pub(super) struct Said {
    pub(super) slug: &'static str,
    pub(super) message: String,
}

impl Surroundings<'_> {
    /// Places a fault of rendering. Empty where it is none of this tree, such as a dependency that would be fetched.
    pub async fn faults(&self, release: &Release, merged: &Value, fault: &Fault) -> Vec<PlacedFault> {
        let failed = Failed {
            surroundings: self,
            release,
            merged,
            fault,
        };
        match fault.step.as_str() {
            "load" => failed.of_loading().await,
            "values" => failed.of_values().await,
            "schema" => failed.of_schema().await,
            "post-render" => failed.of_post_rendering().await,
            _ => failed.of_template().await,
        }
    }

    /// Places the fault of a chart that had no end.
    pub async fn without_end(&self, release: &Release, reason: &str) -> Vec<PlacedFault> {
        let fault = Fault {
            step: "load".to_owned(),
            message: format!("the renderer {reason}"),
            object: None,
        };
        let failed = Failed {
            surroundings: self,
            release,
            merged: &Value::Null,
            fault: &fault,
        };
        let said = Said {
            slug: "chart-without-end",
            message: format!("the chart cannot be rendered: it {reason}; a template may go round without end"),
        };
        failed.on_the_chart(said).await
    }
}

impl Failed<'_, '_> {
    /// The words of Helm, without what Secrets hold.
    pub(super) fn words(&self) -> &str {
        &self.fault.message
    }

    /// One thing at a place.
    pub(super) fn at(&self, place: &Place, said: Said) -> PlacedFault {
        let words = self.release.without_secrets(self.words());
        let message = self.release.without_secrets(&said.message);
        PlacedFault {
            file: place.origin.file.to_string(),
            span: place.span,
            slug: said.slug,
            detail: (words != message).then_some(words),
            message,
        }
    }

    /// At the first of some places; on the release where there is none.
    pub(super) async fn at_first(&self, places: Vec<Place>, said: Said) -> Vec<PlacedFault> {
        match places.into_iter().next() {
            Some(place) => vec![self.at(&place, said)],
            None => self.on_the_release(said).await,
        }
    }

    pub(super) async fn on_the_chart(&self, said: Said) -> Vec<PlacedFault> {
        let places = self.surroundings.place_of_chart(self.release).await;
        self.at_first_or_nothing(&places, said)
    }

    pub(super) async fn on_the_release(&self, said: Said) -> Vec<PlacedFault> {
        let name = super::release::keys(&["metadata", "name"]);
        let places = match self.release.object {
            Some(object) => self.surroundings.places(object, &name, Want::Value).await,
            None => self.surroundings.place_of_chart(self.release).await,
        };
        self.at_first_or_nothing(&places, said)
    }

    fn at_first_or_nothing(&self, places: &[Place], said: Said) -> Vec<PlacedFault> {
        let first = places.first();
        first.map(|place| self.at(place, said)).into_iter().collect()
    }

    /// On a field of the `HelmRelease`.
    pub(super) async fn on_field(&self, path: &FieldPath, want: Want, said: Said) -> Vec<PlacedFault> {
        let places = self.surroundings.places(self.release.object, path, want).await;
        self.at_first(places, said).await
    }

    /// On a value, or on the nearest around it.
    pub(super) async fn on_value(&self, path: &FieldPath, want: Want, said: Said) -> Vec<PlacedFault> {
        let surroundings = self.surroundings;
        // What nobody has set is the chart's own.
        if self.release.suppliers(path).is_empty()
            && let Some(place) = surroundings.place_of_default(self.release, path, want)
        {
            return vec![self.at(&place, said)];
        }
        let places = surroundings.places_of_value(self.release, path, want).await;
        self.at_first(places, said).await
    }
}
