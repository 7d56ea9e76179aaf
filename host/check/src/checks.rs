mod cancel;
mod descriptor;
mod devices;
mod function;
mod gradient;
mod lifecycle;
mod loads;
mod ownership;
mod params;
mod refusals;
mod rows;
mod run;
mod schema;
mod threads;

use crate::outcome::Verdict;
use crate::subject::Subject;
use crate::{Outcome, Settings};
use std::path::Path;

/// One thing that a plugin promises.
pub struct Check {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it promises.
    pub what: &'static str,
    /// The checks that it depends on.
    pub(crate) needs: &'static [&'static str],
    check: fn(&Subject<'_>) -> Verdict,
}

/// All checks, in order of execution.
pub static CHECKS: &[Check] = &[
    Check {
        name: "loads",
        what: "the library opens and exports an entry of this ABI",
        needs: &[],
        check: loads::check,
    },
    Check {
        name: "descriptor",
        what: "ids, names, ports, types and flags can be read and are known and unique",
        needs: &["loads"],
        check: descriptor::check,
    },
    Check {
        name: "devices",
        what: "the CPU works, other devices do or say why not, and those it was not built for are refused",
        needs: &["descriptor"],
        check: devices::check,
    },
    Check {
        name: "schema",
        what: "params schemas stay within the subset, describe every param, and accept their own defaults",
        needs: &["descriptor"],
        check: schema::check,
    },
    Check {
        name: "params",
        what: "check_params gives reasons, is fast and consistent, and runs agree with it",
        needs: &["schema"],
        check: params::check,
    },
    Check {
        name: "lifecycle",
        what: "every kind can be created and destroyed, unknown kinds are refused, and deinit counts no live objects",
        needs: &["schema"],
        check: lifecycle::check,
    },
    Check {
        name: "run",
        what: "every kind returns what its ports declare, pure ones the same bytes each time",
        needs: &["lifecycle"],
        check: run::check,
    },
    Check {
        name: "rows",
        what: "a row alone gives the bytes that it gives within a batch",
        needs: &["run"],
        check: rows::check,
    },
    Check { name: "threads", what: "no thread is left after deinit", needs: &["run"], check: threads::check },
    Check {
        name: "refusals",
        what: "missing and wrong inputs and params are refused with a message, and set no output",
        needs: &["run"],
        check: refusals::check,
    },
    Check {
        name: "ownership",
        what: "everything is freed once by its owner, nothing borrowed is kept, and a second run works",
        needs: &["run"],
        check: ownership::check,
    },
    Check {
        name: "cancel",
        what: "a cancelled run stops, and frees what it had",
        needs: &["run"],
        check: cancel::check,
    },
    Check {
        name: "function",
        what: "functions match their descriptions: shapes, tapes, vjps, refusals",
        needs: &["run"],
        check: function::check,
    },
    Check {
        name: "gradient",
        what: "vjps agree with finite differences",
        needs: &["function"],
        check: gradient::check,
    },
];

/// The name under which [`perform`] lists a library's kinds and params instead of doing a check.
pub(crate) const OFFER: &str = "offer";

/// Does one check of a library, in this process, which may not survive it. `at` receives what is tried next.
///
/// `None` if there is no check of that name.
pub fn perform(name: &str, path: &Path, settings: &Settings, at: &dyn Fn(&str)) -> Option<Outcome> {
    if name == OFFER {
        return Some(crate::offer::perform(path, at));
    }
    let check = CHECKS.iter().find(|check| check.name == name)?;
    Some((check.check)(&Subject { path, settings, at }).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_rests_on_earlier_ones() {
        for (index, check) in CHECKS.iter().enumerate() {
            let earlier = |need: &&str| CHECKS[..index].iter().any(|before| before.name == *need);
            assert!(check.needs.iter().all(earlier), "{}", check.name);
            assert!(CHECKS[..index].iter().all(|before| before.name != check.name), "{}", check.name);
        }
    }
}
