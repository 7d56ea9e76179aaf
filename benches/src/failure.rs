/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line requests something that does not exist.
    #[error("{0}")]
    Usage(String),
    /// A file of weights or inputs is missing or unusable.
    #[error("{0}")]
    Input(String),
    /// The result could not be written.
    #[error("{0}")]
    Output(String),
    /// Something else went wrong.
    #[error("{0}")]
    Failed(String),
    /// An error of a network or of candle.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

impl Failure {
    /// The exit codes of `dreamwire`.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Failure::Usage(_) => 2,
            Failure::Input(_) => 5,
            Failure::Output(_) => 6,
            Failure::Failed(_) | Failure::Candle(_) => 7,
        }
    }
}
