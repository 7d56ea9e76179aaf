//! Diagnostics as people read them (miette's drawing) and as programs do (JSON).

use std::fmt;

use dreamwire_graph::{Diagnostic, Severity, Source};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use serde_json::{Value, json};

use crate::console::clean;

/// Texts look the same everywhere; a terminal narrower than this wraps by itself.
const WIDTH: usize = 100;

/// All problems, one after another, then how many there are.
pub(crate) fn problems(source: &Source, problems: &[Diagnostic], color: bool) -> String {
    if problems.is_empty() {
        return String::new();
    }
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(WIDTH)
        .with_urls(false)
        .without_syntax_highlighting();
    let named = NamedSource::new(clean(&source.name), clean(&source.text));
    let mut text = String::new();
    for problem in problems {
        let report = Report::new(problem, &named, source.text.len());
        // Drawing into a string fails only where a place is not in the text; the words are what matters then.
        if handler.render_report(&mut text, &report).is_err() {
            text.push_str(&report.message);
            text.push('\n');
        }
        text.push('\n');
    }
    text.push_str(&count(problems));
    text
}

/// "2 errors, 1 warning".
pub(crate) fn count(problems: &[Diagnostic]) -> String {
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let several = |count: usize, name: &str| match count {
        0 => None,
        1 => Some(format!("1 {name}")),
        _ => Some(format!("{count} {name}s")),
    };
    let parts = [several(errors, "error"), several(problems.len() - errors, "warning")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// One problem for programs. Without a place there are no `line` and `column`.
pub(crate) fn json(source: &Source, problem: &Diagnostic) -> Value {
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let labels: Vec<Value> = problem
        .labels
        .iter()
        .map(|label| {
            let (line, column) = source.position(label.span.start);
            let (start, end) = (label.span.start, label.span.end);
            json!({ "line": line, "column": column, "start": start, "end": end, "text": label.text })
        })
        .collect();
    let mut value = json!({
        "code": problem.code.as_str(),
        "severity": severity,
        "exit": problem.class.exit_code(),
        "message": problem.message,
        "file": source.name,
    });
    if let Some(span) = problem.span() {
        let (line, column) = source.position(span.start);
        value["line"] = json!(line);
        value["column"] = json!(column);
    }
    value["labels"] = Value::Array(labels);
    if let Some(help) = &problem.help {
        value["help"] = json!(help);
    }
    value
}

/// A diagnostic in miette's terms.
#[derive(Debug)]
struct Report<'a> {
    problem: &'a Diagnostic,
    source: &'a NamedSource<String>,
    message: String,
    labels: Vec<LabeledSpan>,
}

impl<'a> Report<'a> {
    fn new(problem: &'a Diagnostic, source: &'a NamedSource<String>, length: usize) -> Self {
        // Nothing can be shown of an empty file, and no place outside the text.
        let shown = problem.labels.iter().filter(|label| length > 0 && label.span.end <= length);
        let labels = shown.enumerate().map(|(index, label)| {
            let text = Some(clean(&label.text)).filter(|text| !text.is_empty());
            let span = (label.span.start, label.span.end.saturating_sub(label.span.start));
            match index {
                0 => LabeledSpan::new_primary_with_span(text, span),
                _ => LabeledSpan::new_with_span(text, span),
            }
        });
        let labels: Vec<_> = labels.collect();
        let message = clean(&problem.message);
        // A place names the file; without one, the words must.
        let message =
            if labels.is_empty() { format!("{}: {message}", clean(source.name())) } else { message };
        Report { problem, source, message, labels }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        Some(Box::new(self.problem.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.problem.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        let help = self.problem.help.as_deref()?;
        Some(Box::new(clean(help)))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if self.labels.is_empty() { None } else { Some(Box::new(self.labels.iter().cloned())) }
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_graph::{Class, Code, Span};

    use super::*;

    fn example() -> (Source, Diagnostic) {
        let source = Source::new("graph.json", "{\n  \"photo\": { \"class_type\": \"LoadImag\" }\n}\n");
        let at = source.text.find("\"LoadImag\"").unwrap();
        let problem =
            Diagnostic::error(Code::new("graph::unknown_kind"), Class::Plugin, "unknown kind `LoadImag`")
                .label(Span::new(at, at + 10), "no plugin gives this")
                .help("did you mean `LoadImage`");
        (source, problem)
    }

    #[test]
    fn a_problem_shows_code_place_words_and_help() {
        let (source, problem) = example();
        let text = problems(&source, std::slice::from_ref(&problem), false);
        assert!(text.starts_with("graph::unknown_kind\n\n  × unknown kind `LoadImag`\n"), "{text}");
        assert!(text.contains("[graph.json:2:28]"), "{text}");
        assert!(text.contains("no plugin gives this"), "{text}");
        assert!(text.contains("help: did you mean `LoadImage`"), "{text}");
        assert!(text.ends_with("\n\n1 error"), "{text}");
        assert!(!text.contains('\x1b'));
        assert!(problems(&source, &[problem], true).contains('\x1b'));
    }

    #[test]
    fn a_place_outside_the_text_does_no_harm() {
        let (_, problem) = example();
        let warning = Diagnostic::warning(Code::new("graph::x"), Class::Graph, "odd");
        let text = problems(&Source::new("graph.json", ""), &[problem.clone(), problem, warning], false);
        assert!(text.contains("unknown kind") && text.ends_with("2 errors, 1 warning"), "{text}");
    }

    #[test]
    fn json_has_line_and_column() {
        let (source, problem) = example();
        let value = json(&source, &problem);
        assert_eq!((&value["line"], &value["column"]), (&json!(2), &json!(28)));
        assert_eq!(value["code"], "graph::unknown_kind");
        assert_eq!(value["help"], "did you mean `LoadImage`");
        assert_eq!(value["exit"], 4);
    }
}
