//! How many rows a run has.

use std::process::{Command, Stdio};

use super::job::Job;
use crate::console::Console;
use crate::exit::Exit;

/// The number of rows, asked of this program.
pub(super) fn rows(job: &Job, console: Console) -> Result<u64, Exit> {
    let program =
        std::env::var_os("FARM_DEV").map(Into::into).or(std::env::current_exe().ok()).unwrap_or_default();
    let output = Command::new(program)
        .arg("run")
        .arg(job.graph_word())
        .args(job.words())
        .arg("--count-rows")
        .stderr(Stdio::inherit())
        .output();
    let output = output.map_err(|error| {
        console.talk(&format!("error: {error}"));
        Exit::BUG
    })?;
    if !output.status.success() {
        return Err(Exit::like(output.status));
    }
    String::from_utf8_lossy(&output.stdout).trim().parse().map_err(|_| Exit::BUG)
}
