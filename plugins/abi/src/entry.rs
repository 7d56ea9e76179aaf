//! The entry of a plugin, and the host's functions for it.

use crate::{Call, Extension, Status, Str, Value};
use core::ffi::{c_char, c_void};

/// The port may stay unconnected.
pub const PORT_OPTIONAL: u32 = 1;
/// The port takes any number of links, in files `name.0`, `name.1`, ...
pub const PORT_MANY: u32 = 2;
/// The first axis counts rows, such as the pictures of a batch, and row i of an output depends on row i of these inputs
/// alone, bit for bit, and on all of the other inputs. Minor 1.
pub const PORT_ROWS: u32 = 4;

/// A connectable input or output of a kind.
#[repr(C)]
pub struct Port {
    /// The writer's `size_of`.
    pub size: u32,
    /// `PORT_*`.
    pub flags: u32,
    /// As in graph files.
    pub name: Str,
    /// One line for people.
    pub doc: Str,
    /// `"IMAGE"`, `"OBJECTIVE|FEATURES"`.
    pub ty: Str,
}

/// The same inputs, params, seed and files give the same outputs: the host may cache.
pub const KIND_PURE: u32 = 1;
/// It runs even if nothing consumes it.
pub const KIND_OUTPUT: u32 = 2;
/// An instance carries state from run to run: its results are never cached, whatever [`KIND_PURE`] says.
pub const KIND_STATEFUL: u32 = 4;

/// The descriptor of a kind: listed without creating a node.
#[repr(C)]
pub struct Kind {
    /// The writer's `size_of`.
    pub size: u32,
    /// `KIND_*`.
    pub flags: u32,
    /// `"GradientAscent"`: the class_type, for ever.
    pub id: Str,
    /// Of meaning: bumped when results change; joins the cache key.
    pub version: u32,
    /// Input ports.
    pub n_in: u32,
    /// Output ports.
    pub n_out: u32,
    /// 0.
    pub reserved: u32,
    /// `n_in` pointers.
    pub inputs: *const *const Port,
    /// `n_out` pointers.
    pub outputs: *const *const Port,
    /// For people.
    pub title: Str,
    /// For menus.
    pub category: Str,
    /// (thread-safe, also before init) JSON Schema, ordered, static; its description is the kind's doc.
    pub params_schema: Option<unsafe extern "C" fn() -> Str>,
    /// (thread-safe, also before init) Minor 1: judges complete params without inputs, cheaply and without files. A
    /// refusal names the param and gives a hint through `fail_with`.
    pub check_params: Option<unsafe extern "C" fn(*const Call, params_json: Str) -> Status>,
}

/// A node instance.
#[repr(C)]
pub struct Node {
    /// Never null.
    pub vt: *const NodeVt,
}

/// The functions of a [`Node`].
#[repr(C)]
pub struct NodeVt {
    /// The writer's `size_of`.
    pub size: u32,
    /// 0.
    pub flags: u32,
    /// (compute).
    pub destroy: Option<unsafe extern "C" fn(*mut Node)>,
    /// (compute) `inputs[n_in]` borrowed, `outputs[n_out]` moved to the host.
    pub run: Option<
        unsafe extern "C" fn(
            *mut Node,
            *const Call,
            params_json: Str,
            inputs: *const Value,
            outputs: *mut Value,
        ) -> Status,
    >,
    /// None is defined yet.
    pub get_extension: Extension<*mut Node>,
}

/// The host, as plugins see it.
#[repr(C)]
pub struct Host {
    /// The writer's `size_of`.
    pub size: u32,
    /// The host's major.
    pub abi_major: u32,
    /// The host's minor.
    pub abi_minor: u32,
    /// 0.
    pub reserved: u32,
    /// `"dreamwire"`.
    pub name: Str,
    /// `"0.1.0"`.
    pub version: Str,
    /// The host's own.
    pub data: *mut c_void,
    /// (thread-safe).
    pub log: Option<unsafe extern "C" fn(*const Host, level: i32, message: Str)>,
    /// (thread-safe) Keep a borrowed input past the call.
    pub retain: Option<unsafe extern "C" fn(*const Host, input: *const Value, output: *mut Value) -> Status>,
    /// (thread-safe).
    pub get_extension: Extension<*const Host>,
}

/// The name of the one exported symbol: a `const dw_entry`.
pub const ENTRY_SYMBOL: &str = "dw_entry_v1";

/// The only export of a plugin.
#[repr(C)]
pub struct Entry {
    /// The writer's `size_of`.
    pub size: u32,
    /// The plugin's major.
    pub abi_major: u32,
    /// The plugin's minor.
    pub abi_minor: u32,
    /// 0.
    pub flags: u32,
    /// `"org.dreamwire.image"`.
    pub id: Str,
    /// `"0.1.0"`.
    pub version: Str,
    /// For logs, metadata and cache keys.
    pub build: Str,
    /// (exclusive) Cheap: no threads, no GPU, no files.
    pub init: Option<unsafe extern "C" fn(*const Host, *const Call) -> Status>,
    /// (exclusive) Joins the threads it started; returns the number of objects still alive.
    pub deinit: Option<unsafe extern "C" fn() -> u32>,
    /// How many kinds.
    pub n_kinds: u32,
    /// 0.
    pub reserved: u32,
    /// Static: listing needs no init.
    pub kinds: *const *const Kind,
    /// (compute).
    pub create: Option<unsafe extern "C" fn(id: Str, *const Call, out: *mut *mut Node) -> Status>,
    /// [`crate::DEVICES`].
    pub get_extension: Option<unsafe extern "C" fn(id: *const c_char) -> *const c_void>,
}

// SAFETY: descriptors are immutable data with static lifetime; the raw pointers in them lead to more such data.
unsafe impl Sync for Entry {}
// SAFETY: as for `Entry`.
unsafe impl Sync for Kind {}
// SAFETY: as for `Entry`.
unsafe impl Sync for Port {}
// SAFETY: the host's table of functions, never written after it was made.
unsafe impl Sync for Host {}
