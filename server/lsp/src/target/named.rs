//! A target by the name that a person gives it.

use camino::{Utf8Path, Utf8PathBuf};

use super::CHART_FILE;
use crate::start::normalized;
use crate::workspace::is_yaml;

/// What a session applies, as it is named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Named {
    /// The directory.
    pub(crate) directory: Utf8PathBuf,
    /// The values file that names a chart, relative to the workspace folder.
    pub(crate) values_file: Option<String>,
}

impl Named {
    /// Reads a path in a workspace folder: a directory, or a values file in a chart. Looks at the disk.
    pub(crate) fn read(root: &Utf8Path, path: &Utf8Path) -> Result<Self, String> {
        if path.is_dir() {
            return Ok(Self {
                directory: path.to_owned(),
                values_file: None,
            });
        }
        let mut above = path.ancestors().skip(1).take_while(|above| above.starts_with(root));
        let chart = above.find(|above| above.join(CHART_FILE).is_file());
        match chart.filter(|_| is_yaml(path) && path.is_file()) {
            Some(chart) => Ok(Self {
                directory: chart.to_owned(),
                values_file: path.strip_prefix(root).ok().map(Utf8Path::to_string),
            }),
            None => Err(format!(
                "the target {path} is no directory, and no values file in a Helm chart"
            )),
        }
    }

    /// The values files that a session takes over those of the chart, the strongest last: the one that was named, else those
    /// that are set, of which none may be missing. Relative to the workspace folder.
    pub(crate) fn values_files(&self, root: &Utf8Path, set: &[String]) -> Result<Vec<String>, String> {
        if !self.directory.join(CHART_FILE).is_file() {
            return Ok(Vec::new());
        }
        if let Some(named) = &self.values_file {
            return Ok(vec![named.clone()]);
        }
        let read = |file: &String| {
            let path = normalized(&root.join(file.trim_start_matches('/')));
            match path.strip_prefix(root) {
                Ok(relative) if path.is_file() => Ok(relative.to_string()),
                Ok(_) => Err(format!("there is no values file {path}")),
                Err(_) => Err(format!("the values file {file} is outside the workspace folder {root}")),
            }
        };
        set.iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::Named;

    #[test]
    fn a_target_is_named_by_its_directory_or_by_a_values_file_of_a_chart() {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(directory.path()).unwrap();
        std::fs::create_dir_all(root.join("web/ci")).unwrap();
        std::fs::write(root.join("lone.yaml"), "").unwrap();
        std::fs::write(root.join("web/Chart.yaml"), "name: web\n").unwrap();
        std::fs::write(root.join("web/ci/small.yaml"), "").unwrap();
        let read = |path: &str| Named::read(root, &root.join(path));
        let named = read("web/ci/small.yaml").unwrap();
        assert_eq!(named.directory, root.join("web"));
        let files = |named: &Named, set: &[&str]| {
            let set: Vec<String> = set.iter().map(ToString::to_string).collect();
            named.values_files(root, &set)
        };
        assert_eq!(files(&named, &["lone.yaml"]).unwrap(), ["web/ci/small.yaml"]);
        assert_eq!(files(&read("web").unwrap(), &["lone.yaml"]).unwrap(), ["lone.yaml"]);
        assert!(
            files(&read("web").unwrap(), &["gone.yaml"])
                .unwrap_err()
                .contains("no values file")
        );
        assert!(
            files(&read("web").unwrap(), &["../x.yaml"])
                .unwrap_err()
                .contains("outside")
        );
        assert!(read("lone.yaml").unwrap_err().contains("no directory"));
        assert!(read("web/gone.yaml").unwrap_err().contains("no directory"));
    }
}
