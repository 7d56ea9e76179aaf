use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Deserializer, Serialize};

use crate::hint::Hint;
use crate::source::Span;

/// How many problems are reported at once.
pub const MAX_PROBLEMS: usize = 50;

/// Stable name of a kind of problem, such as `graph::unknown_kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Code(&'static str);

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
        let text = String::deserialize(deserializer)?;
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = known.get(text.as_str()) {
            return Ok(Code(code));
        }
        // Each name is kept once, and there are not many.
        let code: &'static str = Box::leak(text.into_boxed_str());
        known.insert(code);
        Ok(Code(code))
    }
}

impl Code {
    /// A code; the part before `::` says which phase found the problem.
    pub const fn new(code: &'static str) -> Self {
        Code(code)
    }

    /// The code as text.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Whether a problem stops the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Severity {
    /// The graph cannot be run.
    Error,
    /// The graph can be run, but perhaps not as intended.
    Warning,
}

/// The cause of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Class {
    /// The graph file.
    Graph,
    /// A plugin that is missing or broken.
    Plugin,
    /// An input file or weights.
    Input,
    /// Where results go.
    Output,
    /// A node that failed while it ran.
    Node,
    /// A limit was passed.
    Limit,
    /// A step took longer than it may.
    Time,
}

/// The node and the input that a problem is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Id of the node.
    pub node: String,
    /// Name of the input; empty where the problem is about the node as a whole.
    pub input: String,
}

/// A place in the source with a remark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// The remark; may be empty.
    pub text: String,
}

/// One problem: what, where, and a hint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Stable name of this kind of problem.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// The cause.
    pub class: Class,
    /// What is wrong: lower case, no full stop, names in backticks.
    pub message: String,
    /// Places; the first is the primary one.
    pub labels: Vec<Label>,
    /// A hint: how to fix it.
    pub hint: Option<Hint>,
    /// What it is about; `None` for a problem of the file as a whole.
    pub subject: Option<Box<Subject>>,
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(code: Code, class: Class, message: impl Into<String>) -> Self {
        Self::with(code, Severity::Error, class, message.into())
    }

    /// A warning without a place yet.
    pub fn warning(code: Code, class: Class, message: impl Into<String>) -> Self {
        Self::with(code, Severity::Warning, class, message.into())
    }

    fn with(code: Code, severity: Severity, class: Class, message: String) -> Self {
        Diagnostic {
            code,
            severity,
            class,
            message: shortened(message),
            labels: Vec::new(),
            hint: None,
            subject: None,
        }
    }

    /// Adds a place; the first one added is the primary one.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: shortened(text.into()) });
        self
    }

    /// Sets the hint; an empty text is no hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Hint>) -> Self {
        let hint = hint.into();
        let hint = Hint { text: shortened(hint.text), ..hint };
        self.hint = if hint.text.is_empty() { None } else { Some(hint) };
        self
    }

    /// Sets the node that it is about, and the input (empty: none in particular).
    #[must_use]
    pub fn about(mut self, node: impl Into<String>, input: impl Into<String>) -> Self {
        self.subject = Some(Box::new(Subject { node: node.into(), input: input.into() }));
        self
    }

    /// Whether this stops the run.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The primary place.
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }
}

/// A name in a graph may have megabytes; nobody reads more of it than this.
fn shortened(text: String) -> String {
    const HEAD: usize = 3000;
    const TAIL: usize = 500;
    if text.len() <= HEAD + TAIL {
        return text;
    }
    let (mut head, mut tail) = (HEAD, text.len() - TAIL);
    while !text.is_char_boundary(head) {
        head -= 1;
    }
    while !text.is_char_boundary(tail) {
        tail += 1;
    }
    format!("{} ... {}", &text[..head], &text[tail..])
}

/// Sorts by place and keeps at most [`MAX_PROBLEMS`]; a last entry counts the rest.
pub fn sort(problems: &mut Vec<Diagnostic>) {
    let place = |problem: &Diagnostic| problem.span().unwrap_or_default();
    problems.sort_by_key(place);
    if problems.len() <= MAX_PROBLEMS {
        return;
    }
    // Warnings must not crowd out the error that stops the run.
    problems.sort_by_key(|problem| !problem.is_error());
    let dropped = problems.split_off(MAX_PROBLEMS);
    problems.sort_by_key(place);
    let code = Code::new("graph::more");
    let text = match dropped.len() {
        1 => "1 more problem is not shown".to_owned(),
        count => format!("{count} more problems are not shown"),
    };
    // The last entry stands for those it hides, so that an error among them still counts.
    problems.push(match dropped.iter().find(|problem| problem.is_error()) {
        Some(error) => Diagnostic::error(code, error.class, text),
        None => Diagnostic::warning(code, Class::Graph, text),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(at: usize) -> Diagnostic {
        let code = Code::new("graph::unused_node");
        Diagnostic::warning(code, Class::Graph, at.to_string()).label(Span::new(at, at + 1), "")
    }

    #[test]
    fn a_long_text_is_cut_in_its_middle() {
        let long =
            Diagnostic::error(Code::new("graph::x"), Class::Graph, format!("a{}z", "ü".repeat(1 << 20)));
        assert!(long.message.len() < 4000 && long.message.starts_with("aü") && long.message.ends_with("üz"));
        let short = Diagnostic::error(Code::new("graph::x"), Class::Graph, "ü".repeat(1000));
        assert_eq!(short.message.len(), 2000);
    }

    /// Faults: A21.
    #[test]
    fn sorted_by_place() {
        let mut problems = vec![problem(9), problem(3), problem(5)];
        sort(&mut problems);
        let order: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(order, ["3", "5", "9"]);
    }

    /// Faults: A21.
    #[test]
    fn at_most_fifty_and_an_error_is_never_hidden() {
        let mut problems: Vec<_> = (0..60).map(problem).collect();
        problems
            .push(Diagnostic::error(Code::new("graph::x"), Class::Plugin, "x").label(Span::new(99, 100), ""));
        sort(&mut problems);
        assert_eq!(problems.len(), MAX_PROBLEMS + 1);
        assert!(problems[MAX_PROBLEMS - 1].is_error(), "the error is among those that are shown");
        let last = &problems[MAX_PROBLEMS];
        assert_eq!(last.message, "11 more problems are not shown");
        assert!(!last.is_error());

        let error = |at: usize| {
            Diagnostic::error(Code::new("graph::x"), Class::Plugin, "x").label(Span::new(at, at + 1), "")
        };
        let mut problems: Vec<_> = (0..52).map(error).collect();
        sort(&mut problems);
        assert!(problems[MAX_PROBLEMS].is_error());
        assert_eq!(problems[MAX_PROBLEMS].class, Class::Plugin);
    }
}
