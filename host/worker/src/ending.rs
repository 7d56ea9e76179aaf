//! How a worker ended, in words.

use std::process::ExitStatus;

use dreamwire_engine::{Failure, FailureKind};

use crate::memory;

/// The failure of a step during which the worker ended. `words` are the last lines that it wrote, `limited` tells whether
/// its address space was.
pub(crate) fn of_step(plugin: &str, status: Option<ExitStatus>, words: &[String], limited: bool) -> Failure {
    let ending = Ending::of(status, words, limited);
    let failure = Failure::new(ending.kind, format!("plugin `{plugin}` {}", ending.what));
    let mut hints = Vec::new();
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|line| !is_backtrace(line)).collect();
    if !words.is_empty() {
        hints.push(format!("it wrote: {}", words.join(" | ")));
    }
    match ending.kind {
        FailureKind::Limit | FailureKind::Killed => {
            hints.push("use smaller pictures or tiles, or allow more memory".to_owned())
        }
        _ => hints.push("this is a fault of the plugin: `dreamwire plugin check` may find it".to_owned()),
    }
    failure.hint(hints.join("\n"))
}

/// The message for a worker that ended while no step was running, and whether memory ran out.
pub(crate) fn of_worker(status: Option<ExitStatus>, words: &[String], limited: bool) -> (String, bool) {
    let ending = Ending::of(status, words, limited);
    let last = if words.is_empty() { String::new() } else { format!("; it wrote: {}", words.join(" | ")) };
    let message = format!("the worker process {} outside a step{last}", ending.what);
    (message, ending.kind == FailureKind::Limit)
}

/// A line of a Rust backtrace says nothing to users.
fn is_backtrace(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("stack backtrace")
        || line.starts_with("note: ")
        || line.starts_with("at ")
        || line.split_once(": ").is_some_and(|(number, _)| number.parse::<u32>().is_ok())
}

struct Ending {
    kind: FailureKind,
    what: String,
}

impl Ending {
    fn of(status: Option<ExitStatus>, words: &[String], limited: bool) -> Self {
        let crashed = |what: String| Ending { kind: FailureKind::Plugin, what };
        if words.iter().any(|line| memory::ran_out(line, limited)) {
            return Ending { kind: FailureKind::Limit, what: "ran out of memory".to_owned() };
        }
        let Some(status) = status else { return crashed("ended its process".to_owned()) };
        match signal(status) {
            Some((_, "SIGKILL")) => {
                let what = "was killed (SIGKILL), perhaps because memory ran out".to_owned();
                Ending { kind: FailureKind::Killed, what }
            }
            Some((number, "")) => crashed(format!("crashed (signal {number})")),
            Some((_, name)) => crashed(format!("crashed ({name})")),
            None => {
                let code = status.code().map_or(String::new(), |code| format!(" with exit code {code}"));
                crashed(format!("ended its process{code}"))
            }
        }
    }
}

/// The signal that ended a process, with its name.
#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<(i32, &'static str)> {
    let number = std::os::unix::process::ExitStatusExt::signal(&status)?;
    Some((number, signal_hook::low_level::signal_name(number).unwrap_or("")))
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<(i32, &'static str)> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn check(raw: i32, words: &[&str], kind: FailureKind, what: &str) {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let failure = of_step("org.x", Some(ExitStatus::from_raw(raw)), &words, false);
        assert_eq!((failure.kind, &failure.message[..]), (kind, what));
        let hint = failure.hint.unwrap().text;
        assert!(words.iter().all(|word| hint.contains(word)), "{hint}");
    }

    #[test]
    fn each_ending_has_its_words() {
        check(11, &[], FailureKind::Plugin, "plugin `org.x` crashed (SIGSEGV)");
        check(6, &["double free"], FailureKind::Plugin, "plugin `org.x` crashed (SIGABRT)");
        check(0, &[], FailureKind::Plugin, "plugin `org.x` ended its process with exit code 0");
        check(3 << 8, &[], FailureKind::Plugin, "plugin `org.x` ended its process with exit code 3");
        check(
            6,
            &["memory allocation of 99 bytes failed"],
            FailureKind::Limit,
            "plugin `org.x` ran out of memory",
        );
        let killed = "plugin `org.x` was killed (SIGKILL), perhaps because memory ran out";
        check(9, &[], FailureKind::Killed, killed);
    }
}
