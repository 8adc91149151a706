//! What the house rules say of the source, kept so by reading it: docs/architecture.md has the reasons.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use gitops_cluster::answer::RUNTIME_CODES;
use gitops_cluster::answer::codes::CODES;
use gitops_tests::binary::gitops_lsp;
use regex::Regex;
use serde_json::Value;

/// The rooms, each with those that it may look at.
const ROOMS: [(&str, &[&str]); 8] = [
    ("text", &[]),
    ("yaml", &["text"]),
    ("model", &["text", "yaml"]),
    ("schema", &["text", "yaml", "model"]),
    ("render", &["text", "yaml", "model"]),
    ("cluster", &["text", "yaml", "model"]),
    ("session", &["text", "yaml", "model", "schema", "render", "cluster"]),
    (
        "lsp",
        &["text", "yaml", "model", "schema", "render", "cluster", "session"],
    ),
];

/// Crates that only some rooms may know, tests of the rooms included.
const DIET: [(&str, &[&str]); 10] = [
    ("kube", &["cluster", "session"]),
    ("k8s-openapi", &["cluster", "session"]),
    ("http", &["cluster", "session"]),
    ("hyper", &["session"]),
    ("ls-types", &["lsp"]),
    ("lsp-server", &["lsp"]),
    ("granit-parser", &["yaml"]),
    ("tokio", &["render", "cluster", "session", "lsp"]),
    ("rcgen", &["session"]),
    ("notify", &["lsp"]),
];

/// Rooms that do no input or output and cannot fail: values in, values and findings out.
const PURE: [&str; 4] = ["text", "yaml", "model", "schema"];

fn repository() -> &'static Utf8Path {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are in the repository")
}

/// The files of the repository with one of these endings, without what is built, fetched or written by others.
fn files(extensions: &[&str]) -> Vec<Utf8PathBuf> {
    const NOT_OURS: [&str; 6] = ["target", "node_modules", "corpora", "out", ".git", ".vscode-test"];
    let mut found = Vec::new();
    let mut waiting = vec![repository().to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in directory
            .read_dir_utf8()
            .unwrap_or_else(|error| panic!("{directory}: {error}"))
        {
            let entry = entry.unwrap_or_else(|error| panic!("{directory}: {error}"));
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if !NOT_OURS.contains(&entry.file_name()) {
                    waiting.push(entry.into_path());
                }
            } else if entry
                .path()
                .extension()
                .is_some_and(|extension| extensions.contains(&extension))
            {
                found.push(entry.into_path());
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Utf8Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn shown(path: &Utf8Path) -> &str {
    path.strip_prefix(repository()).unwrap_or(path).as_str()
}

/// A source file without the tests at its end and without comments.
fn code(source: &str) -> String {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The sources of a room, its tests and examples left out.
fn sources(room: &str) -> Vec<(Utf8PathBuf, String)> {
    let prefix = repository().join("server").join(room).join("src");
    let tests: BTreeSet<&str> = BTreeSet::from(["tests.rs", "tests"]);
    let is_test = |path: &Utf8Path| {
        path.strip_prefix(&prefix)
            .is_ok_and(|rest| rest.components().any(|part| tests.contains(part.as_str())))
    };
    files(&["rs"])
        .into_iter()
        .filter(|path| path.starts_with(&prefix) && !is_test(path))
        .map(|path| (path.clone(), code(&read(&path))))
        .collect()
}

fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// Each package of the workspace with the crates that it depends on, in whatever way.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(repository())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            (
                name(package),
                package["dependencies"]
                    .as_array()
                    .expect("dependencies")
                    .iter()
                    .map(name)
                    .collect(),
            )
        })
        .collect()
}

#[test]
fn a_room_looks_only_to_its_left() {
    let dependencies = dependencies();
    let mut complaints = Vec::new();
    for (room, allowed) in ROOMS {
        for dependency in dependencies
            .get(&format!("gitops-{room}"))
            .unwrap_or_else(|| panic!("there is no room {room}"))
        {
            if let Some(other) = dependency.strip_prefix("gitops-")
                && !allowed.contains(&other)
            {
                complaints.push(format!("gitops-{room} knows gitops-{other}"));
            }
        }
    }
    none(&complaints);
}

#[test]
fn only_some_rooms_know_some_crates() {
    let dependencies = dependencies();
    let mut complaints = Vec::new();
    for (name, allowed) in DIET {
        for (room, _) in ROOMS {
            if dependencies[&format!("gitops-{room}")].contains(name) && !allowed.contains(&room) {
                complaints.push(format!("gitops-{room} depends on {name}, which only {allowed:?} may"));
            }
        }
    }
    // What lsp needs of kube it takes from the room that knows it.
    let kube = Regex::new(r"(^|[^:\w])kube::").expect("a pattern");
    for (path, code) in sources("lsp") {
        if kube.is_match(&code) {
            complaints.push(format!(
                "{} uses kube itself instead of gitops_cluster::kube",
                shown(&path)
            ));
        }
    }
    none(&complaints);
}

#[test]
fn pure_rooms_do_nothing_and_cannot_fail() {
    let input_output = [
        "std::fs",
        "std::net",
        "std::process",
        "std::env",
        "std::time",
        "println!",
        "eprintln!",
        "print!(",
    ];
    let failing = [
        ".unwrap()",
        ".expect(",
        "panic!(",
        "unreachable!(",
        "todo!(",
        "unimplemented!(",
        " assert!(",
        " assert_eq!(",
    ];
    let mut complaints = Vec::new();
    for room in PURE {
        for (path, code) in sources(room) {
            for word in input_output.iter().chain(&failing) {
                if code.contains(word) {
                    complaints.push(format!("{}: {word}", shown(&path)));
                }
            }
        }
    }
    none(&complaints);
}

#[test]
fn files_are_short_and_named_for_what_is_in_them() {
    const LONGEST: usize = 500;
    const SAYS_NOTHING: [&str; 8] = [
        "utils",
        "util",
        "helpers",
        "helper",
        "common",
        "misc",
        "manager",
        "shared_utils",
    ];
    let mut complaints = Vec::new();
    for path in files(&["rs", "go", "ts", "mjs", "lua"]) {
        let lines = read(&path).lines().count();
        if lines > LONGEST {
            complaints.push(format!("{} has {lines} lines, more than {LONGEST}", shown(&path)));
        }
        let parts = [path.file_stem(), path.parent().and_then(Utf8Path::file_name)];
        if parts.into_iter().flatten().any(|part| SAYS_NOTHING.contains(&part)) {
            complaints.push(format!("{} is named for nothing that is in it", shown(&path)));
        }
    }
    none(&complaints);
}

/// No test is left out. A wait is for what is wanted, and
/// where nothing tells of that it is asked for again and again in short steps.
#[test]
fn tests_neither_sleep_nor_are_left_out() {
    let mut complaints = Vec::new();
    for path in files(&["rs"])
        .into_iter()
        .filter(|path| path.file_name() != Some("tidy.rs"))
    {
        let text = read(&path);
        let left_out = text.matches("#[ignore").count();
        if left_out > 0 {
            complaints.push(format!("{} leaves {left_out} tests out", shown(&path)));
        }
        if path.components().any(|part| part.as_str() == "tests")
            && (text.contains("sleep(Duration::from_secs") || text.contains("sleep(std::time::Duration::from_secs"))
        {
            complaints.push(format!("{} sleeps for seconds", shown(&path)));
        }
    }
    none(&complaints);
}

/// What the first group of a pattern finds.
fn found(pattern: &str, text: &str) -> Vec<String> {
    let pattern = Regex::new(pattern).expect("a pattern");
    pattern.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// The codes that the server can show, as the sources have them.
fn codes_in_the_source() -> BTreeSet<String> {
    let kebab = r"([a-z0-9]+(?:-[a-z0-9]+)*)";
    let mut codes: BTreeSet<String> = CODES.iter().map(|(slug, _)| format!("apply/{slug}")).collect();
    codes.extend(
        gitops_render::fault::CODES
            .iter()
            .map(|(slug, _)| format!("render/{slug}")),
    );
    codes.extend(
        gitops_render::helm::CODES
            .iter()
            .map(|(slug, _)| format!("render/{slug}")),
    );
    codes.extend(
        gitops_render::helm::MODEL_CODES
            .iter()
            .map(|(slug, _)| format!("model/{slug}")),
    );
    codes.extend(
        gitops_render::unused::CODES
            .iter()
            .map(|(slug, _)| format!("model/{slug}")),
    );
    codes.extend(
        gitops_model::references::CODES
            .iter()
            .map(|(slug, _)| format!("model/{slug}")),
    );
    codes.extend(RUNTIME_CODES.iter().map(|(slug, _)| format!("runtime/{slug}")));
    let conditions = read(&repository().join("server/lsp/src/built/conditions/code.rs"));
    let of_flux = found(&format!(r#"Self::\w+ => "{kebab}""#), &conditions);
    codes.extend(of_flux.into_iter().map(|slug| format!("flux/{slug}")));
    let syntax = read(&repository().join("server/yaml/src/error.rs"));
    let kinds = found(&format!(r#"Self::\w+ => "{kebab}""#), &syntax);
    codes.extend(kinds.into_iter().map(|slug| format!("syntax/{slug}")));
    // The server's own: `Source::X` stands beside the slug, or in the function that makes the finding.
    let function = Regex::new(r"(?m)^(?:    )?(?:pub(?:\(\w+\))? )?(?:async )?fn ").expect("a pattern");
    for room in ["model", "lsp"] {
        for (_, code) in sources(room) {
            for body in function.split(&code) {
                let mut slugs = found(&format!(r#"slug: "{kebab}""#), body);
                for chosen in found(r"(?s)let slug = (.*?);", body) {
                    slugs.extend(found(&format!(r#"\{{\s*"{kebab}"\s*\}}"#), &chosen));
                }
                if body.contains("let (slug,") {
                    slugs.extend(found(&format!(r#"=>\s*\(\s*"{kebab}""#), body));
                }
                if let Some(source) = found(r"Source::(\w+)", body).first() {
                    codes.extend(
                        slugs
                            .into_iter()
                            .map(|slug| format!("{}/{slug}", source.to_lowercase())),
                    );
                }
            }
        }
    }
    codes
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let pages = repository().join("docs/codes");
    let documented: BTreeSet<String> = files(&["md"])
        .into_iter()
        .filter(|path| path.starts_with(&pages) && path.parent() != Some(&pages))
        .map(|path| {
            path.strip_prefix(&pages)
                .expect("below")
                .with_extension("")
                .into_string()
        })
        .collect();
    let known = codes_in_the_source();
    let mut complaints: Vec<String> = known
        .difference(&documented)
        .map(|code| format!("{code} has no page in docs/codes"))
        .collect();
    complaints.extend(
        documented
            .difference(&known)
            .map(|page| format!("docs/codes/{page}.md is about a code that nothing shows")),
    );
    let index = read(&pages.join("README.md"));
    complaints.extend(
        documented
            .iter()
            .filter(|page| !index.contains(&format!("{page}.md")))
            .map(|page| format!("docs/codes/README.md does not lead to {page}.md")),
    );
    for page in &documented {
        if !read(&pages.join(format!("{page}.md"))).starts_with(&format!("# {page}\n")) {
            complaints.push(format!("docs/codes/{page}.md does not begin with its code"));
        }
    }
    none(&complaints);
}

/// The settings of a schema: path from `gitops`, with what the schema says of each.
fn leaves(schema: &Value, path: &str, found: &mut BTreeMap<String, Value>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        if property.get("properties").is_some() {
            leaves(property, &path, found);
        } else {
            found.insert(path, property.clone());
        }
    }
}

#[test]
fn the_extension_offers_the_settings_that_the_server_takes() {
    let output = Command::new(gitops_lsp())
        .arg("settings-schema")
        .output()
        .expect("it runs");
    let schema: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let mut taken = BTreeMap::new();
    leaves(&schema, "gitops", &mut taken);
    // For programs that wait for a verdict; nobody sets it in an editor.
    assert!(taken.remove("gitops.verdicts").is_some());
    let manifest: Value =
        serde_json::from_str(&read(&repository().join("vscode-extension/package.json"))).expect("it is JSON");
    let mut offered: BTreeMap<String, Value> = BTreeMap::new();
    for section in manifest["contributes"]["configuration"].as_array().expect("sections") {
        offered.extend(
            section["properties"]
                .as_object()
                .expect("properties")
                .iter()
                .map(|(name, property)| (name.clone(), property.clone())),
        );
    }
    // The extension's own.
    offered.retain(|name, _| !name.starts_with("gitops.server.") && !name.starts_with("gitops.trace."));
    let mut complaints: Vec<String> = Vec::new();
    for name in taken.keys().chain(offered.keys()).collect::<BTreeSet<_>>() {
        let (Some(taken), Some(offered)) = (taken.get(name), offered.get(name)) else {
            complaints.push(format!("{name} is known to one of the two alone"));
            continue;
        };
        for fact in ["default", "minimum", "maximum"] {
            let number = |value: &Value| value.as_f64();
            if taken[fact] != offered[fact] && number(&taken[fact]) != number(&offered[fact]) {
                complaints.push(format!(
                    "{name}: {fact} is {} for the server and {} for the extension",
                    taken[fact], offered[fact]
                ));
            }
        }
        if let Some(choices) = offered["enum"].as_array() {
            let text = taken.to_string();
            complaints.extend(
                choices
                    .iter()
                    .filter(|choice| !text.contains(&choice.to_string()))
                    .map(|choice| format!("{name}: the server does not take {choice}")),
            );
        }
    }
    none(&complaints);
}

#[test]
fn nothing_names_the_machine_it_was_made_on() {
    let mut complaints = Vec::new();
    for path in files(&[
        "rs", "go", "ts", "mjs", "lua", "md", "json", "toml", "yaml", "yml", "sh",
    ]) {
        if path.file_name() == Some("package-lock.json") || path.ends_with("tests/tests/tidy.rs") {
            continue;
        }
        let text = read(&path);
        for word in ["/work/main", "/work/shared", "/root/", "/tmp/snap", "/tmp/gobuild"] {
            if text.contains(word) {
                complaints.push(format!("{}: {word}", shown(&path)));
            }
        }
    }
    none(&complaints);
}

#[test]
fn links_in_the_documentation_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").expect("a pattern");
    let mut complaints = Vec::new();
    for path in files(&["md"]) {
        for found in link.captures_iter(&read(&path)) {
            let target = found[1].split('#').next().unwrap_or_default().to_owned();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            if !path.parent().expect("a directory").join(&target).exists() {
                complaints.push(format!("{} leads to {target}, which is not there", shown(&path)));
            }
        }
    }
    none(&complaints);
}
