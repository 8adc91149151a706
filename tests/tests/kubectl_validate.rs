//! The corpus of kubectl-validate against the real API server: each `error_*.yaml` has an error at the field that its
//! authors name in its header, and no other file has an error.
//!
//! They come from validation in a client; the server's own words differ, which field is wrong does not.

use camino::{Utf8Path, Utf8PathBuf};
use gitops_tests::columns::{Encoding, offset_of};
use gitops_tests::server::TestServer;
use gitops_tests::show::headline;
use gitops_yaml::{Document, FieldPath};
use serde_json::{Value, json};

/// Files that hold nothing for the cluster, or nothing that could be sent.
const NOTHING_SENT: [&str; 3] = ["empty.yaml", "empty_with_document.yaml", "error_multiple_fields.yaml"];

/// Fields that a header does not name, or names otherwise than the file does.
const NAMED_BY_HAND: [(&str, &str, &str); 5] = [
    (
        "error_array_instead_of_map.yaml",
        "data",
        "as its header says, in the words of another reader",
    ),
    (
        "error_map_instead_of_array.yaml",
        "metadata.finalizers",
        "the header has only Go's words for it",
    ),
    ("error_invalid_kind.yaml", "kind", "the header names no field"),
    (
        "error_multiple_fields.yaml",
        "spec.containers",
        "the header gives the number of a line",
    ),
    (
        "error_crd_typo.yaml",
        "spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[message].type",
        "the header names the field as the server holds it, not as it is written",
    ),
];

/// Files that the API server judges otherwise than the client that the corpus was written for.
const JUDGED_OTHERWISE: [(&str, &str); 1] = [(
    "configmap.yaml",
    "the server takes only finalizers whose name has a domain and a path",
)];

fn corpus() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora/kubectl-validate/testcases")
}

fn yaml_files(directory: &Utf8Path) -> Vec<Utf8PathBuf> {
    let mut files: Vec<Utf8PathBuf> = directory
        .read_dir_utf8()
        .unwrap_or_else(|error| panic!("{directory}: {error}"))
        .map(|entry| entry.expect("an entry").into_path())
        .filter(|path| path.extension() == Some("yaml"))
        .collect();
    files.sort();
    files
}

/// What the header of a document says: the fields of its causes, none for those that name no field.
fn expected(comments: &str) -> Vec<Option<String>> {
    let mut fields = Vec::new();
    let lines: Vec<&str> = comments.lines().filter_map(|line| line.strip_prefix('#')).collect();
    for (at, _) in lines.iter().enumerate().filter(|(_, line)| line.trim_end() == " {") {
        let end = lines
            .iter()
            .skip(at)
            .position(|line| line.trim_end() == " }" || line.trim_end() == "   }")
            .map(|length| at + length)
            .expect("a header ends");
        let status: Value = serde_json::from_str(&lines[at..=end].join("\n")).expect("a header is JSON");
        let causes = status["details"]["causes"].as_array().cloned().unwrap_or_default();
        fields.extend(causes.iter().map(|cause| {
            cause["field"]
                .as_str()
                .filter(|field| *field != "<nil>")
                .map(str::to_owned)
        }));
    }
    fields
}

/// Whether a place of the text is where a field stands: in its key or its value, or in the first line of its nearest
/// ancestor when it is not there, or in the line of the kind when that is the whole object.
fn is_at(text: &str, document: &Document, field: &str, offset: usize) -> bool {
    let path = FieldPath::parse(field).unwrap_or_else(|| panic!("{field} is no path"));
    let located = document.locate(text, &path);
    let offset = u32::try_from(offset).expect("small");
    if located.matched == path.len() {
        let start = located
            .key
            .or(located.item)
            .or(located.value)
            .expect("it is there")
            .start;
        let end = located.value.map_or(start, |value| value.end.max(start));
        return (start..=end).contains(&offset);
    }
    let line_of = |offset: u32| text[..offset as usize].matches('\n').count();
    let ancestor = if located.matched == 0 {
        document.locate(text, &FieldPath::parse("kind").expect("a path"))
    } else {
        located
    };
    ancestor
        .key
        .or(ancestor.item)
        .or(ancestor.value)
        .is_some_and(|span| line_of(span.start) == line_of(offset))
}

/// The text with each object in a namespace of its own, where it names none: several files use one name.
fn in_namespace(text: &str, namespace: &str) -> String {
    text.split("---")
        .map(|document| {
            let elsewhere = document.contains("\n  namespace:")
                || document.contains("kind: APIService")
                || document.contains("kind: CustomResourceDefinition");
            if elsewhere {
                document.to_owned()
            } else {
                document.replacen("\nmetadata:\n", &format!("\nmetadata:\n  namespace: {namespace}\n"), 1)
            }
        })
        .collect::<Vec<_>>()
        .join("---")
}

fn save(server: &TestServer, file: &str, text: &str) {
    server.open_with(file, text);
    if NOTHING_SENT.contains(&file) {
        server.save(file);
        server.status();
    } else {
        server.save_and_settle(file);
    }
}

/// What is wrong with the verdict on one file; nothing, when it is as its authors say.
fn judge(server: &TestServer, path: &Utf8Path, table: &mut String) -> Vec<String> {
    use std::fmt::Write as _;
    let file = path.file_name().expect("a name");
    let namespace = file.trim_end_matches(".yaml").replace('_', "-");
    let text = in_namespace(
        &std::fs::read_to_string(path).expect("the file can be read"),
        &namespace,
    );
    save(server, file, &text);
    let errors: Vec<(usize, String)> = server
        .diagnostics(file)
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic["severity"] == 1)
        .map(|diagnostic| {
            (
                offset_of(&text, &diagnostic["range"]["start"], Encoding::Utf16),
                headline(diagnostic),
            )
        })
        .collect();
    for (offset, said) in &errors {
        let line = text[..*offset].matches('\n').count();
        let _ = writeln!(
            table,
            "{file:48} {:>3} {:44} {said}",
            line + 1,
            text.lines().nth(line).unwrap_or_default().trim()
        );
    }
    if errors.is_empty() {
        let _ = writeln!(table, "{file:48}   -");
    }
    if !file.starts_with("error_") {
        return errors
            .iter()
            .map(|(_, said)| format!("{file} is sound, but: {said}"))
            .collect();
    }
    let parse = gitops_yaml::parse(&text);
    let mut missing = Vec::new();
    // The header of a document stands before or behind the `---` that it begins with.
    let mut start = 0;
    for document in &parse.documents {
        let span = document.span();
        let by_hand: Vec<Option<String>> = NAMED_BY_HAND
            .iter()
            .filter(|(name, ..)| *name == file)
            .map(|(_, field, _)| Some((*field).to_owned()))
            .collect();
        let fields = if by_hand.is_empty() {
            expected(&text[start..span.end as usize])
        } else {
            by_hand
        };
        let own: Vec<&(usize, String)> = errors
            .iter()
            .filter(|(offset, _)| (start..=span.end as usize).contains(offset))
            .collect();
        let named: Vec<&String> = fields.iter().flatten().collect();
        for field in &named {
            if !own.iter().any(|(offset, _)| is_at(&text, document, field, *offset)) {
                missing.push(format!("{file} has no error at {field}"));
            }
        }
        if named.is_empty() && !fields.is_empty() && own.is_empty() {
            missing.push(format!("{file} has no error"));
        }
        start = span.end as usize;
    }
    missing
}

#[test]
fn the_server_agrees_with_the_corpus() {
    let server = TestServer::builder().build();
    let started = server.start_session(json!({}));
    let cluster = server.cluster(&started);
    for directory in ["crds", "more-crds"] {
        for path in yaml_files(&corpus().join(directory)) {
            let file = format!("{directory}/{}", path.file_name().expect("a name"));
            server.open_with(&file, &std::fs::read_to_string(&path).expect("the file can be read"));
            let is_definition = server.text(&file).contains("kind: CustomResourceDefinition");
            assert_eq!(
                server.save_and_settle(&file).ok,
                is_definition,
                "{file}: {:#?}",
                server.diagnostics(&file).summary()
            );
        }
    }
    let mut table = String::new();
    let mut wrong = Vec::new();
    for path in yaml_files(&corpus().join("manifests")) {
        let file = path.file_name().expect("a name");
        let namespace = file.trim_end_matches(".yaml").replace('_', "-");
        cluster.apply(
            "tests",
            &json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } }),
        );
        cluster.wait_until("v1", "ServiceAccount", Some(&namespace), "default", |_| true);
        let said = judge(&server, &path, &mut table);
        match JUDGED_OTHERWISE.iter().find(|(name, _)| *name == file) {
            Some((_, reason)) => assert!(
                !said.is_empty(),
                "{file} is listed as judged otherwise ({reason}), but is not"
            ),
            None => wrong.extend(said),
        }
    }
    println!("{table}");
    assert!(wrong.is_empty(), "{wrong:#?}\n{table}");
    server.assert_sound();
}
