//! Diagnostics for people (rendered by miette) and for programs (JSON).

use std::fmt;

use dreamwire_graph::{Diagnostic, Hint, Label, Setting, Severity, Source, Span};
use dreamwire_session::events;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use serde_json::{Value, json};

use crate::console::{clean, clean_line};
use crate::exit::Exit;

/// Line width: fixed, so that output is the same everywhere; a narrower terminal wraps.
const WIDTH: usize = 100;
/// The longest line that is drawn. A place in a longer one is stated in text (miette cannot draw 65,536 columns).
const MAX_LINE: usize = 1000;

/// All problems, one after another, then their count.
pub(crate) fn problems(source: &Source, problems: &[Diagnostic], color: bool) -> String {
    if problems.is_empty() {
        return String::new();
    }
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(WIDTH)
        .with_urls(false)
        .without_syntax_highlighting();
    let named = NamedSource::new(clean_line(&source.name), clean(&source.text));
    let mut text = String::new();
    for problem in problems {
        let report = Report::new(problem, source, &named);
        // Rendering into a string fails only if a place is not in the text; then the message must do.
        if handler.render_report(&mut text, &report).is_err() {
            text.push_str(&report.message);
            text.push('\n');
        }
        if let Some(hint) = &problem.hint {
            text.push_str(&draw_hint(&clean(&hint_text(hint)), color));
        }
        text.push('\n');
    }
    text.push_str(&count(problems));
    text
}

/// A hint in the form of miette's footer, which has another word for it.
fn draw_hint(hint: &str, color: bool) -> String {
    let first = if color { "  \x1b[36mhint: \x1b[0m" } else { "  hint: " };
    let options = textwrap::Options::new(WIDTH).initial_indent(first).subsequent_indent("        ");
    textwrap::fill(hint, options) + "\n"
}

/// The counts by severity: "2 errors, 1 warning".
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

/// One problem for programs.
pub(crate) fn json(source: &Source, problem: &Diagnostic) -> Value {
    let mut value = json!({});
    if let Value::Object(fields) = events::diagnostic(source, problem) {
        for (name, field) in fields {
            value[&name] = field;
            if name == "severity" {
                value["exit"] = Exit::for_class(problem.class).code().into();
            }
        }
    }
    if let Some(hint) = &problem.hint {
        value["hint"] = hint_text(hint).into();
    }
    value
}

/// A hint with its setting as a flag of the command line.
pub(crate) fn hint_text(hint: &Hint) -> String {
    let flag = match hint.setting {
        None => return hint.text.clone(),
        Some(Setting::OutputFolder) => "--out DIR",
        // Paths of the command line may lie anywhere.
        Some(Setting::InputFolder) => {
            return format!(
                "{}: --in DIR; or name the file on the command line: --set NODE.INPUT=PATH",
                hint.text
            );
        }
        Some(Setting::AllowNonfinite) => "--allow-nonfinite",
        Some(Setting::Device) => "--device",
        Some(Setting::Plugins) => "--plugins",
    };
    format!("{} ({flag})", hint.text)
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
    fn new(problem: &'a Diagnostic, source: &Source, named: &'a NamedSource<String>) -> Self {
        let length = source.text.len();
        let message = clean_line(&problem.message);
        // An empty file has nothing to show, and a place outside the text cannot be shown.
        let shown: Vec<&Label> =
            problem.labels.iter().filter(|label| length > 0 && label.span.end <= length).collect();
        // A drawn place names the file; otherwise the message must.
        let (message, labels) = match shown.first() {
            None => (format!("{}: {message}", clean_line(&source.name)), Vec::new()),
            Some(first) if shown.iter().any(|label| longest_line(source, label.span) > MAX_LINE) => {
                (in_words(source, first, &message), Vec::new())
            }
            Some(_) => {
                (message, shown.iter().enumerate().map(|(index, label)| labeled(index, label)).collect())
            }
        };
        Report { problem, source: named, message, labels }
    }
}

fn labeled(index: usize, label: &Label) -> LabeledSpan {
    let text = Some(clean_line(&label.text)).filter(|text| !text.is_empty());
    let span = (label.span.start, label.span.end.saturating_sub(label.span.start));
    match index {
        0 => LabeledSpan::new_primary_with_span(text, span),
        _ => LabeledSpan::new_with_span(text, span),
    }
}

/// The longest line, in bytes, that is drawn for a place: its own lines, and one before and one after.
fn longest_line(source: &Source, span: Span) -> usize {
    let (first, _) = source.position(span.start);
    let (last, _) = source.position(span.end);
    let shown = source.text.lines().skip(first.saturating_sub(2)).take(last - first + 3);
    shown.map(str::len).max().unwrap_or(0)
}

/// States a place in a very long line, as in a minified graph, as text.
fn in_words(source: &Source, label: &Label, message: &str) -> String {
    let (line, column) = source.position(label.span.start);
    let around = |from: usize, to: usize| {
        let (mut from, mut to) = (from, to.min(source.text.len()));
        while !source.text.is_char_boundary(from) {
            from -= 1;
        }
        while !source.text.is_char_boundary(to) {
            to += 1;
        }
        source.text.get(from..to).unwrap_or("").replace('\n', " ")
    };
    let near = around(label.span.start.saturating_sub(30), label.span.start + 40);
    format!("{}:{line}:{column}: {message}, near `{}`", clean_line(&source.name), clean(&near))
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

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if self.labels.is_empty() { None } else { Some(Box::new(self.labels.iter().cloned())) }
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_graph::{Class, Code};

    use super::*;

    fn example() -> (Source, Diagnostic) {
        let source = Source::new("graph.json", "{\n  \"photo\": { \"class_type\": \"LoadImag\" }\n}\n");
        let at = source.text.find("\"LoadImag\"").unwrap();
        let problem =
            Diagnostic::error(Code::new("graph::unknown_kind"), Class::Plugin, "unknown kind `LoadImag`")
                .label(Span::new(at, at + 10), "no plugin gives this")
                .hint("did you mean `LoadImage`");
        (source, problem)
    }

    #[test]
    fn settings_are_flags_of_the_command_line() {
        let hint = Hint::with("add the folder of the file, `/etc`, as an input folder", Setting::InputFolder);
        let expected = "add the folder of the file, `/etc`, as an input folder: --in DIR; or name the file on the command \
                        line: --set NODE.INPUT=PATH";
        assert_eq!(hint_text(&hint), expected);
        assert_eq!(hint_text(&Hint::with("use another", Setting::OutputFolder)), "use another (--out DIR)");
    }

    #[test]
    fn a_problem_shows_code_place_words_and_hint() {
        let (source, problem) = example();
        let text = problems(&source, std::slice::from_ref(&problem), false);
        assert!(text.starts_with("graph::unknown_kind\n\n  × unknown kind `LoadImag`\n"), "{text}");
        assert!(text.contains("[graph.json:2:28]"), "{text}");
        assert!(text.contains("no plugin gives this"), "{text}");
        assert!(text.contains("hint: did you mean `LoadImage`"), "{text}");
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
    fn a_place_in_a_very_long_line_is_told_in_words() {
        let (source, mut problem) = example();
        let long = source.text.replace('\n', &" ".repeat(100_000));
        let at = long.find("\"LoadImag\"").unwrap();
        problem.labels[0].span = Span::new(at, at + 10);
        let text = problems(&Source::new("graph.json", long), &[problem], false).replace("\n  │", "");
        assert!(text.contains(&format!("graph.json:1:{}: unknown kind", at + 1)), "{text}");
        assert!(text.contains("near `"), "{text}");
        assert!(text.len() < 1000, "{}", text.len());
    }

    #[test]
    fn json_has_the_exit_code_and_the_flag() {
        let (source, problem) = example();
        let problem = problem.hint(Hint::with("choose another output folder", Setting::OutputFolder));
        let value = json(&source, &problem);
        assert_eq!((value["exit"].as_u64(), value["line"].as_u64()), (Some(4), Some(2)));
        assert_eq!(value["hint"], "choose another output folder (--out DIR)");
        let text = problems(&source, &[problem], false);
        assert!(text.contains("\n  hint: choose another output folder (--out DIR)\n"), "{text}");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_comes_from_a_message() {
        let (source, mut problem) = example();
        problem.message = "a\nerror: b\r\u{9b}31m\u{202e}c\x1b[2J".to_owned();
        let text = problems(&source, &[problem], false);
        assert!(text.contains("× a error: b???31m"), "{text}");
        assert!(!text.contains(['\r', '\u{9b}', '\u{202e}', '\x1b']), "{text:?}");
    }
}
