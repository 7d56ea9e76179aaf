//! How a step fails, and the exit code that follows.

use dreamwire_graph::{CheckedNode, Class, Code, Diagnostic};

/// What kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// anything without a better name
    Failed,
    /// a param or port value is unusable
    Argument,
    /// a tensor of the wrong shape
    Shape,
    /// a tensor of the wrong element type
    Dtype,
    /// a tensor on the wrong device
    Device,
    /// no gradient to be had
    NotDifferentiable,
    /// NaN or infinity
    Nonfinite,
    /// a file's content is unusable
    Input,
    /// a file could not be read
    Read,
    /// a file could not be published
    Publish,
    /// a stated limit, or memory
    Limit,
    /// the node panicked
    Panic,
    /// the plugin broke the contract, or cannot do it
    Plugin,
    /// the run was stopped
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
            Self::Cancelled => "run::cancelled",
        }
    }

    /// Whose fault it is: decides the exit code.
    pub fn class(self) -> Class {
        match self {
            Self::Input | Self::Read => Class::Input,
            Self::Publish => Class::Output,
            Self::Limit => Class::Limit,
            Self::Plugin => Class::Plugin,
            _ => Class::Node,
        }
    }
}

/// A step that did not end well.
#[derive(Clone, Debug)]
pub struct Failure {
    /// what kind of trouble
    pub kind: FailureKind,
    /// the param or port to blame; empty if none
    pub input: String,
    /// what was expected and what was found
    pub message: String,
    /// what to do about it
    pub help: Option<String>,
}

impl Failure {
    /// Without blame or help.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, input: String::new(), message: message.into(), help: None }
    }

    /// Names the param or port to blame.
    #[must_use]
    pub fn at(mut self, input: impl Into<String>) -> Self {
        self.input = input.into();
        self
    }

    /// The failure at its place in the graph file.
    pub fn diagnostic(&self, node: &CheckedNode) -> Diagnostic {
        let message = format!("node `{}` ({}): {}", node.id, node.kind.id, self.message);
        let place = node.spans.get(&self.input).copied().flatten();
        let (span, label) = match place {
            Some(span) => (span, format!("`{}` of this node", self.input)),
            None if self.input.is_empty() => (node.id_span, "this node failed".to_owned()),
            // From --set, or a default.
            None => (node.id_span, format!("`{}` of this node", self.input)),
        };
        let mut diagnostic = Diagnostic::error(Code::new(self.kind.code()), self.kind.class(), message);
        diagnostic = diagnostic.label(span, label);
        match &self.help {
            Some(help) => diagnostic.help(help.clone()),
            None => diagnostic,
        }
    }
}
