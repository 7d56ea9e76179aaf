//! Signals that stop a run: Ctrl-C, SIGTERM and SIGHUP.

use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use crate::exit::Exit;

/// How long a run may take to stop after the first signal.
const GRACE: Duration = Duration::from_secs(2);

/// The first signal that came.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// The exit code of a run that a signal stopped: 128 and its number.
pub(crate) fn exit() -> Exit {
    Exit::signal(SIGNAL.load(Ordering::Relaxed))
}

/// Calls `first` on the first signal. A second one ends the program at once, and so does the end of two seconds: a step
/// that does not stop cannot be stopped otherwise. Published files are complete at any time.
#[cfg(unix)]
pub(crate) fn on_signal(first: impl FnOnce() + Send + 'static) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    // Without a handler the system ends the program.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return };
    std::thread::spawn(move || {
        let mut first = Some(first);
        for signal in signals.forever() {
            let Some(first) = first.take() else { leave(signal) };
            SIGNAL.store(signal, Ordering::Relaxed);
            first();
            std::thread::spawn(move || {
                std::thread::sleep(GRACE);
                leave(signal);
            });
        }
    });
}

/// Ends the program without exit handlers of plugins, whose threads may still run.
#[cfg(unix)]
fn leave(signal: i32) -> ! {
    signal_hook::low_level::exit(i32::from(Exit::signal(signal).code()))
}

#[cfg(not(unix))]
pub(crate) fn on_signal(first: impl FnOnce() + Send + 'static) {
    // The number of SIGINT, so that exit codes are the same everywhere.
    const INTERRUPT: i32 = 2;
    let mut first = Some(first);
    let _ = ctrlc::set_handler(move || match first.take() {
        Some(first) => {
            SIGNAL.store(INTERRUPT, Ordering::Relaxed);
            first();
            std::thread::spawn(|| {
                std::thread::sleep(GRACE);
                std::process::exit(i32::from(exit().code()));
            });
        }
        None => std::process::exit(i32::from(exit().code())),
    });
}
