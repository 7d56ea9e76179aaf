//! Says which step was running when a plugin ends the process that it shares with the host.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

/// What is written when the process ends during a step. Made beforehand: a signal handler must not allocate.
struct Words {
    start: String,
    end: String,
}

/// The words for the step that is running, or null.
static CURRENT: AtomicPtr<Words> = AtomicPtr::new(std::ptr::null_mut());

/// The status to end the process with after a crash, and the hint to write.
static REPORT: OnceLock<(i32, String)> = OnceLock::new();

/// From now on a crash of a plugin writes which step it was, and `hint`, to standard error and ends the process with
/// `status`; so does a plugin that ends the process itself. For programs that run plugins in their own process.
pub fn report_crashes(status: i32, hint: &str) {
    if REPORT.set((status, hint.to_owned())).is_ok() {
        install();
    }
}

/// Marks a step as running until it is dropped. Steps run one after another.
pub(crate) struct Running(*mut Words);

impl Running {
    pub(crate) fn step(node: &str, kind: &str, plugin: &str) -> Self {
        let Some((_, hint)) = REPORT.get() else { return Self(std::ptr::null_mut()) };
        // Names come from a graph: what a terminal would obey is replaced.
        let clean =
            |text: &str| text.chars().map(|c| if c.is_control() { '?' } else { c }).collect::<String>();
        let (node, kind, plugin) = (clean(node), clean(kind), clean(plugin));
        let start = format!("\nerror: node `{node}` ({kind}): plugin `{plugin}` ");
        let words = Box::into_raw(Box::new(Words { start, end: format!("\nhint: {hint}\n") }));
        CURRENT.store(words, Ordering::Release);
        Self(words)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        CURRENT.store(std::ptr::null_mut(), Ordering::Release);
        if !self.0.is_null() {
            // SAFETY: made by `Box::into_raw` in `step` and freed only here. A handler that still reads it runs on a
            // thread that is about to end the process.
            drop(unsafe { Box::from_raw(self.0) });
        }
    }
}

#[cfg(unix)]
fn install() {
    // SAFETY: the handlers call only functions that are safe in signal handlers, read what was made before them, and
    // have the signatures that the system expects. A zeroed `sigaction` is valid.
    unsafe {
        libc::atexit(at_exit);
        for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT] {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_signal as *const () as libc::sighandler_t;
            // The standard library gives each of its threads a second stack, on which an overflow can be told.
            action.sa_flags = libc::SA_ONSTACK | libc::SA_RESETHAND;
            libc::sigaction(signal, &action, std::ptr::null_mut());
        }
    }
}

#[cfg(not(unix))]
fn install() {}

#[cfg(unix)]
extern "C" fn on_signal(signal: libc::c_int) {
    let what = match signal {
        libc::SIGSEGV => "crashed (SIGSEGV)",
        libc::SIGBUS => "crashed (SIGBUS)",
        libc::SIGILL => "crashed (SIGILL)",
        libc::SIGFPE => "crashed (SIGFPE)",
        _ => "crashed (SIGABRT)",
    };
    tell(what);
    // No step was running, so it is no plugin's fault: back to the default, under which the fault repeats.
    // SAFETY: `raise` may be called in a signal handler.
    unsafe { libc::raise(signal) };
}

#[cfg(unix)]
extern "C" fn at_exit() {
    tell("ended the process");
}

/// Writes what happened and ends the process, if a step is running.
#[cfg(unix)]
fn tell(what: &str) {
    let words = CURRENT.load(Ordering::Acquire);
    let Some((status, _)) = REPORT.get() else { return };
    if words.is_null() {
        return;
    }
    // SAFETY: not null, so it points to the words of the step that is running.
    let words = unsafe { &*words };
    for text in [&words.start, what, &words.end] {
        // SAFETY: `write` reads that many bytes of a text and may be called in a signal handler.
        let _ = unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
    }
    // SAFETY: `_exit` may be called in a signal handler; it runs no handlers of plugins.
    unsafe { libc::_exit(*status) }
}
