//! Faults of loading a chart and of putting values together (`helm.sh/helm/v4/pkg/chart/v2/loader`, `fluxcd/pkg/chartutil`).

use gitops_model::kustomize::{Spot, directory_of, join};
use gitops_model::{Supplier, Want, nearest};
use gitops_yaml::FieldPath;

use super::chart::below;
use super::faults::{Failed, Said};
use super::release::keys;
use super::templates::{span, span_of_line};
use super::values::Stands;
use crate::fault::PlacedFault;
use crate::origins::Place;

impl Failed<'_, '_> {
    pub(super) async fn of_loading(&self) -> Vec<PlacedFault> {
        let words = self.words();
        let chart = self.release.request.path.as_str();
        // source-controller would fetch it, and nothing is fetched here.
        if words.contains("would be fetched from") {
            return Vec::new();
        }
        if let Some(dependency) = words
            .strip_prefix("dependency \"")
            .and_then(|rest| rest.split('"').next())
        {
            return self.of_dependency(dependency).await;
        }
        if words.starts_with("no chart found at path") {
            let message = match self.near_chart() {
                Some(near) => format!("there is no directory {chart}; did you mean {near}?"),
                None => format!("there is no directory {chart}"),
            };
            let slug = "chart-not-found";
            return self.on_the_chart(Said { slug, message }).await;
        }
        if words.contains("Chart.yaml file is missing") {
            let message = format!("there is no chart in {chart}: it has no Chart.yaml");
            let slug = "chart-not-found";
            return self.on_the_chart(Said { slug, message }).await;
        }
        // A number where a text is wanted, such as a version without quotes.
        if let Some(field) = words.split("Go struct field Metadata.").nth(1)
            && let Some(place) = self.in_chart_file(&keys(&[field.split([' ', '.']).next().unwrap_or_default()]))
        {
            let message = format!(
                "Chart.yaml: {}",
                last_words(words).trim_start_matches("error unmarshaling JSON: ")
            );
            let slug = "bad-chart";
            return vec![self.at(&place, Said { slug, message })];
        }
        if let Some(rest) = words.strip_prefix("cannot load ")
            && let Some((file, why)) = rest.split_once(": ")
        {
            let message = format!("{file} cannot be read: {}", last_words(why));
            if let Some(found) = self.in_file(
                &below(chart, file),
                why,
                Said {
                    slug: "bad-chart",
                    message,
                },
            ) {
                return found;
            }
        }
        if let Some(rest) = words.split("chart.metadata.").nth(1) {
            let field = rest.split([' ', ':', '[']).next().unwrap_or_default();
            let message = format!(
                "Chart.yaml: {}",
                words.trim_start_matches("validation: chart.metadata.")
            );
            let said = Said {
                slug: "bad-chart",
                message,
            };
            if let Some(place) = self.in_chart_file(&keys(&[field])) {
                return vec![self.at(&place, said)];
            }
            return self.on_the_chart(said).await;
        }
        let message = format!("the chart cannot be loaded: {words}");
        self.on_the_chart(Said {
            slug: "bad-chart",
            message,
        })
        .await
    }

    pub(super) async fn of_values(&self) -> Vec<PlacedFault> {
        let words = self.words();
        if let Some(file) = quoted(words, "no values file found at path '") {
            let message = format!("there is no file {file} in the chart's source");
            return self
                .on_values_file(
                    file,
                    Said {
                        slug: "file-not-found",
                        message,
                    },
                )
                .await;
        }
        if let Some(file) = quoted(words, "unmarshaling values from '") {
            let message = format!("this file of values cannot be read: {}", last_words(words));
            let path = join(&self.release.request.path, file).unwrap_or_default();
            if let Some(found) = self.in_file(
                &path,
                words,
                Said {
                    slug: "not-yaml",
                    message,
                },
            ) {
                return found;
            }
        }
        if let Some(rest) = words.strip_prefix("values reference ")
            && let Some((number, why)) = rest.split_once(": ")
            && let Some(found) = self.of_reference(number, why).await
        {
            return found;
        }
        if let Some(key) = words
            .split("type mismatch on ")
            .nth(1)
            .and_then(|rest| rest.split(':').next())
        {
            let message = format!("{key} is a chart in this one: its values are a map");
            let said = Said {
                slug: "wrong-type",
                message,
            };
            return self.on_value(&keys(&[key]), Want::Value, said).await;
        }
        let message = format!("the values cannot be put together: {words}");
        let said = Said {
            slug: "invalid-value",
            message,
        };
        self.on_field(&keys(&["spec", "values"]), Want::Key, said).await
    }

    /// What one entry of `valuesFrom` refers to cannot be taken.
    async fn of_reference(&self, number: &str, why: &str) -> Option<Vec<PlacedFault>> {
        let number: usize = number.parse().ok()?;
        let source = self
            .release
            .sources
            .iter()
            .find(|source| source.position == Some(number))?;
        if source.target.is_some() {
            let mut path = keys(&["spec", "valuesFrom"]);
            path.push_index(source.reference?);
            path.push_key("targetPath");
            let message = format!("no value can be put there: {}", last_words(why));
            let said = Said {
                slug: "bad-target-path",
                message,
            };
            return Some(self.on_field(&path, Want::Value, said).await);
        }
        let message = format!("these values cannot be read: {}", last_words(why));
        let said = Said {
            slug: "not-yaml",
            message,
        };
        let (object, field) = match &source.stands {
            Stands::In(object, field) => (*object, field),
            Stands::File(file) => return self.in_file(file, why, said),
        };
        let places = self
            .surroundings
            .places_inside((object, field), &FieldPath::new(), Want::Value)
            .await;
        let place = places.into_iter().next()?;
        let data = self.release.request.values_from.get(number)?.data.as_str();
        let file = &place.origin.file.clone();
        let text = self.surroundings.tree.text(file)?;
        if **text == *data {
            return self.in_file(file, why, said);
        }
        // They stand in a text of another file: the line is looked for that reads the same.
        let line = data.lines().nth(line_in(why)?.saturating_sub(1)).map_or("", str::trim);
        let at = Some(line)
            .filter(|line| !line.is_empty())
            .and_then(|line| text.find(line));
        let found = at.and_then(|at| span(at, line.len()));
        let place = found.map_or(place, |span| Place::in_text(file, span, Supplier::Values));
        Some(vec![self.at(&place, said)])
    }

    async fn on_values_file(&self, file: &str, said: Said) -> Vec<PlacedFault> {
        let Some((object, chart)) = &self.release.chart else {
            return self.on_the_chart(said).await;
        };
        let mut path = chart.parent().unwrap_or_default();
        path.push_key("valuesFiles");
        let listed = self.surroundings.objects.get(*object);
        let listed = listed.and_then(|built| crate::value_at::value_at(&built.object, &path)?.as_array());
        let at = listed.and_then(|files| files.iter().position(|one| one.as_str() == Some(file)));
        if let Some(at) = at {
            path.push_index(at);
        }
        let places = self.surroundings.places(*object, &path, Want::Value).await;
        self.at_first(places, said).await
    }

    async fn of_dependency(&self, name: &str) -> Vec<PlacedFault> {
        let message = format!("the chart {name}, on which this one depends, is not where it is said to be");
        let said = Said {
            slug: "chart-not-found",
            message,
        };
        let Some(sheet) = self
            .surroundings
            .tree
            .sheet(&below(&self.release.request.path, "Chart.yaml"))
        else {
            return self.on_the_chart(said).await;
        };
        let mut spot = Spot {
            sheet,
            document: 0,
            path: keys(&["dependencies"]),
        };
        let items = spot.field().map(|field| field.items()).unwrap_or_default();
        let at = items.iter().position(|item| item.text_of("name") == Some(name));
        if let Some(at) = at {
            spot.path.push_index(at);
            spot.path.push_key("repository");
        }
        vec![self.at(&Place::at_spot(spot, Supplier::Values, Want::Value), said)]
    }

    /// A directory that has a chart and is called almost like the one that is wanted.
    fn near_chart(&self) -> Option<String> {
        let tree = self.surroundings.tree;
        let charts = tree.below("").filter_map(|(path, _)| {
            let directory = directory_of(path);
            path.ends_with("/Chart.yaml").then(|| directory.to_owned())
        });
        let charts: Vec<String> = charts.collect();
        nearest(&self.release.request.path, charts.iter().map(String::as_str)).map(str::to_owned)
    }

    fn in_chart_file(&self, path: &FieldPath) -> Option<Place> {
        let sheet = self
            .surroundings
            .tree
            .sheet(&below(&self.release.request.path, "Chart.yaml"))?;
        let spot = Spot {
            sheet,
            document: 0,
            path: path.clone(),
        };
        Some(Place::at_spot(spot, Supplier::Values, Want::Value))
    }

    /// In a file that is not what it has to be: where our own parser finds the fault, else on the line that is named.
    fn in_file(&self, file: &str, words: &str, said: Said) -> Option<Vec<PlacedFault>> {
        let text = self.surroundings.tree.text(file)?;
        let own = gitops_yaml::parse(text).errors.first().map(|error| error.span);
        let span = own.or_else(|| span_of_line(text, line_in(words).unwrap_or(1)))?;
        let place = Place::in_text(file, span, Supplier::Values);
        Some(vec![self.at(&place, said)])
    }
}

/// What was said last, without the steps that led there.
fn last_words(words: &str) -> &str {
    let start = [
        "error converting YAML to JSON: ",
        "failed: ",
        "failed to merge value: ",
        "failed to read values data: ",
    ]
    .iter()
    .filter_map(|step| words.rfind(step).map(|at| at + step.len()))
    .max();
    words.get(start.unwrap_or(0)..).unwrap_or(words).trim()
}

/// The line that words name, from 1.
fn line_in(words: &str) -> Option<usize> {
    let rest = words.split("line ").nth(1)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn quoted<'a>(words: &'a str, start: &str) -> Option<&'a str> {
    words.split(start).nth(1)?.split('\'').next()
}
