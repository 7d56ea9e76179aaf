//! Rows of the fault table without a closer test, one module per group of rows.

#[path = "faults/graphs.rs"]
mod graphs;
#[path = "faults/outputs.rs"]
mod outputs;
#[path = "faults/pictures.rs"]
mod pictures;
#[path = "faults/plugins.rs"]
mod plugins;
#[path = "faults/png.rs"]
mod png;
#[cfg(target_os = "linux")]
#[path = "faults/surroundings.rs"]
mod surroundings;
#[path = "faults/terminal.rs"]
mod terminal;
#[cfg(target_os = "linux")]
#[path = "faults/watch.rs"]
mod watch;
#[path = "faults/weights.rs"]
mod weights;
