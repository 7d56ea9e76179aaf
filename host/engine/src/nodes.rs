//! The interface to plugins.

use crate::{Failure, Services, Value};
use blake3::Hash;
use dreamwire_graph::{KindInfo, Kinds};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Runs nodes: the loader, or a test.
pub trait Nodes: Send + Sync {
    /// All available kinds.
    fn kinds(&self) -> &Kinds;
    /// The hash of the build that has a kind; part of its steps' keys.
    fn build(&self, kind: &str) -> Option<Hash>;
    /// Where a kind computes in a run on `device`: there, or on the CPU if its plugin was not built for that device.
    fn device(&self, kind: &str, device: Device) -> Device {
        let _ = kind;
        device
    }
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
    /// Those of the node, or a violation of the contract by the plugin.
    fn run(&self, request: &Request<'_>) -> Result<Vec<Value>, Failure>;
}

/// One step to run.
pub struct Request<'a> {
    /// The node's id: instances are kept by it.
    pub node: &'a str,
    /// Its kind.
    pub kind: &'a KindInfo,
    /// Complete, validated params as a JSON object.
    pub params: &'a str,
    /// One per input port of the kind.
    pub inputs: &'a [Input],
    /// Progress, previews, files.
    pub services: &'a Services<'a>,
    /// Where to compute: what [`Nodes::device`] says.
    pub device: Device,
    /// Thread budget.
    pub threads: usize,
}

/// The value of an input port.
#[derive(Clone)]
pub enum Input {
    /// An optional port that is not connected.
    None,
    /// One value.
    One(Value),
    /// The values of a port that takes many.
    Many(Vec<Value>),
}

/// The device of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Device {
    /// The CPU.
    Cpu,
    /// A CUDA device by ordinal.
    Cuda(u32),
    /// The Metal device.
    Metal,
}

impl Device {
    /// The class of the device, not the ordinal, for keys and messages.
    pub fn class(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda(_) => "cuda",
            Self::Metal => "metal",
        }
    }

    /// The class in a sentence: "the CPU", "CUDA", "Metal".
    pub fn class_name(self) -> &'static str {
        match self {
            Self::Cpu => "the CPU",
            Self::Cuda(_) => "CUDA",
            Self::Metal => "Metal",
        }
    }
}

/// As on a command line: `cpu`, `cuda:1`, `metal`.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
            other => f.write_str(other.class()),
        }
    }
}
