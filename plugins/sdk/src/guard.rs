//! The only place where panics are caught and errors become statuses.

use crate::{Call, Error, Result, live, pool};
use dreamwire_abi as abi;
use dreamwire_socket::CallRef;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, Once, PoisonError};

/// Where the last panic of a thread happened; the payload does not contain it.
static PLACE: Mutex<Option<(std::thread::ThreadId, String)>> = Mutex::new(None);

/// Makes panics silent: their text goes to the host through `guard`, not to stderr.
pub(crate) fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map(|l| format!("{}:{}", l.file(), l.line())).unwrap_or_default();
            *PLACE.lock().unwrap_or_else(PoisonError::into_inner) =
                Some((std::thread::current().id(), place));
        }));
    });
}

/// Runs the body of an exported function: on the plugin's pool, with the call live, panics caught. The error is
/// the status that the caller gets; the host has been told why.
pub(crate) fn guard<T: Send>(
    call: CallRef<'_>,
    body: impl FnOnce(&Call) -> Result<T> + Send,
) -> std::result::Result<T, abi::Status> {
    let told = |error: Error| {
        if !error.reported {
            call.fail(&error.said);
        }
        error.said.status
    };
    // SAFETY: whoever called this keeps the call alive until it returns; the value does not leave this function.
    let live = unsafe { Call::new(call) }.map_err(told)?;
    pool::install(live.max_threads(), || caught(|| live::with(&live, || body(&live)))).map_err(told)
}

/// Runs code of a plugin's author; a panic becomes an error with its place.
pub(crate) fn caught<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| Err(panicked(payload)))
}

/// The result as the caller gets it.
pub(crate) fn status(result: std::result::Result<(), abi::Status>) -> abi::Status {
    result.err().unwrap_or(abi::OK)
}

fn panicked(payload: Box<dyn std::any::Any + Send>) -> Error {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("a value that is not text");
    let place = PLACE
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take()
        .filter(|(thread, _)| *thread == std::thread::current().id())
        .map(|(_, place)| format!(" at {place}"))
        .unwrap_or_default();
    let error = Error::new(abi::E_PANIC, "", format!("panicked{place}: {text}"));
    // A payload whose Drop panics would escape.
    std::mem::forget(payload);
    error
}

/// A raw pointer that may be used on the pool's thread while the caller waits.
pub(crate) struct Sendable<T>(pub(crate) T);

// SAFETY: guard blocks until the body is done, so the pointee outlives the use and is used by one thread at a time.
unsafe impl<T> Send for Sendable<T> {}

impl<T: Copy> Sendable<T> {
    /// A method, so that a closure captures the wrapper and not its field.
    pub(crate) fn get(&self) -> T {
        self.0
    }
}
