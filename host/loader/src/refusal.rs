use dreamwire_engine::{Failure, FailureKind};
use dreamwire_graph::Hint;
use std::path::Path;

/// Why a library cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) why: String,
    pub(crate) hint: Option<Hint>,
    /// Whether the cause is this machine, so that no other library can be opened either.
    pub(crate) of_the_machine: bool,
}

impl Refusal {
    /// The message, which names the library.
    pub(crate) fn message(&self, library: &Path) -> String {
        format!("plugin `{}` cannot be used: {}", library.display(), self.why)
    }

    /// The failure of a node whose library cannot be opened.
    pub(crate) fn failure(self, library: &Path) -> Failure {
        let failure = Failure::new(FailureKind::Plugin, self.message(library));
        Failure { hint: self.hint, ..failure }
    }

    /// Message and hint in one line.
    pub(crate) fn text(self) -> String {
        match self.hint {
            Some(hint) => format!("{} ({hint})", self.why),
            None => self.why,
        }
    }
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self { why, hint: None, of_the_machine: false }
    }
}

impl From<&str> for Refusal {
    fn from(why: &str) -> Self {
        why.to_owned().into()
    }
}
