//! Texts that are large, deep, endless or no YAML at all.

use std::fmt::Write as _;

use gitops_tests::shared::{file, offline};

/// Deep nesting, alias bombs and other texts that cost more than they show: one finding, at once.
#[test]
fn texts_that_are_bombs() {
    let mut deep_blocks = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n".to_owned();
    for depth in 0..600 {
        let _ = writeln!(deep_blocks, "{}a:", " ".repeat(depth));
    }
    let mut laughs = "a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]\n".to_owned();
    for level in 1..10 {
        let _ = writeln!(
            laughs,
            "a{level}: &a{level} [{}]",
            vec![format!("*a{}", level - 1); 10].join(", ")
        );
    }
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: ";
    for (name, text) in [
        (
            "flow.yaml",
            format!("{object}{}{}", "[".repeat(100_000), "]".repeat(100_000)),
        ),
        ("open.yaml", format!("{object}{}", "[".repeat(100_000))),
        ("maps.yaml", format!("{object}{}", "{a: ".repeat(50_000))),
        ("blocks.yaml", deep_blocks),
        ("dashes.yaml", format!("{object}\n{}", "- ".repeat(50_000))),
        (
            "laughs.yaml",
            format!("{laughs}apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: a }}\ndata: {{ x: *a9 }}\n"),
        ),
        (
            "self.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: &m { name: a, labels: *m }\n".to_owned(),
        ),
        (
            "merge.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: &m\n  name: a\n  <<: *m\n".to_owned(),
        ),
        (
            "long-line.yaml",
            format!("{object}{{ x: \"{}\" }}", "y".repeat(4 << 20)),
        ),
        ("question.yaml", "? ".repeat(50_000)),
        ("anchors.yaml", "&a ".repeat(50_000)),
        ("quotes.yaml", format!("{object}\"{}", "\\\"".repeat(500_000))),
        ("documents.yaml", "---\n".repeat(200_000)),
    ] {
        let name = file(name);
        offline().open_with(&name, &text);
        let published = offline().wait_for_version(&name, 1);
        assert!(
            published.diagnostics.len() <= 201,
            "{name}: {} findings",
            published.diagnostics.len()
        );
        // Whatever is asked about it is answered.
        let _ = offline().lenses(&name);
        println!("{name}: {:?}", published.summary().first());
    }
    offline().assert_sound();
    let first = |name: &str| {
        offline()
            .diagnostics(&file(name))
            .summary()
            .into_iter()
            .next()
            .unwrap_or_default()
    };
    for (name, code) in [
        ("flow.yaml", "too-deep"),
        ("open.yaml", "too-deep"),
        ("maps.yaml", "too-deep"),
        ("blocks.yaml", "too-deep"),
        ("laughs.yaml", "too-many-aliases"),
    ] {
        assert!(
            first(name).starts_with(&format!("error syntax/{code}: ")),
            "{name}: {}",
            first(name)
        );
    }
}

/// A hundred levels are nothing special.
#[test]
fn ninety_levels_are_read() {
    let name = file("deep.yaml");
    offline().open_with(
        &name,
        &format!(
            "apiVersion: v1\nkind: X\nmetadata: {{ name: a }}\nspec: {}{}\n",
            "[".repeat(90),
            "]".repeat(90)
        ),
    );
    assert_eq!(offline().wait_for_version(&name, 1).summary(), [""; 0]);
}

#[test]
fn a_text_that_is_too_large() {
    let name = file("large.yaml");
    let mut text =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: large }\ndata:\n  x: [ # broken, were it read\n".to_owned();
    while text.len() <= 8 << 20 {
        text.push_str("  # a line of some length that makes the text longer than anybody writes by hand\n");
    }
    offline().open_with(&name, &text);
    assert_eq!(
        offline().wait_for_version(&name, 1).summary(),
        ["information syntax/file-too-large: this file is over 8 MiB and is left alone"]
    );
    assert_eq!(offline().lenses(&name), []);
    let version = offline().retype(&name, "a: [\n");
    assert_eq!(
        offline().wait_for_version(&name, version).diagnostics.len(),
        1,
        "small again, it is read again"
    );
}

#[test]
fn texts_that_are_not_yaml() {
    for (name, text) in [
        ("empty.yaml", ""),
        ("blank.yaml", " \n\n  \n"),
        ("comment.yaml", "# nothing\n"),
        ("mark.yaml", "\u{feff}"),
        ("end.yaml", "...\n---\n...\n"),
        ("word.yaml", "hello\n"),
        ("prose.yaml", "Dear all,\nthis is not: a manifest.\n"),
        (
            "json.yaml",
            "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"a\"}}",
        ),
    ] {
        let name = file(name);
        offline().open_with(&name, text);
        println!("{name}: {:?}", offline().wait_for_version(&name, 1).summary());
    }
    offline().assert_sound();
    for name in [
        "empty.yaml",
        "blank.yaml",
        "comment.yaml",
        "mark.yaml",
        "end.yaml",
        "word.yaml",
        "json.yaml",
    ] {
        assert_eq!(offline().diagnostics(&file(name)).summary(), [""; 0], "{name}");
    }
}
