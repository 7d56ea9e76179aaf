//! When the server was last used, for `--idle-timeout`.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time of the last request.
pub(crate) struct Activity(Mutex<Instant>);

impl Activity {
    /// It begins now.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    /// Something was asked for.
    pub(crate) fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How long nothing was.
    pub(crate) fn idle(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}
