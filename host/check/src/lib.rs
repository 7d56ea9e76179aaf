//! Named checks of plugins: whether a plugin, in any language, keeps the contract of `dreamwire.h`.
//!
//! ```text
//! examine --one child process per check--> perform --looks through--> crate::probe --C ABI--> plugin
//!    |                                        |
//!    +---- Report per check <-- one line -----+
//! ```
//! [`examine`] starts the program again for every check, so that a plugin which crashes, aborts, exits or
//! hangs fails only that check. In the child [`perform`] does the check and reports the result in a line
//! ([`result_line`]) that is found among the plugin's output. [`CHECKS`] lists what each check promises.
//!
//! A check is skipped if one that it depends on failed: a plugin has one fault, not eleven.
//!
//! This crate never touches a pointer and prints nothing.

mod attempt;
mod checks;
mod judge;
mod offer;
mod outcome;
mod params;
mod point;
mod probe;
mod protocol;
mod sandbox;
mod settings;
mod subject;
mod supply;

pub use checks::{CHECKS, Check, perform};
pub use offer::misspelt;
pub use outcome::{Outcome, Report};
pub use protocol::{at_line, result_line};
pub use sandbox::{Order, examine};
pub use settings::Settings;
