//! Named checks of plugins: is the contract of `dreamwire.h` kept, by a plugin written by whomever.
//!
//! ```text
//! examine --one child process per check--> perform --looks through--> crate::probe --C ABI--> plugin
//!    |                                        |
//!    +---- Report per check <-- one line -----+
//! ```
//! [`examine`] starts the program again for every check, so that a plugin which crashes, aborts, exits or hangs has failed
//! that check and nothing else. In the child [`perform`] does the check and says how it went by a line ([`result_line`])
//! that is found among whatever the plugin prints. What a check promises stands in [`CHECKS`].
//!
//! A check that another one rests on is not done where that one failed: a plugin has one fault, not eleven.
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
