//! What was found, for people and for programs.

use dreamwire_engine::{Difference, Plan, Record};
use dreamwire_graph::{Class, Diagnostic};
use dreamwire_session::SavedPicture;
use serde_json::{Value, json};

use crate::console::{Console, clean_line};
use crate::exit::Exit;
use crate::render::hint_text;

/// Why a picture may come out otherwise.
struct Finding {
    class: Class,
    /// In JSON: what it is about, and its fields.
    value: Value,
    text: String,
}

/// The report of one picture.
pub(super) struct Report {
    name: String,
    record: Option<Record>,
    intact: Option<bool>,
    findings: Vec<Finding>,
    /// Whether it came out when it was made again.
    pub(super) same_again: Option<bool>,
}

impl Report {
    pub(super) fn new(name: String, picture: &SavedPicture) -> Self {
        let intact = picture.is_intact();
        let record = picture.record.clone();
        let mut report = Self { name, record, intact, findings: Vec::new(), same_again: None };
        if intact == Some(false) {
            let text = "the file was changed since it was saved: its pixels are others".to_owned();
            report.add(Class::Input, json!({ "what": "picture" }), text);
        }
        report
    }

    fn add(&mut self, class: Class, value: Value, text: String) {
        self.findings.push(Finding { class, value, text });
    }

    pub(super) fn add_missing_node(&mut self, node: &str) {
        let text = format!("its graph has no node `{node}`, which is to have saved it");
        self.add(Class::Graph, json!({ "what": "node", "node": node }), text);
    }

    /// Compares the record with that of now.
    pub(super) fn compare(&mut self, plan: &Plan, was: &Record, now: &Record, unreadable: &[Diagnostic]) {
        let input = |problem: &Diagnostic| {
            let subject = problem.subject.as_ref();
            subject.map_or(String::new(), |subject| format!("{}.{}", subject.node, subject.input))
        };
        let lost: Vec<String> = unreadable.iter().map(input).collect();
        for difference in was.differences(now) {
            if !matches!(&difference, Difference::File { input, now: None, .. } if is_of(input, &lost)) {
                self.add_difference(plan, difference);
            }
        }
        for (problem, input) in unreadable.iter().zip(&lost) {
            let hint = problem.hint.as_ref().map(|hint| format!("; hint: {}", hint_text(hint)));
            let text = format!("{}{}", problem.message, hint.unwrap_or_default());
            self.add(problem.class, json!({ "what": "file", "input": input, "now": null }), text);
        }
        for input in &now.unknown {
            let text = format!("the file of `{input}` is named over a link: it is not recorded");
            self.add(Class::Input, json!({ "what": "unknown_file", "input": input }), text);
        }
        for node in plan.steps.iter().map(|step| plan.node(step)).filter(|node| !node.kind.pure_) {
            let text = format!("`{}` ({}) may give another result each time", node.id, node.kind.id);
            self.add(Class::Plugin, json!({ "what": "not_pure", "node": node.id }), text);
        }
    }

    fn add_difference(&mut self, plan: &Plan, difference: Difference) {
        match difference {
            Difference::Plugin { id, was, now } => {
                let text = match (&was, &now) {
                    (Some(_), Some(_)) => format!("plugin `{id}` is another build"),
                    (_, None) => format!("plugin `{id}` made a part of it, and is not used now"),
                    (None, _) => format!("plugin `{id}` is used now, and was not then"),
                };
                let value = json!({ "what": "plugin", "plugin": id, "was": was, "now": now });
                self.add(Class::Plugin, value, text);
            }
            Difference::Mode { id, was, now } => {
                let text = format!("plugin `{id}` computed on {was}, and would on {now}");
                let value = json!({ "what": "mode", "plugin": id, "was": was, "now": now });
                self.add(Class::Plugin, value, text);
            }
            Difference::File { input, was, now } => {
                let named = named(plan, &input).map_or(String::new(), |name| format!(", `{name}`,"));
                let text = match (&was, &now) {
                    (Some(_), Some(_)) => format!("the file of `{input}`{named} has other content"),
                    (_, None) => format!("the file of `{input}` is not read now"),
                    (None, _) => format!("the file of `{input}`{named} was not read then"),
                };
                let value = json!({ "what": "file", "input": input, "was": was, "now": now });
                self.add(Class::Input, value, text);
            }
        }
    }

    /// Whether the same picture would come out, as far as that is known.
    fn verdict(&self) -> Option<bool> {
        match (self.same_again.filter(|_| self.intact != Some(false)), &self.record) {
            (Some(same), _) => Some(same),
            (None, None) => None,
            (None, Some(_)) => Some(self.findings.is_empty()),
        }
    }

    fn exit(&self) -> Exit {
        let first = self.findings.first().map(|finding| Exit::for_class(finding.class));
        match self.verdict() {
            Some(true) => Exit::OK,
            // Nothing that is known differs, but the picture does.
            Some(false) => first.unwrap_or(Exit::PLUGIN),
            None => first.unwrap_or(Exit::GRAPH),
        }
    }

    /// Shows it, and gives the exit code.
    pub(super) fn show(&self, json: bool, console: Console) -> Exit {
        let exit = self.exit();
        if json {
            let differences = self.findings.iter().map(|finding| {
                let mut value = finding.value.clone();
                value["message"] = finding.text.as_str().into();
                value
            });
            let value = json!({
                "picture": self.name,
                "same": self.verdict(),
                "intact": self.intact,
                "same_again": self.same_again,
                "record": self.record,
                "differences": differences.collect::<Vec<_>>(),
                "exit": exit.code(),
            });
            console.data(&format!("{value:#}\n"));
        } else {
            console.talk(&self.text());
        }
        exit
    }

    fn text(&self) -> String {
        let mut text = format!("{}: {}", clean_line(&self.name), self.sentence());
        for finding in &self.findings {
            text += &format!("\n  {}", clean_line(&finding.text));
        }
        let version = self.record.as_ref().map(|record| record.version.as_str());
        if let Some(was) = version.filter(|was| *was != env!("CARGO_PKG_VERSION")) {
            let (was, now) = (clean_line(was), env!("CARGO_PKG_VERSION"));
            text += &format!("\nnote: Dreamwire {was} saved it, and this is {now}; only plugins make pixels");
        }
        text
    }

    fn sentence(&self) -> &'static str {
        match (self.same_again, self.verdict(), &self.record) {
            (Some(true), Some(true), _) => "made again, it is the same picture",
            (Some(true), _, _) => "made again, it is the picture that was saved",
            (Some(false), _, _) => "made again, it is another picture",
            (None, _, None) => {
                "its graph can run here, but it does not say what it was made of (--run makes it again)"
            }
            (None, Some(true), Some(_)) => "this host would make the same picture",
            (None, _, Some(_)) => "this host may make another picture (--run makes it again)",
        }
    }
}

/// Whether an input, perhaps with a number, is one of these.
fn is_of(input: &str, inputs: &[String]) -> bool {
    let plain = input.split_once('[').map_or(input, |(plain, _)| plain);
    inputs.iter().any(|lost| lost == plain || lost == input)
}

/// The file that an input names.
fn named<'a>(plan: &'a Plan, input: &str) -> Option<&'a str> {
    let files = plan.steps.iter().flat_map(|step| step.files.iter().map(move |file| (step, file)));
    let mut files = files.filter(|(step, file)| format!("{}.{}", plan.node(step).id, file.param) == input);
    files.next().map(|(_, file)| file.path.text.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(record: bool, intact: Option<bool>, classes: &[Class], same_again: Option<bool>) -> Report {
        let finding =
            |class: &Class| Finding { class: *class, value: json!({}), text: "it differs".to_owned() };
        Report {
            name: "a.png".to_owned(),
            record: record.then(Record::default),
            intact,
            findings: classes.iter().map(finding).collect(),
            same_again,
        }
    }

    #[test]
    fn the_exit_code_is_that_of_the_first_difference_and_0_only_if_the_picture_is_the_same() {
        let (whole, changed) = (Some(true), Some(false));
        for (report, exit) in [
            (report(true, whole, &[], None), 0),
            (report(true, whole, &[Class::Plugin, Class::Input], None), 4),
            (report(true, whole, &[Class::Input], None), 5),
            (report(true, whole, &[Class::Input], Some(true)), 0),
            (report(true, whole, &[Class::Input], Some(false)), 5),
            (report(true, whole, &[], Some(false)), 4),
            (report(true, changed, &[Class::Input], Some(true)), 5),
            (report(false, None, &[], None), 3),
            (report(false, None, &[], Some(true)), 0),
            (report(false, None, &[], Some(false)), 4),
        ] {
            assert_eq!(report.exit().code(), exit, "{}", report.text());
        }
    }
}
