//! Loads plugins and runs their nodes.
//!
//! # Life of a plugin
//! 1. [`Search`] lists libraries: next to the executable, in `DREAMWIRE_PLUGINS`, in `--plugins`. Never
//!    beside a graph: a graph is data and cannot make the host load code.
//! 2. What the [`PluginIndex`] knows of an unchanged library is neither read nor opened until one of its kinds is needed.
//! 3. Otherwise the library is copied to a private folder, under a name made of its content hash, and opened there, so
//!    that replacing, truncating or rebuilding the original does not affect running code. The copies of an index are
//!    kept, and hashed before they are opened.
//! 4. Its entry symbol is read: another major version is refused with both numbers, descriptors are read with
//!    bounds. Of the plugin's code only initialisers have run so far.
//! 5. `init` runs before the first node is created.
//! 6. A rebuilt library becomes a new *generation* beside the old one. Libraries are never unloaded: threads, TLS
//!    destructors and deleters in them would crash later; old generations are retired (`deinit` joins their threads).
//!
//! # What crosses
//! The plumbing is [`dreamwire_socket`]'s. Tensors are wrapped in place: the plugin's deleter runs when the last value
//! is dropped. Functions get a host proxy (`function.rs`) that serialises calls if the provider asks for it and names
//! the producing node in failures. It also calls a function with the device that its node had: a plugin that was not
//! built for the run's device computes on the CPU. Everything that a plugin returns is checked before anything else uses it. A tensor
//! that is larger than the machine is refused: DLPack has no length of the buffer, so a smaller lie cannot be noticed.

mod call;
mod comfyui;
mod crash;
mod descriptor;
mod elf;
mod environment;
mod function;
mod generation;
mod host;
mod index;
mod known;
mod library;
mod memory;
mod opened;
mod opening;
mod outcome;
mod refusal;
mod registry;
mod search;
mod temporary;
mod tensor;
#[cfg(test)]
mod testing;
mod value;
mod working_folder;

use refusal::Refusal;

pub use comfyui::ELSEWHERE;
pub use crash::report_crashes;
pub use dreamwire_socket::DeviceFacts;
pub use host::{host_table, take_log};
pub use index::{LEARN, PluginIndex};
pub use known::KNOWN;
pub use opened::Opened;
pub use registry::{Loader, PluginInfo, Problem};
pub use search::Search;
