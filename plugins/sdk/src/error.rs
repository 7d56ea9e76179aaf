//! Errors of nodes, with the statuses that the host maps to exit codes.

use dreamwire_abi as abi;
use dreamwire_socket::Said;
use std::fmt;

/// The result of everything in the SDK.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure: what was expected, what was found, at which port or param, and what to do about it.
///
/// `Display` is the message, and the hint behind it: lower case, no full stop, names in backticks.
#[derive(Debug, Clone)]
pub struct Error {
    pub(crate) said: Said,
    /// The host knows it already: a nested call reported it, nearer to the cause.
    pub(crate) reported: bool,
}

impl Error {
    pub(crate) fn new(status: abi::Status, input: &str, message: impl fmt::Display) -> Self {
        let said = Said { input: input.to_owned(), ..Said::new(status, message.to_string()) };
        Self { said, reported: false }
    }

    /// Anything without a more specific status.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self::new(abi::E_FAILED, "", message)
    }

    /// A param's value is unusable.
    pub fn param(name: &str, message: impl fmt::Display) -> Self {
        Self::new(abi::E_ARG, name, message)
    }

    /// The value at a port is unusable.
    pub fn port(name: &str, message: impl fmt::Display) -> Self {
        Self::new(abi::E_ARG, name, message)
    }

    /// The tensor at a port has the wrong shape.
    pub fn shape(port: &str, message: impl fmt::Display) -> Self {
        Self::new(abi::E_SHAPE, port, message)
    }

    /// The tensor at a port has the wrong element type.
    pub fn dtype(port: &str, message: impl fmt::Display) -> Self {
        Self::new(abi::E_DTYPE, port, message)
    }

    /// A file's content is unusable.
    pub fn content(message: impl fmt::Display) -> Self {
        Self::new(abi::E_INPUT, "", message)
    }

    /// A limit was exceeded.
    pub fn limit(message: impl fmt::Display) -> Self {
        Self::new(abi::E_LIMIT, "", message)
    }

    /// NaN or infinity appeared.
    pub fn nonfinite(message: impl fmt::Display) -> Self {
        Self::new(abi::E_NONFINITE, "", message)
    }

    /// The function is not differentiable as requested.
    pub fn not_differentiable(message: impl fmt::Display) -> Self {
        Self::new(abi::E_NOT_DIFF, "", message)
    }

    /// This build cannot do it.
    pub fn unsupported(message: impl fmt::Display) -> Self {
        Self::new(abi::E_UNSUPPORTED, "", message)
    }

    /// The host asked to stop.
    pub fn cancelled() -> Self {
        Self { reported: true, ..Self::new(abi::CANCELLED, "", "cancelled") }
    }

    /// A call into the host or another plugin ended with `status` and has told the host why.
    pub(crate) fn reported(status: abi::Status, message: impl fmt::Display) -> Self {
        Self { reported: true, ..Self::new(status, "", message) }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.said.hint = Some(match self.said.hint {
            Some(first) => format!("{first}; {hint}"),
            None => hint.to_string(),
        });
        self
    }

    /// Names the param or port that is wrong, where none is named yet.
    #[must_use]
    pub fn at(mut self, input: &str) -> Self {
        if self.said.input.is_empty() {
            input.clone_into(&mut self.said.input);
        }
        self
    }

    /// True if the host asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.said.status == abi::CANCELLED
    }

    /// The status for the host.
    pub fn status(&self) -> abi::Status {
        self.said.status
    }

    /// The param or port that is wrong; empty if none.
    pub fn input(&self) -> &str {
        &self.said.input
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said.message)?;
        match &self.said.hint {
            Some(hint) => write!(f, "; hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        // An error of ours that had to pass through candle (a foreign function inside backward) is stored
        // separately.
        crate::live::take_error().unwrap_or_else(|| {
            let text = plain(&error);
            match crate::device::is_out_of_memory(&text) {
                true => Self::new(abi::E_NOMEM, "", format!("the memory of the device is used up: {text}"))
                    // The node that makes the picture may be another one, so the hint names its param.
                    .hint("smaller pictures need less, and so does a smaller `tile` in GradientAscent; or compute on the CPU"),
                false => Self::failed(text),
            }
        })
    }
}

/// The message of candle without the backtrace that it carries along where RUST_BACKTRACE is set.
fn plain(error: &candle_core::Error) -> String {
    match error {
        candle_core::Error::WithBacktrace { inner, .. } => plain(inner),
        other => other.to_string(),
    }
}

/// Passes an error of ours through candle's code; `?` on the other side restores it.
pub(crate) fn through_candle(error: Error) -> candle_core::Error {
    let message = error.to_string();
    crate::live::set_error(error);
    candle_core::Error::Msg(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As candle 0.11 displays the errors of CUDA and Metal.
    #[test]
    fn a_device_without_memory_is_told_as_a_limit() {
        let of_cuda = |text: &str| candle_core::Error::Cuda(text.to_owned().into());
        for error in [
            of_cuda("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")"),
            of_cuda("CublasError(CUBLAS_STATUS_ALLOC_FAILED)"),
            of_cuda("CudnnError(CUDNN_STATUS_ALLOC_FAILED)"),
            candle_core::Error::Msg("Metal error Failed to create metal resource: Buffer".to_owned()),
            of_cuda("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")").context("conv2d"),
        ] {
            let text = error.to_string();
            let error = Error::from(error);
            assert_eq!(error.status(), abi::E_NOMEM, "{text}");
            let said = error.to_string();
            assert!(said.starts_with("the memory of the device is used up: "), "{said}");
            assert!(said.contains("`tile`") && said.contains("on the CPU"), "{said}");
        }
        let other = of_cuda("DriverError(CUDA_ERROR_ILLEGAL_ADDRESS, \"an illegal memory access\")");
        assert_eq!(Error::from(other).status(), abi::E_FAILED);
    }
}
