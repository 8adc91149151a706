//! The API server: discovery, dry run, apply, prune, and the decoding of every answer.
