//! The door to plugins.

use crate::{Failure, Services, Value};
use blake3::Hash;
use dreamwire_graph::{KindInfo, Kinds};

/// Whoever can run nodes: the loader, or a test.
pub trait Nodes: Send + Sync {
    /// Every kind on offer.
    fn kinds(&self) -> &Kinds;
    /// The hash of the build that offers a kind; joins the keys of its steps.
    fn build(&self, kind: &str) -> Option<Hash>;
    /// Judges params as far as that is possible without inputs and files; called before anything runs.
    ///
    /// # Errors
    /// What the kind says of them, with the param's name.
    fn check_params(&self, kind: &KindInfo, params: &str) -> Result<(), Failure> {
        let _ = (kind, params);
        Ok(())
    }
    /// Runs one step to its outputs, one per output port of the kind.
    ///
    /// # Errors
    /// What the node says, or what the plugin did wrong.
    fn run(&self, request: &Request<'_>) -> Result<Vec<Value>, Failure>;
}

/// One step to run.
pub struct Request<'a> {
    /// the node's id: instances are kept by it
    pub node: &'a str,
    /// what it is
    pub kind: &'a KindInfo,
    /// complete, validated params as a JSON object
    pub params: &'a str,
    /// one per input port of the kind
    pub inputs: &'a [Input],
    /// progress, previews, files
    pub services: &'a Services<'a>,
    /// where to compute
    pub device: Device,
    /// thread budget
    pub threads: usize,
}

/// What is connected to an input port.
#[derive(Clone)]
pub enum Input {
    /// an optional port left open
    None,
    /// one value
    One(Value),
    /// the values of a MANY port
    Many(Vec<Value>),
}

/// Where a run computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// the processor
    Cpu,
    /// a CUDA device by ordinal
    Cuda(u32),
    /// the Metal device
    Metal,
}

impl Device {
    /// For keys and messages: the class, not the ordinal.
    pub fn class(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda(_) => "cuda",
            Self::Metal => "metal",
        }
    }
}
