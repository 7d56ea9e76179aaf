//! Runs each check in its own process.

use crate::protocol::{Heard, hear};
use crate::{CHECKS, Check, Outcome, Report};
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How much of the end of a child's output is kept.
const KEPT: usize = 1 << 20;
/// How long output may still arrive after a child has ended: its own children may hold the pipe open.
const LINGER: Duration = Duration::from_secs(1);

/// The parameters of [`examine`].
pub struct Order<'a> {
    /// Makes the command that does the check of that name ([`crate::perform`]).
    pub command: &'a dyn Fn(&str) -> Command,
    /// Names of the checks to do; empty for all.
    pub only: &'a [String],
    /// The longest that one check may take.
    pub limit: Duration,
}

/// Does the checks in order, each in its own process, and reports each result.
///
/// # Errors
/// The program does not start.
pub fn examine(order: &Order<'_>, mut told: impl FnMut(&Report)) -> std::io::Result<Vec<Report>> {
    let mut reports: Vec<Report> = Vec::new();
    let wanted = |check: &&Check| order.only.is_empty() || order.only.iter().any(|name| name == check.name);
    for check in CHECKS.iter().filter(wanted) {
        let outcome = match missing(check, &reports) {
            Some(why) => Outcome::Blocked(why),
            None => perform_apart((order.command)(check.name), order.limit)?,
        };
        let report = Report { name: check.name, outcome };
        told(&report);
        reports.push(report);
    }
    Ok(reports)
}

/// Why a check is skipped: one that it depends on failed, or was skipped for that reason.
fn missing(check: &Check, reports: &[Report]) -> Option<String> {
    let failed = |name: &&&str| {
        let report = reports.iter().find(|report| report.name == **name);
        report.is_some_and(|report| matches!(report.outcome, Outcome::Failed(_) | Outcome::Blocked(_)))
    };
    check.needs.iter().find(failed).map(|name| format!("it depends on `{name}`"))
}

pub(crate) fn perform_apart(mut command: Command, limit: Duration) -> std::io::Result<Outcome> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let output = child.stdout.take().map(Tail::follow);
    let talk = child.stderr.take().map(Tail::follow);
    let ended = wait(&mut child, limit)?;
    let heard = hear(&output.map(Tail::end).unwrap_or_default());
    Ok(verdict(ended, heard, &talk.map(Tail::end).unwrap_or_default(), limit))
}

/// `None` if it had to be killed.
fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if began.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        sleep(Duration::from_millis(5));
    }
}

fn verdict(ended: Option<ExitStatus>, heard: Heard, talk: &str, limit: Duration) -> Outcome {
    let place = heard.place.map(|place| format!("{place}: ")).unwrap_or_default();
    let Some(status) = ended else {
        return Outcome::Failed(format!("{place}it did not end within {} s", limit.as_secs_f64()));
    };
    let how = how(status);
    match heard.outcome {
        Some(outcome) if status.success() => outcome,
        // The check itself succeeded; what failed comes first.
        Some(Outcome::Failed(words)) => Outcome::Failed(words),
        Some(_) => Outcome::Failed(format!("{place}after the check the process {how}")),
        None => {
            let last = talk.lines().rev().map(str::trim).find(|line| !line.is_empty());
            let last = last.map(|line| format!(" (it said: {line})")).unwrap_or_default();
            Outcome::Failed(format!("{place}the process {how} in the middle of the check{last}"))
        }
    }
}

/// How a process ended: "was ended by SIGSEGV".
fn how(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name = match signal {
            4 => "SIGILL",
            5 => "SIGTRAP",
            6 => "SIGABRT",
            8 => "SIGFPE",
            9 => "SIGKILL",
            11 => "SIGSEGV",
            7 | 10 => "SIGBUS",
            other => return format!("was ended by signal {other}"),
        };
        return format!("was ended by {name}");
    }
    match status.code() {
        Some(code) => format!("exited with code {code}"),
        None => "ended".to_owned(),
    }
}

/// The end of a pipe's output.
struct Tail {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: std::thread::JoinHandle<()>,
}

impl Tail {
    fn follow(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bytes);
        let reader = std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut chunk) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(&chunk[..count]);
                if kept.len() > 2 * KEPT {
                    let surplus = kept.len() - KEPT;
                    kept.drain(..surplus);
                }
            }
        });
        Self { bytes, reader }
    }

    fn end(self) -> String {
        let began = Instant::now();
        while !self.reader.is_finished() && began.elapsed() < LINGER {
            sleep(Duration::from_millis(1));
        }
        String::from_utf8_lossy(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn outcome(script: &str) -> Outcome {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        perform_apart(command, Duration::from_secs(1)).expect("sh starts")
    }

    fn check(script: &str, expected: &str) {
        assert_eq!(outcome(script), Outcome::Failed(expected.to_owned()), "{script}");
    }

    #[test]
    fn however_a_child_ends_there_is_an_outcome() {
        let at = "echo dreamwire-check at K";
        let ok = r#"echo 'dreamwire-check result {"outcome":"ok","words":"fine"}'"#;
        assert_eq!(outcome(ok), Outcome::Passed("fine".to_owned()));
        check(&format!("{at}; exit 0"), "K: the process exited with code 0 in the middle of the check");
        check(
            &format!("{at}; echo no more >&2; kill -SEGV $$"),
            "K: the process was ended by SIGSEGV in the middle of the check (it said: no more)",
        );
        check(&format!("{at}; exec sleep 9"), "K: it did not end within 1 s");
        check(&format!("{at}; {ok}; kill -ABRT $$"), "K: after the check the process was ended by SIGABRT");
    }

    #[test]
    fn a_check_waits_for_what_it_rests_on() {
        let report = |name: &str, outcome: Outcome| {
            let check = CHECKS.iter().find(|check| check.name == name).expect("a check");
            Report { name: check.name, outcome }
        };
        let function = CHECKS.iter().find(|check| check.name == "function").expect("a check");
        let failed = report("run", Outcome::Failed("x".to_owned()));
        assert_eq!(missing(function, &[failed]), Some("it depends on `run`".to_owned()));
        let not_done = report("run", Outcome::Blocked("it depends on `schema`".to_owned()));
        assert_eq!(missing(function, &[not_done]), Some("it depends on `run`".to_owned()));
        assert_eq!(missing(function, &[report("run", Outcome::Skipped("left out: K".to_owned()))]), None);
        assert_eq!(missing(function, &[]), None);
    }
}
