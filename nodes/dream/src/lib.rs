//! The dream plugin.
