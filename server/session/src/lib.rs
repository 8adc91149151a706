//! Sandboxes, inventory and the life of a session.
