//! Where a workspace folder is: in which repository, and how that is known elsewhere.

use camino::{Utf8Path, Utf8PathBuf};
use gitops_model::flux::RepositoryUrl;

use super::limits::Limits;
use super::work_tree::WorkTree;

/// Where a directory is, as `git` knows it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Surroundings {
    /// Where it stands in its repository; empty for the top, and where there is no repository.
    pub prefix: Utf8PathBuf,
    /// The repositories that its remotes are.
    pub remotes: Vec<RepositoryUrl>,
}

/// Asks `git` where a directory is. What it cannot say is as good as not there.
pub async fn surroundings(directory: &Utf8Path) -> Surroundings {
    let limit = Limits::default().call;
    let Ok(work_tree) = WorkTree::discover(directory, limit).await else {
        return Surroundings::default();
    };
    let remotes = work_tree.remotes(limit).await.unwrap_or_default();
    Surroundings {
        prefix: work_tree.prefix,
        remotes,
    }
}
