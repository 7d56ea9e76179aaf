//! The context of one call.

use crate::{DLDevice, Owned, Status, Str, View};
use core::ffi::{c_char, c_void};

/// Looks up an optional ability by its NUL-terminated id (`"dw.provenance/1"`); null means unsupported.
pub type Extension<T> = Option<unsafe extern "C" fn(T, id: *const c_char) -> *const c_void>;

/// The extension of a call: the text of the graph that is running, a [`Str`], for the metadata of what is made.
pub const PROVENANCE: &core::ffi::CStr = c"dw.provenance/1";

/// The extension of a call of a [`crate::KIND_OUTPUT`] that gets some rows of a batch: [`Rows`].
pub const ROWS: &core::ffi::CStr = c"dw.rows/1";

/// The rows that a call is about; alive until the call returns.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The writer's `size_of`.
    pub size: u32,
    /// 0.
    pub reserved: u32,
    /// The index in the whole batch of the first row that this call has.
    pub first: u64,
}

/// The extension of a call that begins to read a file: a [`Head`].
pub const HEAD: &core::ffi::CStr = c"dw.head/1";

/// What [`HEAD`] offers. Lives as long as the call.
#[repr(C)]
pub struct Head {
    /// The writer's `size_of`.
    pub size: u32,
    /// 0.
    pub reserved: u32,
    /// (any thread) As [`Call::read`], but only the beginning of the file: `u8[n]`, at most `most` bytes and 64 KiB;
    /// `length` gets the size of the whole file. The rest of a large file is not read.
    pub head: Option<
        unsafe extern "C" fn(
            *const Call,
            path: Str,
            most: u64,
            bytes: *mut Owned,
            length: *mut u64,
        ) -> Status,
    >,
}

/// Why a call fails. All texts are copied at once.
#[repr(C)]
pub struct Failure {
    /// The writer's `size_of`.
    pub size: u32,
    /// The status that the call is about to return.
    pub status: Status,
    /// The port or param that is wrong; empty if none.
    pub input: Str,
    /// What was expected and what was found: lower case, no full stop.
    pub message: Str,
    /// What to do about it; empty if nothing.
    pub hint: Str,
}

/// One call: owned by the host, valid for the call, passed on unchanged by nested calls.
#[repr(C)]
pub struct Call {
    /// The writer's `size_of`.
    pub size: u32,
    /// 0.
    pub flags: u32,
    /// The host's own.
    pub host: *mut c_void,
    /// (any thread) [`crate::CANCELLED`] = return soon; nested calls poll with `(0, 0, "")`.
    pub progress: Option<unsafe extern "C" fn(*const Call, done: u64, total: u64, note: Str) -> Status>,
    /// (any thread) IMAGE so far; may be dropped.
    pub preview: Option<unsafe extern "C" fn(*const Call, image: View)>,
    /// (any thread) As `fail_with`, without a hint: for hosts of minor 0.
    pub fail: Option<unsafe extern "C" fn(*const Call, code: Status, input: Str, message: Str)>,
    /// (any thread) 1 error, 2 warn, 3 info, 4 debug, 5 trace.
    pub log: Option<unsafe extern "C" fn(*const Call, level: i32, message: Str)>,
    /// `u8[n]` of a file that a file param of this node named; only inside `run`.
    pub read: Option<unsafe extern "C" fn(*const Call, path: Str, bytes: *mut Owned) -> Status>,
    /// Atomic, inside the output root; `final_name` is borrowed until the call ends.
    pub publish: Option<
        unsafe extern "C" fn(
            *const Call,
            name_template: Str,
            bytes: View,
            media_type: Str,
            final_name: *mut Str,
        ) -> Status,
    >,
    /// [`PROVENANCE`], [`HEAD`], [`ROWS`].
    pub get_extension: Extension<*const Call>,
    /// The thread budget of this call; 0 = as many as the machine has.
    pub max_threads: u32,
    /// 0.
    pub reserved: u32,
    /// Where to compute. Values on ports cross in host memory whatever it is.
    pub device: DLDevice,
    /// CUDA: 1 legacy, 2 per-thread default, else a handle; otherwise null.
    pub stream: *mut c_void,
    /// (any thread) Minor 1: why the call fails. The first report counts.
    pub fail_with: Option<unsafe extern "C" fn(*const Call, *const Failure)>,
}
