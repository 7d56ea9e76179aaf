//! What is said where the memory that a worker may use is too little.

use dreamwire_engine::{Failure, FailureKind, Stopped};
use dreamwire_graph::{Class, Code, Diagnostic};
use dreamwire_session::End;

/// Words of programs, and of the system, for memory that ran out.
const OUT_OF_MEMORY: [&str; 2] = ["memory allocation of", "Cannot allocate memory"];
/// What else is said under a limit: the stacks of threads and libraries need address space too.
const UNDER_A_LIMIT: [&str; 3] =
    ["failed to spawn thread", "Resource temporarily unavailable", "failed to map segment"];
/// What to do about it.
const HINT: &str =
    "allow more memory: it is counted as address space, which includes libraries and the stacks of threads";

/// Whether these are words for memory that ran out; `limited` if the address space is.
pub(crate) fn ran_out(words: &str, limited: bool) -> bool {
    let has = |known: &[&str]| known.iter().any(|known| words.contains(known));
    has(&OUT_OF_MEMORY) || (limited && has(&UNDER_A_LIMIT))
}

/// A worker that cannot begin with so many bytes.
pub(crate) fn too_little(bytes: u64) -> Diagnostic {
    limited(format!("the worker process cannot run with {} of memory", amount(bytes)))
}

/// A problem of a worker with a limit, which is the likely cause.
pub(crate) fn limited(message: String) -> Diagnostic {
    Diagnostic::error(Code::new("worker::memory"), Class::Limit, message).hint(HINT)
}

/// The same end; a step that failed in other words because memory ran out says so.
pub(crate) fn told(end: End, limit: Option<u64>) -> End {
    let (mut failures, bytes) = match (end, limit) {
        (End::Stopped(Stopped::Failed(failures)), Some(bytes)) => (failures, bytes),
        (end, _) => return end,
    };
    for failed in &mut failures {
        let Failure { kind, message, .. } = &failed.failure;
        if *kind != FailureKind::Limit && ran_out(message, true) {
            let told = format!("memory ran out: the process may use {}", amount(bytes));
            let hint = format!("{HINT}\nthe step said: {message}");
            failed.failure = Failure::new(FailureKind::Limit, told).hint(hint);
        }
    }
    End::Stopped(Stopped::Failed(failures))
}

/// "12 MiB", "1 KiB".
pub(crate) fn amount(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..0x10_0000 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_engine::StepFailure;

    use super::*;

    #[test]
    fn a_thread_that_cannot_start_is_memory_only_under_a_limit() {
        let words = r#"failed to spawn thread: Os { code: 11, kind: WouldBlock, message: "Resource temporarily unavailable" }"#;
        assert!(ran_out(words, true) && !ran_out(words, false));
        assert!(ran_out("memory allocation of 99 bytes failed", false));
        assert_eq!([900, 2048, 190 << 20].map(amount), ["900 bytes", "2 KiB", "190 MiB"]);
    }

    #[test]
    fn a_step_that_fails_for_its_memory_says_so() {
        let end = |kind, message: &str| {
            let failure = Failure::new(kind, message);
            End::Stopped(Stopped::Failed(vec![StepFailure { node: 0, failure }]))
        };
        let failure = |end| match end {
            End::Stopped(Stopped::Failed(failures)) => failures[0].failure.clone(),
            _ => panic!("it failed"),
        };
        let library = "plugin `x.so` cannot be used: failed to map segment from shared object";
        let found = failure(told(end(FailureKind::Plugin, library), Some(190 << 20)));
        assert_eq!(
            (found.kind, &found.message[..]),
            (FailureKind::Limit, "memory ran out: the process may use 190 MiB")
        );
        let hint = found.hint.unwrap().text;
        assert!(hint.starts_with("allow more memory") && hint.ends_with(library), "{hint}");
        assert_eq!(failure(told(end(FailureKind::Plugin, library), None)).kind, FailureKind::Plugin);
        assert_eq!(failure(told(end(FailureKind::Shape, "odd"), Some(1))).kind, FailureKind::Shape);
    }
}
