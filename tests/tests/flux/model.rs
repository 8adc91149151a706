//! What dangles, goes round in circles or has no effect in a Flux repository: said before Flux says it, or where it never
//! does, and said once.

use gitops_tests::server::TestServer;
use regex::Regex;
use serde_json::Value;

use crate::Fleet;

impl Fleet {
    /// Saves a file as it was; whether it is accepted.
    fn mend(&self, file: &str, text: &str) -> bool {
        let mark = self.save_text(file, text);
        self.verdict(file, "dry-run", mark)
    }
}

/// Whether something is said on the line of a text.
fn is_said(server: &TestServer, file: &str, line: &str, severity: u64, says: &Regex) -> bool {
    let text = if server.is_open(file) {
        server.text(file)
    } else {
        std::fs::read_to_string(server.workspace().join(file)).expect("the file can be read")
    };
    server.diagnostics(file).diagnostics.iter().any(|diagnostic| {
        let at = diagnostic["range"]["start"]["line"].as_u64().expect("a line");
        let written = text
            .lines()
            .nth(usize::try_from(at).expect("small"))
            .unwrap_or_default();
        written.contains(line)
            && diagnostic["severity"] == severity
            && says.is_match(diagnostic["message"].as_str().unwrap_or_default())
    })
}

/// One edit, and where it is said.
struct Broken {
    file: &'static str,
    find: &'static str,
    put: &'static str,
    at: &'static [(&'static str, &'static str)],
    severity: u64,
    says: &'static str,
}

/// Breaks and mends; what is said meanwhile is what is wanted, and nothing is left of it.
fn play(fleet: &Fleet, cases: &[Broken]) {
    let mut missed = Vec::new();
    for case in cases {
        let sound = std::fs::read_to_string(fleet.server.workspace().join(case.file)).expect("the file can be read");
        fleet.put(case.file, case.find, case.put);
        let says = Regex::new(case.says).expect("a pattern");
        for (file, line) in case.at {
            if !is_said(&fleet.server, file, line, case.severity, &says) {
                let all = fleet.all_findings();
                missed.push(format!("{line:?} of {file}, matching {says}: {all:#?}"));
            }
        }
        assert!(fleet.mend(case.file, &sound), "{} is mended", case.file);
        let left = fleet.all_findings();
        let left: Vec<&String> = left.iter().filter(|found| found.contains(" model/")).collect();
        assert!(left.is_empty(), "left of {}: {left:#?}", case.put);
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn references_of_kustomizations() {
    let fleet = Fleet::start("flux-a", "clusters/east");
    // Nothing is said of what is sound.
    assert!(fleet.put("apps/portal.yaml", "memory: 64Mi", "memory: 65Mi"));
    assert_eq!(fleet.all_findings(), [""; 0]);
    play(
        &fleet,
        &[
            Broken {
                file: "clusters/east/tools.yaml",
                find: "    - name: rep-infra\n      namespace: flux-system\n",
                put: "    - name: rep-infra\n",
                at: &[("clusters/east/tools.yaml", "- name: rep-infra")],
                severity: 1,
                says: "not found in namespace rep-tools; there is one in namespace flux-system",
            },
            Broken {
                file: "clusters/east/infra.yaml",
                find: "  sourceRef:\n",
                put: "  dependsOn:\n    - name: rep-media\n  sourceRef:\n",
                at: &[
                    ("clusters/east/infra.yaml", "- name: rep-media"),
                    ("clusters/east/media.yaml", "- name: rep-apps"),
                    ("clusters/east/apps.yaml", "- name: rep-infra"),
                ],
                severity: 1,
                says: "circular dependency: .* → .* → .* → ",
            },
            Broken {
                file: "clusters/east/media.yaml",
                find: "        name: rep-vars",
                put: "        name: rep-varz",
                at: &[("clusters/east/media.yaml", "name: rep-varz")],
                severity: 1,
                says: "not found.*did you mean \"rep-vars\"",
            },
            Broken {
                file: "clusters/east/media.yaml",
                find: "    kind: GitRepository\n    name: rep-fleet",
                put: "    kind: GitRepository\n    name: rep-float",
                at: &[("clusters/east/media.yaml", "name: rep-float")],
                severity: 1,
                says: "source GitRepository \"rep-float\" not found.*did you mean \"rep-fleet\"",
            },
            Broken {
                file: "clusters/east/tools.yaml",
                find: "  wait: true\n",
                put: "",
                at: &[("clusters/east/tools.yaml", "healthCheckExprs:")],
                severity: 2,
                says: "never evaluated",
            },
            Broken {
                file: "clusters/east/media.yaml",
                find: "      name: seed\n",
                put: "      name: sead\n",
                at: &[("clusters/east/media.yaml", "name: sead")],
                severity: 1,
                says: "health check.*not found",
            },
            Broken {
                file: "clusters/east/apps.yaml",
                find: "      stage: blue\n",
                put: "      stage: blue\n      stagge: red\n",
                at: &[("clusters/east/apps.yaml", "stagge: red")],
                severity: 2,
                says: "uses \\$\\{stagge\\}",
            },
            Broken {
                file: "clusters/east/infra.yaml",
                find: "  wait: true\n",
                put: "  wait: true\n  suspend: true\n",
                at: &[("clusters/east/infra.yaml", "suspend: true")],
                severity: 2,
                says: "wait for it",
            },
            Broken {
                file: "clusters/east/infra.yaml",
                find: "  wait: true\n",
                put: "  wait: true\n  patches:\n    - patch: |\n        - op: remove\n          path: /spec/a\n      target:\n        kind: Servize\n",
                at: &[("clusters/east/infra.yaml", "kind: Servize")],
                severity: 2,
                says: "no Servize is here, so this patch changes nothing",
            },
            Broken {
                file: "apps/route.yaml",
                find: "name: portal\n                port:\n                  number: 80",
                put: "name: portal\n                port:\n                  number: 81",
                at: &[("apps/route.yaml", "number: 81")],
                severity: 2,
                says: "port 81 not found",
            },
            Broken {
                file: "apps/service.yaml",
                find: "    app: portal",
                put: "    app: protal",
                at: &[("apps/service.yaml", "app: protal")],
                severity: 2,
                says: "selects no pods",
            },
            Broken {
                file: "tools/kustomization.yaml",
                find: "namespace: rep-tools\n",
                put: "namespace: rep-tools\nnamePrefx: a-\n",
                at: &[("tools/kustomization.yaml", "namePrefx: a-")],
                severity: 2,
                says: "drops it.*namePrefix",
            },
        ],
    );
    fleet.server.assert_sound();
}

#[test]
fn references_of_releases() {
    let fleet = Fleet::start("flux-h", "clusters/west");
    assert!(fleet.put("web/gate.yaml", "period: 5", "period: 6"));
    let said: Vec<String> = fleet
        .all_findings()
        .into_iter()
        .filter(|said| said.contains(" model/"))
        .collect();
    assert_eq!(said, [""; 0]);
    play(
        &fleet,
        &[
            Broken {
                file: "base/values.yaml",
                find: "  name: store-config\n  namespace: rep-helm\n",
                put: "  name: store-config\n  namespace: default\n",
                at: &[("web/store.yaml", "name: store-config")],
                severity: 1,
                says: "not found in namespace rep-helm; there is one in namespace default",
            },
            Broken {
                file: "web/gate.yaml",
                find: "        name: rep-yard\n        namespace: flux-system\n",
                put: "        name: rep-yard\n",
                at: &[("web/gate.yaml", "        name: rep-yard")],
                severity: 1,
                says: "source GitRepository \"rep-yard\" not found",
            },
            Broken {
                file: "web/gate.yaml",
                find: "    - name: board",
                put: "    - name: gate",
                at: &[("web/gate.yaml", "- name: gate")],
                severity: 1,
                says: "circular dependency: gate waits for itself",
            },
            Broken {
                file: "base/values.yaml",
                find: "  values.yaml: |\n    replicas: 1",
                put: "  value.yaml: |\n    replicas: 1",
                at: &[("web/store.yaml", "name: store-config")],
                severity: 1,
                says: "key \"values.yaml\" not found",
            },
        ],
    );
    fleet.server.assert_sound();
}

#[test]
fn what_flux_says_as_well_is_said_once() {
    let fleet = Fleet::start("flux-a", "clusters/east");
    let mark = fleet.save(
        "clusters/east/tools.yaml",
        "    - name: rep-infra\n      namespace: flux-system\n",
        "    - name: rep-infra\n",
    );
    assert!(fleet.verdict("clusters/east/tools.yaml", "dry-run", mark));
    assert!(!fleet.verdict("clusters/east/tools.yaml", "flux", mark));
    // The verdict says which object it is about.
    let failed = fleet.server.client.log().newest(|message| {
        let params = &message["params"];
        let is_it = message["method"] == "gitops/verdict" && params["phase"] == "flux";
        is_it.then(|| params["failed"].to_string())
    });
    let failed = failed.expect("there is a verdict");
    assert!(failed.ends_with(": DependencyNotReady\"]"), "{failed}");
    let said = fleet.findings("clusters/east/tools.yaml");
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(said[0].contains("model/dependency-not-found"), "{said:#?}");
    fleet.server.assert_sound();
}

#[test]
fn a_name_that_is_nearly_right_can_be_mended_by_one_keystroke() {
    let fleet = Fleet::start("flux-a", "clusters/east");
    fleet.put(
        "clusters/east/media.yaml",
        "        name: rep-vars",
        "        name: rep-varz",
    );
    let diagnostics = fleet.server.diagnostics("clusters/east/media.yaml").diagnostics;
    let diagnostic: &Value = diagnostics
        .iter()
        .find(|diagnostic| diagnostic["code"] == "model/variables-not-found")
        .expect("it is said");
    let actions = fleet.server.actions("clusters/east/media.yaml", &diagnostic["range"]);
    let titles: Vec<&str> = actions.iter().filter_map(|action| action["title"].as_str()).collect();
    assert_eq!(titles, ["Write rep-vars"]);
    fleet.server.assert_sound();
}

#[test]
fn nothing_is_said_of_the_example_of_flux() {
    let fleet = Fleet::start("../flux2-kustomize-helm-example", "clusters/staging");
    fleet.put("clusters/staging/apps.yaml", "timeout: 5m", "timeout: 6m");
    let said: Vec<String> = fleet
        .all_findings()
        .into_iter()
        .filter(|said| said.contains(" model/"))
        .collect();
    assert_eq!(said, [""; 0]);
    // Charts that are not known here can bring kinds, but none of Kubernetes' own, and no other name for one that there is.
    for (file, find, put, says) in [
        (
            "apps/base/podinfo/namespace.yaml",
            "kind: Namespace",
            "kind: Namepsace",
            "apply/kind-not-served: kind \"Namepsace\" is not served in v1; did you mean \"Namespace\"?",
        ),
        (
            "infrastructure/controllers/cert-manager.yaml",
            "kind: HelmRelease",
            "kind: HelmRelaese",
            "did you mean \"HelmRelease\"?",
        ),
        (
            "infrastructure/configs/gateway.yaml",
            "kind: GatewayClass",
            "kind: GatewaCylass",
            "gateway.networking.k8s.io has no kind \"GatewaCylass\"; did you mean \"GatewayClass\"?",
        ),
        // What a kind that is still to come is called has to be a name all the same.
        (
            "infrastructure/configs/gateway.yaml",
            "  name: envoy",
            "  name: Envoy_1",
            "apply/invalid-value: \"Envoy_1\" is not valid",
        ),
        (
            "infrastructure/configs/gateway.yaml",
            "  namespace: envoy-gateway-system",
            "  namespace: 17",
            "apply/wrong-type: expected string, got number 17",
        ),
    ] {
        let sound = std::fs::read_to_string(fleet.server.workspace().join(file)).expect("the file can be read");
        fleet.put(file, find, put);
        let said = fleet.findings(file);
        assert!(said.iter().any(|said| said.contains(says)), "{file}: {said:#?}");
        fleet.mend(file, &sound);
    }
    fleet.put(
        "clusters/staging/infrastructure.yaml",
        "    - name: infra-controllers",
        "    - name: infra-controller",
    );
    assert!(
        fleet
            .findings("clusters/staging/infrastructure.yaml")
            .iter()
            .any(|said| said.contains("model/dependency-not-found") && said.contains("infra-controllers")),
    );
    fleet.server.assert_sound();
}

#[test]
fn paths_and_variables_are_mended_by_one_keystroke() {
    let fleet = Fleet::start("flux-a", "clusters/east");
    assert!(!fleet.put("clusters/east/tools.yaml", "path: ./tools", "path: ./tool"));
    let said = fleet.findings("clusters/east/tools.yaml");
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(said[0].contains("model/path-not-found"), "{said:#?}");
    let diagnostics = fleet.server.diagnostics("clusters/east/tools.yaml").diagnostics;
    fleet
        .server
        .apply_action("clusters/east/tools.yaml", &diagnostics[0]["range"], "Write ./tools");
    let text = fleet.server.text("clusters/east/tools.yaml");
    assert!(text.contains("path: ./tools\n"), "{text}");
    assert!(fleet.put("clusters/east/tools.yaml", "path: ./tool\n", "path: ./tools\n"));
    assert!(!fleet.put("apps/portal.yaml", "${domain}", "${domian}"));
    let diagnostics = fleet.server.diagnostics("apps/portal.yaml").diagnostics;
    let of_variable = diagnostics
        .iter()
        .find(|diagnostic| diagnostic["code"] == "render/variable-not-set");
    let of_variable = of_variable.expect("it is said");
    let actions = fleet.server.actions("apps/portal.yaml", &of_variable["range"]);
    let titles: Vec<&str> = actions.iter().filter_map(|action| action["title"].as_str()).collect();
    assert_eq!(titles, ["Write ${domain}", "Keep it as text: write $${…}"]);
    fleet.server.assert_sound();
}
