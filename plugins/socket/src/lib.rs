//! The plumbing of the plugin ABI that hosts and plugins share: raw pointers in, safe handles out.
//!
//! | raw | reader | writer |
//! |---|---|---|
//! | `DLTensor`, managed tensors | [`TensorView`], [`Owned`] | [`lend`], [`Watched`] |
//! | `dw_call` | [`CallRef`], what a plugin sees | [`HostCall`] over a [`CallHost`] |
//! | `dw_fn`, `dw_tape` | [`FnRef`], [`TapeRef`] | [`export`], [`export_tape`] over a [`FnHost`], a [`TapeHost`] |
//! | `dw_fn_desc` | [`FnFacts`] | [`SpecTable`] |
//! | `dw_value` | [`Taken`] | [`Inputs`] of [`Given`] |
//! | `dw_entry`, `dw_kind`, `dw_node` | [`EntryRef`], [`Facts`], [`NodeRef`] | the SDK's macros |
//! | `dw_devices` | [`DevicesRef`] | the SDK |
//!
//! Policy belongs to the crates above: the loader wraps and checks for users, the checker counts for authors, the SDK
//! converts tensors to candle's. This crate neither links candle nor knows the engine.
//!
//! # Trust
//! Descriptors, counts, texts, shapes and strides are checked before they are used; every fault has a message. Nothing
//! can check that a pointer is valid. So each handle is made by an `unsafe` constructor that requires the other side to
//! keep `dreamwire.h`, and is safe from then on.
//!
//! # Panics
//! Functions that the other side calls catch panics and return `DW_E_PANIC`.

mod call;
mod call_host;
mod describe;
mod descriptor;
mod device;
mod dtype;
mod entry;
mod export;
mod fault;
mod function;
mod tensor;
mod text;
mod value;

pub use call::{CallRef, Said};
pub use call_host::{CallHost, HostCall};
pub use describe::{DescRef, FnFacts, Spec, SpecTable};
pub use descriptor::{Facts, KindFacts, PortFacts};
pub use device::{DeviceFacts, DevicesRef};
pub use dtype::{Dtype, Element};
pub use entry::{EntryRef, NodeRef, NotCreated, Ran, other_major};
pub use export::{Evaluation, FnHost, TapeHost, WatchedFn, export, export_tape, watch, watch_tape};
pub use fault::Fault;
pub use function::{Evaluated, FnRef, Pulled, TapeRef, Valued};
pub use tensor::{Bytes, MAX_TENSOR_BYTES, Memory, Owned, TensorView, Views, Watched, lend, memory_behind};
pub use value::{Given, Inputs, Taken};
