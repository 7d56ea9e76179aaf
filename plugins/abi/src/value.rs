//! Values on ports.

use crate::{DLManagedTensorVersioned, DLTensor, function::Fn};
use core::ffi::c_char;

/// UTF-8 text, not NUL-terminated, borrowed for the call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Str {
    /// First byte; may be null when `len` is 0.
    pub ptr: *const c_char,
    /// Bytes.
    pub len: usize,
}

impl Str {
    /// The empty text.
    pub const EMPTY: Self = Self::new("");

    /// Borrows Rust text; the caller keeps it alive as long as the receiver may read it.
    pub const fn new(text: &str) -> Self {
        Self { ptr: text.as_ptr().cast(), len: text.len() }
    }

    /// The bytes. `None` if null with a length.
    ///
    /// # Safety
    /// `ptr` is null or points to `len` bytes that outlive `'a` and are not written meanwhile.
    pub unsafe fn bytes<'a>(self) -> Option<&'a [u8]> {
        if self.len == 0 {
            return Some(&[]);
        }
        if self.ptr.is_null() || self.len > isize::MAX as usize {
            return None;
        }
        // SAFETY: non-null, and the caller promises `len` readable bytes for `'a`.
        Some(unsafe { core::slice::from_raw_parts(self.ptr.cast::<u8>(), self.len) })
    }

    /// The text. `None` if null with a length or not UTF-8.
    ///
    /// # Safety
    /// As [`Str::bytes`].
    pub unsafe fn text<'a>(self) -> Option<&'a str> {
        // SAFETY: the caller's promise is the same.
        let bytes = unsafe { self.bytes() }?;
        core::str::from_utf8(bytes).ok()
    }
}

/// Borrowed for the call, immutable, may be strided.
pub type View = *const DLTensor;
/// Moved to the receiver, who calls its deleter once.
pub type Owned = *mut DLManagedTensorVersioned;

/// Nothing: an unconnected port.
pub const NONE: u32 = 0;
/// `u.i` is 0 or 1.
pub const BOOL: u32 = 1;
/// `u.i`.
pub const I64: u32 = 2;
/// `u.f`.
pub const F64: u32 = 3;
/// `u.s`.
pub const STRING: u32 = 4;
/// `u.t`.
pub const TENSOR: u32 = 5;
/// `u.func`.
pub const FUNCTION: u32 = 6;
/// `u.list`.
pub const LIST: u32 = 7;

/// A tagged value: `kind` says which field of `u` is valid.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Value {
    /// [`NONE`] .. [`LIST`].
    pub kind: u32,
    /// 0.
    pub flags: u32,
    /// The payload.
    pub u: ValueUnion,
}

/// The payload of a [`Value`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union ValueUnion {
    /// [`BOOL`], [`I64`].
    pub i: i64,
    /// [`F64`].
    pub f: f64,
    /// [`STRING`]; in an output it lives until the next call on that node.
    pub s: Str,
    /// [`TENSOR`].
    pub t: Owned,
    /// [`FUNCTION`].
    pub func: *mut Fn,
    /// [`LIST`].
    pub list: *const List,
}

impl Value {
    /// An unconnected input, or an output that was not set.
    pub const NONE: Self = Self { kind: NONE, flags: 0, u: ValueUnion { i: 0 } };
}

/// The values of a MANY port.
#[repr(C)]
pub struct List {
    /// How many.
    pub n: u64,
    /// `n` values.
    pub items: *const Value,
}
