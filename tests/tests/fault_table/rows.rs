//! What can go wrong and what is promised, in groups. The tests are found by their docs.

mod graphs;
mod outputs;
mod pictures;
mod plugins;
mod runs;
mod serving;
mod watching;
mod weights;

/// Faults of one kind.
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) rows: &'static [Row],
}

/// One fault.
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) fault: &'static str,
    pub(crate) promise: &'static str,
    /// Why there is no test, if there is none.
    pub(crate) untested: Option<&'static str>,
}

const fn row(id: &'static str, fault: &'static str, promise: &'static str) -> Row {
    Row { id, fault, promise, untested: None }
}

const fn untested(id: &'static str, fault: &'static str, promise: &'static str, why: &'static str) -> Row {
    Row { id, fault, promise, untested: Some(why) }
}

/// All groups, in the order of their letters.
pub(crate) const GROUPS: &[Group] = &[
    graphs::GRAPHS,
    plugins::PLUGINS,
    weights::WEIGHTS,
    pictures::PICTURES,
    outputs::OUTPUTS,
    runs::RUNS,
    watching::WATCHING,
    serving::SERVING,
    serving::VIA,
];
