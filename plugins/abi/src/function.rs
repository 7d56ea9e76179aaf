//! Differentiable functions `y[0..m) = f(x[0..n))` on wires, and the tapes they leave.

use crate::{Call, DLDataType, Extension, Owned, Status, Str, View};

/// `m == 1`, and `y` has one element.
pub const FN_SCALAR: u32 = 1;
/// It may be called from several threads at once; otherwise the host's proxy serialises calls.
pub const FN_REENTRANT: u32 = 2;
/// The same inputs give the same bits.
pub const FN_DETERMINISTIC: u32 = 4;
/// A tape supports only one `vjp`.
pub const FN_TAPE_ONCE: u32 = 8;

/// One input or output of a function.
#[repr(C)]
pub struct TensorSpec {
    /// The writer's `size_of`.
    pub size: u32,
    /// Rank.
    pub ndim: u32,
    /// `ndim` sizes, -1 = free.
    pub dims: *const i64,
    /// Float32 everywhere here.
    pub dtype: DLDataType,
    /// 0.
    pub reserved: u32,
    /// `"relu4_3"`.
    pub name: Str,
    /// `"layout=nchw;weight=0.5"`.
    pub semantics: Str,
}

/// The description of a function.
#[repr(C)]
pub struct FnDesc {
    /// The writer's `size_of`.
    pub size: u32,
    /// `FN_*`.
    pub flags: u32,
    /// FEATURES, OBJECTIVE, MAPPING, GENERATOR, DISCRIMINATOR.
    pub ty: Str,
    /// For people.
    pub name: Str,
    /// Inputs.
    pub n_in: u32,
    /// Outputs.
    pub n_out: u32,
    /// `n_in` pointers.
    pub inputs: *const *const TensorSpec,
    /// `n_out` pointers.
    pub outputs: *const *const TensorSpec,
    /// Bit i: a gradient by input i can be asked.
    pub diff_in: u64,
}

/// A function handle: reference-counted; its first field is its vtable.
#[repr(C)]
pub struct Fn {
    /// Never null.
    pub vt: *const FnVt,
}

/// The functions of a [`Fn`].
#[repr(C)]
pub struct FnVt {
    /// The writer's `size_of`.
    pub size: u32,
    /// 0.
    pub flags: u32,
    /// (thread-safe).
    pub retain: Option<unsafe extern "C" fn(*mut Fn)>,
    /// (thread-safe).
    pub release: Option<unsafe extern "C" fn(*mut Fn)>,
    /// (thread-safe) Valid until release.
    pub describe: Option<unsafe extern "C" fn(*mut Fn) -> *const FnDesc>,
    /// (compute) `y = f(x)`; bit i of `wrt`: a later vjp wants d/dx\[i\]; null tape or no bits: plain forward.
    pub eval: Option<
        unsafe extern "C" fn(
            *mut Fn,
            *const Call,
            x: *const View,
            y: *mut Owned,
            wrt: u64,
            tape: *mut *mut Tape,
        ) -> Status,
    >,
    /// (compute) Scalar functions: `*value = y`, `g[i] = dy/dx[i]` for the bits of `wrt`, null elsewhere.
    pub value_and_grad: Option<
        unsafe extern "C" fn(
            *mut Fn,
            *const Call,
            x: *const View,
            wrt: u64,
            value: *mut f64,
            g: *mut Owned,
        ) -> Status,
    >,
    /// [`TILES`], [`MEMORY`], [`PEAK`].
    pub get_extension: Extension<*mut Fn>,
}

/// The extension of a local function, which may be evaluated tile by tile: [`Tiles`].
pub const TILES: &core::ffi::CStr = c"dw.tiles/1";
/// The value is a mean over positions.
pub const TILES_MEAN: u32 = 0;
/// The value is a sum over positions.
pub const TILES_SUM: u32 = 1;

/// The receptive field of a local function; valid as long as the function.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiles {
    /// The writer's `size_of`.
    pub size: u32,
    /// Pixels: tiles start at multiples of it, so that pools fall as they do in the whole picture.
    pub stride: u32,
    /// Pixels: no position sees anything further away.
    pub halo: u32,
    /// `TILES_MEAN` or `TILES_SUM`.
    pub reduction: u32,
}

/// The extension of a function that says how much memory it keeps: [`Memory`].
pub const MEMORY: &core::ffi::CStr = c"dw.memory/1";

/// How much memory a function keeps; alive as long as the function.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The writer's `size_of`.
    pub size: u32,
    /// 0.
    pub reserved: u32,
    /// Bytes that are free when the last reference is released, such as weights that nobody else uses.
    pub bytes: u64,
}

/// The extension of a function that says how much memory an evaluation needs: [`Peak`].
pub const PEAK: &core::ffi::CStr = c"dw.peak/1";

/// How much memory an evaluation of a function needs at most, in bytes: `fixed`, and the rest for every pixel of input 0 if
/// that is `[B,H,W,C]`, otherwise for every entry of its first axis. It includes the function's own copies of inputs, outputs
/// and their gradients. Alive as long as the function.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak {
    /// The writer's `size_of`.
    pub size: u32,
    /// 0.
    pub reserved: u32,
    /// Bytes whatever the size of the input.
    pub fixed: u64,
    /// Bytes of all outputs together, per pixel or entry.
    pub outputs: u64,
    /// Of a plain evaluation, per pixel or entry.
    pub value: u64,
    /// Of one with a tape and its vjp, per pixel or entry.
    pub gradient: u64,
}

/// What a forward pass keeps for its vjp.
#[repr(C)]
pub struct Tape {
    /// Never null.
    pub vt: *const TapeVt,
}

/// The functions of a [`Tape`].
#[repr(C)]
pub struct TapeVt {
    /// The writer's `size_of`.
    pub size: u32,
    /// 0.
    pub flags: u32,
    /// (thread-safe) Also when `vjp` was never called.
    pub release: Option<unsafe extern "C" fn(*mut Tape)>,
    /// (compute) `gx = J^T gy`; null `gy[j]` = zero.
    pub vjp: Option<unsafe extern "C" fn(*mut Tape, *const Call, gy: *const View, gx: *mut Owned) -> Status>,
    /// Memory the tape pins.
    pub bytes: Option<unsafe extern "C" fn(*mut Tape) -> u64>,
}
