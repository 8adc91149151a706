//! OpenAPI v3 and CRDs: what fields a kind has.
