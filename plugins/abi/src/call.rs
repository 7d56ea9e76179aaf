//! The context of one call.

use crate::{DLDevice, Owned, Status, Str, View};
use core::ffi::{c_char, c_void};

/// Looks up an optional ability by its NUL-terminated id (`"dw.list/1"`); null means unsupported.
pub type Extension<T> = Option<unsafe extern "C" fn(T, id: *const c_char) -> *const c_void>;

/// One call: owned by the host, alive for the call, passed on unchanged by nested calls.
#[repr(C)]
pub struct Call {
    /// the writer's `size_of`
    pub size: u32,
    /// 0
    pub flags: u32,
    /// the host's own
    pub host: *mut c_void,
    /// (any thread) [`crate::CANCELLED`] = return soon; nested calls poll with `(0, 0, "")`
    pub progress: Option<unsafe extern "C" fn(*const Call, done: u64, total: u64, note: Str) -> Status>,
    /// (any thread) IMAGE so far; may be dropped
    pub preview: Option<unsafe extern "C" fn(*const Call, image: View)>,
    /// (any thread) copied at once; `input` is a port or param name or empty
    pub fail: Option<unsafe extern "C" fn(*const Call, code: Status, input: Str, message: Str)>,
    /// (any thread) 1 error 2 warn 3 info 4 debug 5 trace
    pub log: Option<unsafe extern "C" fn(*const Call, level: i32, message: Str)>,
    /// `u8[n]` of a file that a file param of this node named; only inside `run`
    pub read: Option<unsafe extern "C" fn(*const Call, path: Str, bytes: *mut Owned) -> Status>,
    /// atomic, inside the output root; `final_name` is borrowed until the call ends
    pub publish: Option<
        unsafe extern "C" fn(
            *const Call,
            name_template: Str,
            bytes: View,
            media_type: Str,
            final_name: *mut Str,
        ) -> Status,
    >,
    /// `"dw.provenance/1"` and others
    pub get_extension: Extension<*const Call>,
    /// the thread budget of this call
    pub max_threads: u32,
    /// 0
    pub reserved: u32,
    /// where inputs are and outputs should be
    pub device: DLDevice,
    /// CUDA: 1 legacy, 2 per-thread default, else a handle; otherwise null
    pub stream: *mut c_void,
}
