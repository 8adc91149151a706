//! What trees mean: objects and their identity, origins, findings.
