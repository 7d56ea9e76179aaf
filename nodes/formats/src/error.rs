//! Why a file gives no tensors.

use crate::recognise::What;

/// Why a file gives no tensors. The text is a sentence without a full stop; [`Error::hint`] says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of another kind.
    #[error("this is {}, not a file of network weights", .0.name())]
    NotWeights(What),
    /// A file that ends too early.
    #[error("the file is truncated: {0}")]
    Truncated(String),
    /// A pickle that contradicts itself or is not one.
    #[error("the pickle is damaged at byte {at}: {problem}")]
    Pickle {
        /// Where the opcode starts, in bytes from the start of the file or of the entry of a zip file.
        at: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A pickle that asks Python to run something that no weights file needs.
    #[error("the pickle asks for `{global}` at byte {at}, which no weights file needs; it was not called")]
    Code {
        /// Module and name.
        global: String,
        /// Where, in bytes.
        at: u64,
    },
    /// A file that contradicts itself.
    #[error("the file is damaged: {0}")]
    Damaged(String),
    /// A file that is sound and uses something that this crate does not read.
    #[error("{0}")]
    Unsupported(String),
    /// A file that asks for more than a weights file needs.
    #[error("the file has more {what} than a weights file needs (limit {limit})")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
    /// A tensor that cannot be read.
    #[error("tensor `{name}` {problem}")]
    Tensor {
        /// Its dotted name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A sound file without tensors.
    #[error("this is {0}; there are no tensors in it")]
    NoTensors(String),
    /// A sound file of another network than is needed.
    #[error("this is {found}; needed is {needed}")]
    OtherNetwork {
        /// What the file is and what it is good for.
        found: String,
        /// The networks that would do.
        needed: String,
    },
}

impl Error {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotWeights(what) => what.hint(),
            Self::Truncated(_) | Self::Pickle { .. } | Self::Damaged(_) => Some("download or copy it again"),
            Self::Code { .. } => Some("do not open this file in Python: it may be an attack"),
            Self::Unsupported(_) => Some("save it again as .safetensors, or with a current `torch.save`"),
            Self::Limit { .. } => Some("if you trust the file, save it again as .safetensors"),
            Self::Tensor { .. } => {
                Some("if the file is whole, save it again as .safetensors, in a plain type")
            }
            Self::NoTensors(_) => Some("use the file that holds the network's weights"),
            Self::OtherNetwork { .. } => None,
        }
    }

    pub(crate) fn tensor(name: &str, problem: impl Into<String>) -> Self {
        Self::Tensor { name: name.to_owned(), problem: problem.into() }
    }
}
