//! Values that a template does not expect, found by what it prints of them.

use std::fmt::Write as _;

use expect_test::expect;

use crate::place;

#[tokio::test]
async fn a_value_of_another_type_is_found_in_what_a_template_prints_of_it() {
    let mut said = String::new();
    for (edit, path) in [
        (
            ("      tier: web", "      tier: {wrong: true, a: [1, b]}"),
            "metadata.annotations.tier",
        ),
        (
            ("    port: 8080", "    port: [wrong]"),
            "spec.template.spec.containers[0].ports[0].containerPort",
        ),
        (
            ("tag: \"1.0\"", "tag: {wrong: true}"),
            "spec.template.spec.containers[0].image",
        ),
    ] {
        let place = place(&[edit], path, None, true).await;
        writeln!(said, "{path} {place}").expect("writing to a text");
    }
    expect![[r#"
        metadata.annotations.tier apps/values.yaml:8 `tier`
        spec.template.spec.containers[0].ports[0].containerPort apps/values.yaml:6 `port`
        spec.template.spec.containers[0].image apps/release.yaml:26 `tag`
    "#]]
    .assert_eq(&said);
}

#[tokio::test]
async fn the_kind_of_what_a_switch_turns_on_leads_to_the_switch() {
    let template = "#- charts/web/templates/extra.yaml\n{{- if .Values.extra.enabled }}\napiVersion: example.org/v1\nkind: Extra\nmetadata: {name: extra}\n{{- end }}\n#- charts/web/templates/all.yaml\n";
    let mut said = String::new();
    for values in ["    extra: {enabled: [wrong]}\n", "    extra:\n      enabled: true\n"] {
        let edits = [
            ("#- charts/web/templates/all.yaml\n", template),
            ("    image:\n", &format!("{values}    image:\n")),
        ];
        writeln!(said, "{}", place(&edits, "kind", None, false).await).expect("writing to a text");
    }
    expect![[r#"
        apps/release.yaml:24 `wrong`
        apps/release.yaml:25 `true`
    "#]]
    .assert_eq(&said);
}
