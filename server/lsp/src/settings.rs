//! Settings: what a user may set, with defaults, and the JSON schema that is published of them.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Settings of the section `gitops`, also taken from `initializationOptions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Settings {
    /// Where a session applies when the start does not say: `local` is a control plane on this machine.
    pub(crate) sandbox: SandboxKind,
    /// The directory that a session applies, relative to the workspace folder, or a values file in a Helm chart. Empty: the folder itself.
    pub(crate) target: String,
    /// Helm charts.
    pub(crate) chart: ChartSettings,
    /// What a session does.
    pub(crate) session: SessionSettings,
    /// Code lenses.
    pub(crate) lens: LensSettings,
    /// Diagnostics.
    pub(crate) diagnostics: DiagnosticSettings,
    /// What a save would change.
    pub(crate) preview: PreviewSettings,
    /// Images of pods.
    pub(crate) images: ImageSettings,
    /// Sends a `gitops/verdict` notification for each verdict. For clients and tests that wait for one.
    pub(crate) verdicts: bool,
}

/// Where a session applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SandboxKind {
    /// A control plane on this machine, made for the session.
    #[default]
    Local,
}

/// Helm charts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ChartSettings {
    /// The values files that a chart is installed with where it is the target itself, relative to the workspace folder, the strongest last. Empty: its own `values.yaml` alone.
    pub(crate) values_files: Vec<String>,
}

/// What a session does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SessionSettings {
    /// Whether a save is applied to the sandbox. When off, saves are only checked with a dry run.
    pub(crate) apply_on_save: bool,
}

/// Code lenses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LensSettings {
    /// Whether code lenses are shown.
    pub(crate) enabled: bool,
}

/// Diagnostics.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DiagnosticSettings {
    /// How many diagnostics of one file are shown at most; what is left out is counted in one more. 1 to 10000.
    #[schemars(range(min = 1, max = 10000))]
    pub(crate) maximum_per_file: u32,
}

/// What a save would change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PreviewSettings {
    /// Whether a lens says while you type what a save would change, in a session. Each pause in typing costs a build and dry runs.
    pub(crate) on_type: bool,
}

/// Images of pods.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ImageSettings {
    /// Whether the registries of images are asked, without credentials, if they have them. In a sandbox no node pulls an image, so that nobody else would say that one is missing.
    pub(crate) ask_registries: bool,
}

impl Default for ImageSettings {
    fn default() -> Self {
        Self { ask_registries: true }
    }
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self { apply_on_save: true }
    }
}

impl Default for LensSettings {
    fn default() -> Self {
        Self { enabled: true }
    }
}

impl Default for DiagnosticSettings {
    fn default() -> Self {
        Self { maximum_per_file: 200 }
    }
}

/// The JSON schema of the settings.
pub(crate) fn schema() -> Value {
    schemars::generate::SchemaSettings::draft07()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<Settings>()
        .to_value()
}

/// Reads settings, and says what in them nobody knows. What is wrong keeps its default; the rest counts.
pub(crate) fn read(value: &Value) -> (Settings, Vec<String>) {
    // Settings of the extension's own, which clients send along with the section.
    const CLIENT_ONLY: [&str; 2] = ["server", "trace"];
    let mut problems = Vec::new();
    let Value::Object(given) = value else {
        if !value.is_null() {
            problems.push("the gitops settings are not an object; the defaults are used".to_owned());
        }
        return (Settings::default(), problems);
    };
    let mut known = given.clone();
    known.retain(|key, _| !CLIENT_ONLY.contains(&key.as_str()));
    let mut known = Value::Object(known);
    drop_unknown(&mut known, &schema(), "gitops", &mut problems);
    let mut settings = Settings::default();
    // One wrong value must not cost the others: each top-level setting is read by itself.
    if let Value::Object(entries) = known {
        for (key, entry) in entries {
            let one = Value::Object(std::iter::once((key.clone(), entry)).collect());
            match serde_json::from_value::<Settings>(one) {
                Ok(read) => take(&mut settings, &key, read),
                Err(error) => problems.push(format!("gitops.{key}: {error}; its default is used")),
            }
        }
    }
    settings.diagnostics.maximum_per_file = settings.diagnostics.maximum_per_file.clamp(1, 10_000);
    (settings, problems)
}

fn take(settings: &mut Settings, key: &str, read: Settings) {
    match key {
        "sandbox" => settings.sandbox = read.sandbox,
        "target" => settings.target = read.target,
        "chart" => settings.chart = read.chart,
        "session" => settings.session = read.session,
        "lens" => settings.lens = read.lens,
        "diagnostics" => settings.diagnostics = read.diagnostics,
        "preview" => settings.preview = read.preview,
        "images" => settings.images = read.images,
        "verdicts" => settings.verdicts = read.verdicts,
        _ => {}
    }
}

fn drop_unknown(value: &mut Value, schema: &Value, path: &str, problems: &mut Vec<String>) {
    let (Value::Object(given), Some(Value::Object(properties))) = (&mut *value, schema.get("properties")) else {
        return;
    };
    given.retain(|key, _| {
        let known = properties.contains_key(key);
        if !known {
            let near = gitops_model::nearest(key, properties.keys().map(String::as_str));
            let hint = near
                .map(|near| format!("; did you mean {path}.{near}?"))
                .unwrap_or_default();
            problems.push(format!("there is no setting {path}.{key}{hint}"));
        }
        known
    });
    for (key, entry) in given.iter_mut() {
        if let Some(schema) = properties.get(key) {
            drop_unknown(entry, schema, &format!("{path}.{key}"), problems);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Settings, read, schema};

    #[test]
    fn unknown_settings_are_named_and_the_rest_counts() {
        let (settings, problems) = read(
            &json!({ "target": "apps", "lens": { "enable": false }, "sandbox": "moon", "trace": { "server": "off" } }),
        );
        assert_eq!(settings.target, "apps");
        assert_eq!(settings.lens, Settings::default().lens);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert_eq!(
            problems[0],
            "there is no setting gitops.lens.enable; did you mean gitops.lens.enabled?"
        );
        assert!(problems[1].starts_with("gitops.sandbox: "), "{problems:?}");
    }

    #[test]
    fn every_setting_is_described() {
        fn check(schema: &serde_json::Value, path: &str) {
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                assert!(
                    property.get("description").is_some(),
                    "{path}.{name} has no description"
                );
                check(property, &format!("{path}.{name}"));
            }
        }
        check(&schema(), "gitops");
    }
}
