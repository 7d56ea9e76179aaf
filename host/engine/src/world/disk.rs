//! The [`World`] of the file system.

use super::inputs::Inputs;
use super::outputs::Outputs;
use super::{File, InputPath, Listing, NewFile, Published, World, WorldError};
use std::path::{Path, PathBuf};

/// Reads under the graph's folder and the input folders, publishes under one output folder. A name that asks for it
/// (`dream_00001_.png [output]`) is read from the output folder.
pub struct Disk {
    inputs: Inputs,
    outputs: Outputs,
}

impl Disk {
    /// `roots` are the graph's folder and further input folders. `out` is created when first needed. Relative paths
    /// mean the current folder of now; messages show them as they are given.
    pub fn new(roots: Vec<PathBuf>, out: PathBuf) -> Self {
        Self { inputs: Inputs::new(roots, &out), outputs: Outputs::new(out) }
    }

    /// The same for runs that name their files themselves: the first file of a step is `cat.png` in place of
    /// `cat_00001_.png`, further ones are `cat_00002.png`, ..., and what has that name already is replaced.
    #[must_use]
    pub fn uncounted(self) -> Self {
        Self { outputs: self.outputs.uncounted(), ..self }
    }

    /// The same for graphs of somebody who may see nothing but the input folders: absolute paths and paths with `..`
    /// are refused, whether there is something or not.
    #[must_use]
    pub fn closed(self) -> Self {
        Self { inputs: self.inputs.closed(), ..self }
    }

    /// Writes a file that comes from elsewhere under its name below the output folder, with forward slashes; if another
    /// file has the name, under one with a number: `a (1).png`. No file is replaced, whoever wrote it, and one with the same
    /// bytes is not written again.
    ///
    /// # Errors
    /// The name leaves the folder, or writing fails. No partial file remains.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Result<Published, WorldError> {
        self.outputs.keep(name, bytes)
    }

    /// The output folder, as it was given.
    pub fn out(&self) -> &Path {
        self.outputs.shown()
    }
}

impl World for Disk {
    fn read(&self, path: &InputPath, most: u64) -> Result<File, WorldError> {
        self.inputs.read(path, most)
    }

    fn list(&self, path: &InputPath) -> Result<Listing, WorldError> {
        self.inputs.list(path)
    }

    fn publish(&self, file: &NewFile<'_>) -> Result<Published, WorldError> {
        self.outputs.publish(file)
    }

    fn probe(&self) -> Result<(), WorldError> {
        self.outputs.probe()
    }

    fn probe_prefix(&self, prefix: &str) -> Result<(), WorldError> {
        self.outputs.probe_prefix(prefix)
    }
}
