//! What templates write that is no YAML, and values that are not there.

use gitops_model::{Supplier, Want};
use gitops_yaml::FieldPath;

use super::faults::{Failed, Said};
use super::reads::chains;
use super::surroundings::Default;
use super::template::plain;
use super::templates::{file_of, line, span, span_of_line};
use crate::fault::PlacedFault;
use crate::origins::Place;
use crate::value_at::value_at;

impl Failed<'_, '_> {
    /// The value that a template reads, that is not there, and with which there would be no fault.
    async fn missing(&self, file: &str) -> Option<FieldPath> {
        let text = self.surroundings.tree.text(file)?;
        let defaults = self.surroundings.defaults(self.release);
        let is_there = |path: &FieldPath| {
            let of_default = |default: &Default| {
                let inner = default.inner(path);
                inner.is_some_and(|inner| value_at(&default.value, &inner).is_some_and(|value| !value.is_null()))
            };
            value_at(self.merged, path).is_some_and(|value| !value.is_null()) || defaults.iter().any(of_default)
        };
        let mut absent: Vec<FieldPath> = Vec::new();
        for path in chains(text) {
            if !path.is_empty() && !is_there(&path) && !absent.contains(&path) {
                absent.push(path);
            }
        }
        let request = &self.release.request;
        self.surroundings.missing_among(request, self.merged, &absent).await
    }

    /// What a template wrote is no YAML.
    pub(super) async fn of_output(&self) -> Vec<PlacedFault> {
        let words = self.words();
        let slug = "template-failed";
        let marks = ["error converting YAML to JSON: ", "MalformedYAMLError: "];
        let why = marks
            .iter()
            .fold(words, |why, mark| why.rsplit(mark).next().unwrap_or(why));
        if let Some(path) = self.culprit().await {
            let message = format!("with this value the chart renders no YAML: {}", plain(why));
            return self.on_value(&path, Want::Value, Said { slug, message }).await;
        }
        let name = ["YAML parse error on ", "error merging manifests: parsing "]
            .iter()
            .find_map(|mark| words.split(mark).nth(1)?.split(": ").next());
        let message = format!("the chart renders no YAML: {}", plain(why));
        let Some(name) = name else {
            return self.on_the_chart(Said { slug, message }).await;
        };
        let tree = self.surroundings.tree;
        // The line is one of what was rendered, which is that of the template only where nothing before it is an action.
        let number = why
            .split("line ")
            .nth(1)
            .and_then(|rest| rest.split(':').next())
            .and_then(|number| number.parse::<usize>().ok());
        let file = file_of(tree, &self.release.request.path, name);
        if let Some(file) = &file
            && let Some(path) = self.missing(file).await
        {
            let message = format!("the chart reads {path}, which is not there, and renders no YAML without it");
            return self.of_asked(&path, &message).await;
        }
        let place = file.and_then(|file| {
            let text = tree.text(&file)?;
            let until = span_of_line(text, number?)?;
            let is_plain = text
                .get(..until.start as usize)
                .is_some_and(|before| !before.contains("{{"));
            if is_plain {
                return line(tree, &file, number?);
            }
            Some(Place::in_text(
                &file,
                span(0, text.lines().next()?.len())?,
                Supplier::Template,
            ))
        });
        match place {
            Some(place) => vec![self.at(&place, Said { slug, message })],
            None => self.on_the_chart(Said { slug, message }).await,
        }
    }
}
