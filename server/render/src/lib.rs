//! The port to the renderer: kustomize, substitution and Helm as Flux does them.
