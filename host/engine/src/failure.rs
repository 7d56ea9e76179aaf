//! How a step fails.

use dreamwire_graph::{CheckedNode, Class, Code, Diagnostic, Hint};
use serde::{Deserialize, Serialize};

/// The kind of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// Anything without a more specific kind.
    Failed,
    /// A param or port value is unusable.
    Argument,
    /// A tensor of the wrong shape.
    Shape,
    /// A tensor of the wrong element type.
    Dtype,
    /// A tensor on the wrong device.
    Device,
    /// No gradient is available.
    NotDifferentiable,
    /// NaN or infinity.
    Nonfinite,
    /// A file's content is unusable.
    Input,
    /// A file could not be read.
    Read,
    /// A file could not be published.
    Publish,
    /// A limit was exceeded, or memory ran out.
    Limit,
    /// The node panicked.
    Panic,
    /// The plugin broke the contract, or cannot do it.
    Plugin,
    /// Something ended the process of the step, perhaps because memory ran out.
    Killed,
    /// The step took longer than a step may.
    TimedOut,
    /// The run was stopped.
    Cancelled,
}

impl FailureKind {
    fn code(self) -> &'static str {
        match self {
            Self::Failed => "run::failed",
            Self::Argument => "run::argument",
            Self::Shape => "run::shape",
            Self::Dtype => "run::dtype",
            Self::Device => "run::device",
            Self::NotDifferentiable => "run::not_differentiable",
            Self::Nonfinite => "run::nonfinite",
            Self::Input => "run::input",
            Self::Read => "run::read",
            Self::Publish => "run::publish",
            Self::Limit => "run::limit",
            Self::Panic => "run::panic",
            Self::Plugin => "run::plugin",
            Self::Killed => "run::killed",
            Self::TimedOut => "run::timed_out",
            Self::Cancelled => "run::cancelled",
        }
    }

    /// Whose fault it is.
    pub fn class(self) -> Class {
        match self {
            Self::Input | Self::Read => Class::Input,
            Self::Publish => Class::Output,
            Self::Limit | Self::Killed => Class::Limit,
            Self::Plugin => Class::Plugin,
            Self::TimedOut => Class::Time,
            _ => Class::Node,
        }
    }
}

/// A failed step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// The kind of failure.
    pub kind: FailureKind,
    /// The param or port that caused it; empty if none.
    pub input: String,
    /// What was expected and what was found.
    pub message: String,
    /// How to fix it.
    pub hint: Option<Hint>,
}

impl Failure {
    /// Without input or hint.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, input: String::new(), message: message.into(), hint: None }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Sets the param or port that caused it.
    #[must_use]
    pub fn at(mut self, input: impl Into<String>) -> Self {
        self.input = input.into();
        self
    }

    /// The failure at its place in the graph file.
    pub fn diagnostic(&self, node: &CheckedNode) -> Diagnostic {
        let message = format!("node `{}` ({}): {}", node.id, node.kind.id, self.message);
        let (span, label) = node.place(&self.input);
        let label = if self.input.is_empty() { "this node failed".to_owned() } else { label };
        let diagnostic = Diagnostic::error(Code::new(self.kind.code()), self.kind.class(), message)
            .label(span, label)
            .about(&node.id, &self.input);
        match &self.hint {
            Some(hint) => diagnostic.hint(hint.clone()),
            None => diagnostic,
        }
    }
}
