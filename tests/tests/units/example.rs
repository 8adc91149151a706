//! The example repository of Flux as it is: an `ArtifactGenerator` makes artifacts of it, and these are built.

use crate::fleet::Fleet;

/// What cannot be reached from here is said by Flux, and is not what these tests are about.
const OUTSIDE: [&str; 4] = [
    "flux/source-failed",
    "flux/source-not-ready",
    "flux/health-check-failed",
    "flux/install-failed",
];

/// Breaks something, sees where it is said, and mends it.
fn broken(fleet: &Fleet, file: &str, find: &str, put: &str, expected: &str) {
    let accepted = fleet.edit(file, find, put);
    let said = fleet.findings_but(&OUTSIDE);
    assert!(!accepted, "{file}: {find:?} is {put:?}, and that is taken");
    // An expectation that is no whole line is how the only one begins.
    let is_it = if expected.ends_with('\n') {
        said == expected
    } else {
        said.starts_with(expected) && said.lines().count() == 1
    };
    assert!(is_it, "{file}: {find:?} is {put:?}:\n{said}instead of\n{expected}");
    assert!(fleet.edit(file, put, find), "{file} is mended");
    assert_eq!(
        fleet.findings_but(&OUTSIDE),
        "",
        "something is left of {put:?} in {file}"
    );
}

#[test]
fn staging_is_built_from_its_artifacts() {
    let fleet = Fleet::corpus("flux2-kustomize-helm-example", "clusters/staging");
    // An object of the artifact `infrastructure`, whose file is copied to another path.
    broken(
        &fleet,
        "infrastructure/controllers/cert-manager.yaml",
        "interval: 12h",
        "intervals: 12h",
        "infrastructure/controllers/cert-manager.yaml:29: error apply/unknown-field: unknown field \"intervals\"; did you mean \
         \"interval\"?\n",
    );
    // A patch in the artifact `apps`.
    broken(
        &fleet,
        "apps/staging/podinfo-values.yaml",
        "enable: false",
        "enabled: false",
        "apps/staging/podinfo-values.yaml:11: error apply/unknown-field: unknown field \"enabled\"; did you mean \"enable\"?\n",
    );
    // A kustomization of an artifact.
    broken(
        &fleet,
        "apps/staging/kustomization.yaml",
        "path: podinfo-values.yaml",
        "path: podinfo-value.yaml",
        "apps/staging/kustomization.yaml:6: error render/file-not-found: ",
    );
    // A patch of the Flux Kustomization that builds an artifact.
    broken(
        &fleet,
        "clusters/staging/infrastructure.yaml",
        "path: /spec/acme/server",
        "path: /spec/acmes/server",
        "clusters/staging/infrastructure.yaml:37: error render/patch-path-not-found: ",
    );
    // A copy of what is not there.
    broken(
        &fleet,
        "clusters/staging/artifacts.yaml",
        "@monorepo/apps/base/**",
        "@monorepo/app/base/**",
        "clusters/staging/artifacts.yaml:21: error render/artifact-not-made: the artifact apps cannot be made: no file of the \
         source `monorepo` matches `app/base/**`\n",
    );
    fleet.server.assert_sound();
}

#[test]
fn production_is_built_from_its_artifacts() {
    let fleet = Fleet::corpus("flux2-kustomize-helm-example", "clusters/production");
    broken(
        &fleet,
        "apps/base/podinfo/release.yaml",
        "releaseName: podinfo",
        "releaseNames: podinfo",
        "apps/base/podinfo/release.yaml:8: error apply/unknown-field: unknown field \"releaseNames\"; did you mean \
         \"releaseName\"?\n",
    );
    // What the other cluster alone has changes nothing here.
    assert!(fleet.edit("apps/staging/podinfo-values.yaml", "enable: false", "enabled: false"));
    assert_eq!(fleet.findings_but(&OUTSIDE), "");
    fleet.server.assert_sound();
}
