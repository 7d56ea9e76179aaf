use dreamwire_abi as abi;
use std::fmt;

/// A breach of the contract: its status and a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A status of the ABI below 0.
    pub status: abi::Status,
    /// The message: lower case, no full stop.
    pub message: String,
}

impl Fault {
    pub(crate) fn new(status: abi::Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(abi::E_FAILED, message)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
