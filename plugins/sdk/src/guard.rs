//! The one place where panics are caught and errors become statuses.

use crate::{Call, Error, Result, live, pool};
use dreamwire_abi as abi;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, Once, PoisonError};

/// Where the last panic of a thread happened; the payload does not say.
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

/// Runs the body of an exported function: on the plugin's pool, with the call live, panics caught.
///
/// # Safety
/// `call` points to a live `dw_call` that stays alive until this returns.
pub(crate) unsafe fn guard(
    call: *const abi::Call,
    body: impl FnOnce(&Call) -> Result<()> + Send,
) -> abi::Status {
    // SAFETY: the caller's promise.
    let call = match unsafe { Call::from_raw(call) } {
        Ok(call) => call,
        Err(error) => {
            // SAFETY: the caller's promise.
            unsafe { Call::fail_raw(call, &error) };
            return error.status;
        }
    };
    let outcome = pool::install(call.max_threads(), || {
        match catch_unwind(AssertUnwindSafe(|| live::with(&call, || body(&call)))) {
            Ok(result) => result,
            Err(payload) => Err(panicked(payload)),
        }
    });
    match outcome {
        Ok(()) => abi::OK,
        Err(error) => {
            if !error.reported {
                call.fail(&error);
            }
            error.status
        }
    }
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
    let error = Error {
        status: abi::E_PANIC,
        input: String::new(),
        message: format!("panicked{place}: {text}"),
        reported: false,
    };
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
