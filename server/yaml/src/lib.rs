//! YAML text to a tree with byte spans, comments, field paths and the two scalar dialects of Kubernetes.
