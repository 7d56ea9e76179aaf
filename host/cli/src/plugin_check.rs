use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::Parser;
use dreamwire_check::{
    CHECKS, Order, Outcome, Report, Settings, at_line, examine, misspelt, perform, result_line,
};
use serde_json::{Value, json};

use crate::args::{Color, Global, PluginCheckArgs, PluginCheckOneArgs, cores};
use crate::console::{Console, clean};
use crate::exit::Exit;
use crate::open;

/// `dreamwire plugin check`.
pub(crate) fn check(args: &PluginCheckArgs, global: &Global, console: Console) -> Exit {
    if args.list {
        console.data(&list());
        return Exit::OK;
    }
    if let Err(what) = understood(args) {
        console.talk(&format!("error: {what}"));
        return Exit::USAGE;
    }
    let libraries = match libraries(&args.what, global, console) {
        Ok(libraries) => libraries,
        Err(exit) => return exit,
    };
    match wrong_setting(&libraries, args) {
        Ok(None) => {}
        Ok(Some(what)) => {
            console.talk(&format!("error: --set: {what}"));
            return Exit::USAGE;
        }
        Err(error) => {
            console.talk(&format!("error: this program cannot start itself: {error}"));
            return Exit::BUG;
        }
    }
    let mut done = Vec::new();
    for library in libraries {
        if !args.json {
            console.data(&clean(&format!("{}\n", library.display())));
        }
        match one(&library, args, console) {
            Ok(reports) => done.push((library, reports)),
            Err(error) => {
                console.talk(&format!("error: this program cannot start itself: {error}"));
                return Exit::BUG;
            }
        }
    }
    if args.json {
        let all: Vec<Value> = done.iter().map(|(library, reports)| as_json(library, reports)).collect();
        console.data(&format!("{:#}\n", Value::Array(all)));
    }
    let failed = done.iter().flat_map(|(_, reports)| reports).any(has_failed);
    if failed { Exit::PLUGIN } else { Exit::OK }
}

/// The first argument of the internal command line.
const CHECK_ONE: &str = "--internal-check-one";

/// Does one check in this process, which a bad plugin may end at any time. `None` if the command line is not the
/// internal one.
pub(crate) fn check_one() -> Option<Exit> {
    let mut words = std::env::args_os();
    let program = words.next()?;
    let asked = words.next()? == CHECK_ONE;
    asked.then(|| do_one(&PluginCheckOneArgs::parse_from(std::iter::once(program).chain(words))))
}

fn do_one(args: &PluginCheckOneArgs) -> Exit {
    let console = Console::new(Color::Never, 0);
    let settings = match Settings::parse(&args.set) {
        Ok(settings) => settings,
        Err(what) => {
            console.talk(&format!("error: --set: {what}"));
            return Exit::USAGE;
        }
    };
    match perform(&args.name, &args.file, &settings, &|place| console.data(&at_line(place))) {
        Some(outcome) => {
            console.data(&result_line(&outcome));
            Exit::OK
        }
        None => {
            console.talk(&format!("error: {}", unknown(&args.name)));
            Exit::USAGE
        }
    }
}

fn list() -> String {
    let width = CHECKS.iter().map(|check| check.name.len()).max().unwrap_or(0);
    CHECKS.iter().map(|check| format!("{:width$}  {}\n", check.name, check.what)).collect()
}

fn unknown(name: &str) -> String {
    let names: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
    format!("there is no check `{name}`\n\nhint: the checks are {}", names.join(", "))
}

/// Validates the names of checks and the settings.
fn understood(args: &PluginCheckArgs) -> Result<(), String> {
    if let Some(name) = args.only.iter().find(|name| CHECKS.iter().all(|check| check.name != *name)) {
        return Err(unknown(name));
    }
    Settings::parse(&args.set).map(drop).map_err(|what| format!("--set: {what}"))
}

/// The libraries to check. Files are not opened here; ids are looked up among the plugins that were found.
fn libraries(what: &[PathBuf], global: &Global, console: Console) -> Result<Vec<PathBuf>, Exit> {
    let (mut libraries, mut found) = (Vec::new(), None);
    for name in what {
        if name.is_file() {
            libraries.push(name.canonicalize().unwrap_or_else(|_| name.clone()));
            continue;
        }
        if found.is_none() {
            found = Some(open::session(global, cores(), console)?.loader.plugins());
        }
        let plugins = found.as_deref().unwrap_or_default();
        let is_meant = |id: &str| name == Path::new("all") || name == Path::new(id);
        let before = libraries.len();
        libraries
            .extend(plugins.iter().filter(|plugin| is_meant(&plugin.id)).map(|plugin| plugin.path.clone()));
        if libraries.len() == before {
            let name = name.display();
            console.talk(&format!(
                "error: there is no plugin `{name}`\n\nhint: name a library, the id of a plugin that \
                 `dreamwire plugin list` shows, or `all`"
            ));
            return Err(Exit::PLUGIN);
        }
    }
    Ok(libraries)
}

/// The message about a setting whose kind or param none of these libraries has.
fn wrong_setting(libraries: &[PathBuf], args: &PluginCheckArgs) -> std::io::Result<Option<String>> {
    let Ok(settings) = Settings::parse(&args.set) else { return Ok(None) };
    let program = std::env::current_exe()?;
    let commands = libraries.iter().map(|library| |name: &str| child(&program, name, library, args));
    misspelt(&settings, commands, Duration::from_secs(args.timeout))
}

/// The command that does one check in a child process.
fn child(program: &Path, name: &str, library: &Path, args: &PluginCheckArgs) -> Command {
    let mut command = Command::new(program);
    command.args([CHECK_ONE, name]).arg(library);
    for set in &args.set {
        command.arg("--set").arg(set);
    }
    command
}

fn one(library: &Path, args: &PluginCheckArgs, console: Console) -> std::io::Result<Vec<Report>> {
    let program = std::env::current_exe()?;
    let command = |name: &str| child(&program, name, library, args);
    let order = Order { command: &command, only: &args.only, limit: Duration::from_secs(args.timeout) };
    let reports = examine(&order, |report| {
        if !args.json {
            console.data(&as_text(report));
        }
    })?;
    if !args.json {
        console.data(&summary(&reports));
    }
    Ok(reports)
}

fn has_failed(report: &Report) -> bool {
    matches!(report.outcome, Outcome::Failed(_))
}

/// A line of the report: "ok    run         5 kinds".
fn as_text(report: &Report) -> String {
    let word = if has_failed(report) { "FAIL" } else { report.outcome.name() };
    let words = clean(report.outcome.words()).replace(['\n', '\r'], " ");
    format!("{word:4}  {:10}  {words}\n", report.name)
}

/// The last line: "11 checks: 10 ok, 1 failed, 0 skipped".
fn summary(reports: &[Report]) -> String {
    let count = |name: &str| reports.iter().filter(|report| report.outcome.name() == name).count();
    let plural = if reports.len() == 1 { "" } else { "s" };
    let (ok, failed, skipped) = (count("ok"), count("fail"), count("skip"));
    format!("{} check{plural}: {ok} ok, {failed} failed, {skipped} skipped\n", reports.len())
}

fn as_json(library: &Path, reports: &[Report]) -> Value {
    let check = |report: &Report| {
        json!({
            "name": report.name,
            "outcome": report.outcome.name(),
            "words": report.outcome.words(),
        })
    };
    json!({
        "path": library.display().to_string(),
        "failed": reports.iter().filter(|report| has_failed(report)).count(),
        "checks": reports.iter().map(check).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_lines() {
        let report = |outcome| Report { name: "run", outcome };
        let failed = report(Outcome::Failed("a\nb\x1b".to_owned()));
        assert_eq!(as_text(&failed), "FAIL  run         a b?\n");
        let passed = report(Outcome::Passed("1 kind".to_owned()));
        assert_eq!(as_text(&passed), "ok    run         1 kind\n");
        assert_eq!(summary(&[passed.clone(), failed.clone()]), "2 checks: 1 ok, 1 failed, 0 skipped\n");
        let json = as_json(Path::new("a.so"), &[passed, failed]);
        assert_eq!(json["failed"], 1);
        assert_eq!(json["checks"][1]["outcome"], "fail");
    }
}
