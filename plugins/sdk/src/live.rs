//! The calls in progress on this thread.
//!
//! A foreign function used as a candle op runs inside candle's `backward`, which knows nothing of calls; it takes the
//! innermost live call from here. The stack is per thread, and every entry is removed before its call ends.

use crate::{Call, Error};
use std::cell::RefCell;

thread_local! {
    // Const-initialised without Drop: nothing is registered with the thread, so a retired library leaves no
    // destructor to run after it.
    static CALLS: RefCell<[*const Call; DEPTH]> = const { RefCell::new([std::ptr::null(); DEPTH]) };
    static LEVEL: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    static ERROR: RefCell<Option<std::mem::ManuallyDrop<Box<Error>>>> = const { RefCell::new(None) };
}

/// Calls may nest this deep: a node calls a function that calls a function...
const DEPTH: usize = 64;

struct Pop;

impl Drop for Pop {
    fn drop(&mut self) {
        LEVEL.set(LEVEL.get() - 1);
    }
}

/// Runs `body` with `call` as the innermost live call of this thread.
pub(crate) fn with<T>(call: &Call, body: impl FnOnce() -> T) -> T {
    let level = LEVEL.get();
    assert!(level < DEPTH, "functions are nested deeper than {DEPTH}");
    CALLS.with_borrow_mut(|calls| calls[level] = call);
    LEVEL.set(level + 1);
    let _pop = Pop;
    body()
}

/// Passes the innermost live call to `body`; an error if none is live.
pub(crate) fn current<T>(body: impl FnOnce(&Call) -> Result<T, Error>) -> Result<T, Error> {
    let level = LEVEL.get();
    if level == 0 {
        return Err(Error::failed("a function was used outside a call of the host"));
    }
    let call = CALLS.with_borrow(|calls| calls[level - 1]);
    // SAFETY: `with` put it there and is still on this thread's stack below, so the `Call` it borrows is
    // alive.
    body(unsafe { &*call })
}

pub(crate) fn set_error(error: Error) {
    drop(take_error());
    ERROR.with_borrow_mut(|slot| *slot = Some(std::mem::ManuallyDrop::new(Box::new(error))));
}

pub(crate) fn take_error() -> Option<Error> {
    ERROR.with_borrow_mut(Option::take).map(|held| *std::mem::ManuallyDrop::into_inner(held))
}
