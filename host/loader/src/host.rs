//! The host, as plugins see it outside calls.

use dreamwire_abi as abi;
use dreamwire_engine::Level;
use std::ffi::{c_char, c_void};
use std::sync::{Mutex, PoisonError};

static TABLE: abi::Host = abi::Host {
    size: size_of::<abi::Host>() as u32,
    abi_major: abi::ABI_MAJOR,
    abi_minor: abi::ABI_MINOR,
    reserved: 0,
    name: abi::Str::new("dreamwire"),
    version: abi::Str::new(env!("CARGO_PKG_VERSION")),
    data: std::ptr::null_mut(),
    log: Some(log),
    retain: Some(retain),
    get_extension: Some(get_extension),
};

static LOG: Mutex<Vec<(Level, String)>> = Mutex::new(Vec::new());
const MAX_LOG: usize = 1000;

/// The table that `init` gets.
pub fn host_table() -> &'static abi::Host {
    &TABLE
}

/// What plugins logged outside calls since the last time, at most 1000 lines; later ones are dropped.
pub fn take_log() -> Vec<(Level, String)> {
    std::mem::take(&mut LOG.lock().unwrap_or_else(PoisonError::into_inner))
}

pub(crate) fn level(level: i32) -> Level {
    match level {
        i32::MIN..=1 => Level::Error,
        2 => Level::Warn,
        3 => Level::Info,
        4 => Level::Debug,
        5..=i32::MAX => Level::Trace,
    }
}

unsafe extern "C" fn log(_: *const abi::Host, at: i32, message: abi::Str) {
    // SAFETY: text borrowed for the call.
    let message =
        unsafe { message.bytes() }.map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default();
    note(level(at), message);
}

/// Keeps a line until the log is taken.
pub(crate) fn note(level: Level, message: String) {
    let mut lines = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    if lines.len() < MAX_LOG {
        lines.push((level, message));
    }
}

unsafe extern "C" fn retain(
    _: *const abi::Host,
    input: *const abi::Value,
    output: *mut abi::Value,
) -> abi::Status {
    // SAFETY: an input that this host lent to the plugin, alive for the call, and a valid out parameter.
    unsafe {
        if input.is_null() || output.is_null() {
            return abi::E_ARG;
        }
        crate::value::retain(&*input, output)
    }
}

unsafe extern "C" fn get_extension(_: *const abi::Host, _: *const c_char) -> *const c_void {
    std::ptr::null()
}
