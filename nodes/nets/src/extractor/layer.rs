use std::fmt;
use std::sync::Arc;

use super::reach::Field;

/// A layer of one extractor. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    pub(super) name: Arc<str>,
    pub(super) channels: usize,
    /// Its index in the stack.
    pub(super) node: usize,
    /// The receptive field of its positions; `None` if it is the mean over all of them.
    pub(super) field: Option<Field>,
}

impl Layer {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Channels of its output.
    pub fn channels(&self) -> usize {
        self.channels
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
