//! The plugins of now.

use std::sync::{Arc, PoisonError, RwLock};

use dreamwire_loader::Loader;

/// The loaded plugins, which a new build replaces. A job keeps those that it began with.
pub(crate) struct Plugins(RwLock<Arc<Loader>>);

impl Plugins {
    /// These plugins.
    pub(crate) fn new(loader: Arc<Loader>) -> Self {
        Self(RwLock::new(loader))
    }

    /// The plugins of now.
    pub(crate) fn get(&self) -> Arc<Loader> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces them.
    pub(crate) fn set(&self, loader: Arc<Loader>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = loader;
    }
}
