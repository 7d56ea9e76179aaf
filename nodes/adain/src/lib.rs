//! The adain plugin.
