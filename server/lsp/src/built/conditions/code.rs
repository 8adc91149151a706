//! The codes of what Flux says.

/// Second half of a code of source `flux`; `docs/codes/flux` has a page for each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Slug {
    AccessDenied,
    ArtifactFailed,
    AuthenticationFailed,
    BadExpression,
    BuildFailed,
    ChartNotFound,
    DecryptionFailed,
    DependencyNotFound,
    DryRunFailed,
    Failed,
    HealthCheckFailed,
    InstallFailed,
    NamespaceNotFound,
    PathNotFound,
    PostRenderFailed,
    PruneFailed,
    SourceFailed,
    SourceNotFound,
    TemplateFailed,
    TestFailed,
    UninstallFailed,
    UpgradeFailed,
    ValuesNotFound,
    ValuesNotValid,
    VariablesNotFound,
    VersionNotFound,
}

impl Slug {
    /// In kebab case.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "access-denied",
            Self::ArtifactFailed => "artifact-failed",
            Self::AuthenticationFailed => "authentication-failed",
            Self::BadExpression => "bad-expression",
            Self::BuildFailed => "build-failed",
            Self::ChartNotFound => "chart-not-found",
            Self::DecryptionFailed => "decryption-failed",
            Self::DependencyNotFound => "dependency-not-found",
            Self::DryRunFailed => "dry-run-failed",
            Self::Failed => "failed",
            Self::HealthCheckFailed => "health-check-failed",
            Self::InstallFailed => "install-failed",
            Self::NamespaceNotFound => "namespace-not-found",
            Self::PathNotFound => "path-not-found",
            Self::PostRenderFailed => "post-render-failed",
            Self::PruneFailed => "prune-failed",
            Self::SourceFailed => "source-failed",
            Self::SourceNotFound => "source-not-found",
            Self::TemplateFailed => "template-failed",
            Self::TestFailed => "test-failed",
            Self::UninstallFailed => "uninstall-failed",
            Self::UpgradeFailed => "upgrade-failed",
            Self::ValuesNotFound => "values-not-found",
            Self::ValuesNotValid => "values-not-valid",
            Self::VariablesNotFound => "variables-not-found",
            Self::VersionNotFound => "version-not-found",
        }
    }
}
