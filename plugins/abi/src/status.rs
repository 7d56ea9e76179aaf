//! Statuses of calls: >= 0 is success.

/// The type of a status; never a C enum in a struct.
pub type Status = i32;
/// Done.
pub const OK: Status = 0;
/// `progress` said stop; outputs may hold the best result so far.
pub const CANCELLED: Status = 1;
/// Anything else; `fail` has the text.
pub const E_FAILED: Status = -1;
/// A caught panic: the host quarantines that object.
pub const E_PANIC: Status = -2;
/// Not offered by this build.
pub const E_UNSUPPORTED: Status = -3;
/// A param or port value is unusable; `fail` names which.
pub const E_ARG: Status = -4;
/// A tensor has the wrong shape.
pub const E_SHAPE: Status = -5;
/// A tensor has the wrong element type.
pub const E_DTYPE: Status = -6;
/// A tensor is on the wrong device.
pub const E_DEVICE: Status = -7;
/// Out of memory.
pub const E_NOMEM: Status = -8;
/// The provider was replaced and could not be rebound.
pub const E_GONE: Status = -9;
/// The function is not differentiable as requested.
pub const E_NOT_DIFF: Status = -10;
/// `read` or `publish` failed; the host has already recorded why.
pub const E_IO: Status = -11;
/// A file's content is unusable: a truncated image, a wrong checkpoint.
pub const E_INPUT: Status = -12;
/// A limit was exceeded: pixels, bytes.
pub const E_LIMIT: Status = -13;
/// NaN or infinity appeared; `fail` says where.
pub const E_NONFINITE: Status = -14;
