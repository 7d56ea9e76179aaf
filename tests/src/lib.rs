//! The outside view: the program as users and plugin authors meet it.
//!
//! Nothing in here looks into the host. [`built`] makes cargo build the program, the plugins and the fixtures
//! once per test process; [`Cmd`] runs the program in a [`Folder`] with a clean environment; [`c_plugin`]
//! compiles the C sources of `plugins/`; [`Watching`] listens to a `dreamwire watch`, [`Serving`] speaks to a `dreamwire serve`; [`safetensors`] makes
//! and reads weights files. The tests are in `tests/`, one file per behaviour.
//!
//! `BLESS=1 cargo test -p dreamwire-tests` rewrites the texts that tests compare with.

mod bless;
mod built;
mod c_plugin;
mod command;
mod example;
mod folder;
#[cfg(target_os = "linux")]
mod peak;
mod picture;
mod prepared;
pub mod safetensors;
mod serving;
mod watching;

pub use bless::same_text;
pub use built::{Built, built, cargo, repository, stage};
pub use c_plugin::{c_library, c_plugin, c_plugin_of_minor_0, c_plugin_with};
pub use command::{Cmd, Outcome};
pub use example::{EXAMPLES, Example};
pub use folder::Folder;
#[cfg(target_os = "linux")]
pub use peak::peak;
pub use picture::{deviation, differences, disagreement, photo};
pub use prepared::{prepared, say};
pub use serving::{Answer, Serving, Socket};
pub use watching::Watching;
