//! Files of network weights to named tensors, on the CPU.
//!
//! Whatever format `dreamwire_formats` reads: safetensors, PyTorch's files, NVIDIA's pickles, NumPy's arrays. Only the
//! tensors of the network that is asked for are converted, one after the other, from the bytes of the file to f32.

use std::collections::HashMap;
use std::fmt;

use candle_core::{Device, Tensor};
use dreamwire_formats::{self as formats, DType, Limits};
use serde_json::{Map, Value};

pub use dreamwire_formats::Family;

/// The weights of a network.
#[derive(Debug)]
pub struct Weights {
    /// What the network is.
    pub family: Family,
    /// What the names of its tensors start with in the file, such as `G_ema`; empty if the names are its own.
    pub part: String,
    /// The other networks of the wanted families that the file has, by what their names start with. Empty if this one is an
    /// average over the training, which is what users want of a checkpoint.
    pub others: Vec<String>,
    /// What the file says about it besides its tensors.
    pub settings: Map<String, Value>,
    /// Its tensors, with the names of its family. Floating types are f32, integer types as they are in the file.
    pub tensors: HashMap<String, Tensor>,
    /// The tensors with NaN or infinity, by name.
    pub not_finite: Vec<NotFinite>,
}

/// A tensor with NaN or infinity: `` `fc.bias` (1 of 1000) ``.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFinite {
    /// The tensor.
    pub name: String,
    /// How many of its numbers are not finite as f32.
    pub count: usize,
    /// How many numbers it has.
    pub of: usize,
}

/// A file that does not hold usable weights.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// Another kind of file or another network, or a damaged one.
    #[error(transparent)]
    File(#[from] formats::Error),
    /// A number type that is not supported.
    #[error("tensor `{name}` has type {dtype}, which is not supported")]
    Type {
        /// The tensor.
        name: String,
        /// Its type in the file.
        dtype: &'static str,
    },
    /// NaN or infinity in the weights.
    #[error("the weights have NaN or infinity in {}", listed(.0))]
    NotFinite(Vec<NotFinite>),
    /// An error of candle.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

impl WeightsError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::File(error) => error.hint(),
            Self::NotFinite(_) => {
                Some("this network cannot work: get another copy, or a state before it broke")
            }
            Self::Type { .. } | Self::Candle(_) => None,
        }
    }
}

impl Weights {
    /// These weights, if all of their numbers are finite.
    ///
    /// # Errors
    ///
    /// Names the tensors with NaN or infinity.
    pub fn finite(self) -> Result<Self, WeightsError> {
        if self.not_finite.is_empty() { Ok(self) } else { Err(WeightsError::NotFinite(self.not_finite)) }
    }
}

impl fmt::Display for NotFinite {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` ({} of {})", self.name, self.count, self.of)
    }
}

/// How many tensors a message names.
const NAMED: usize = 5;

/// The first of these tensors, and how many more there are.
pub fn listed<'t>(tensors: impl IntoIterator<Item = &'t NotFinite>) -> String {
    let all: Vec<String> = tensors.into_iter().map(NotFinite::to_string).collect();
    let mut text = all[..all.len().min(NAMED)].join(", ");
    if all.len() > NAMED {
        text += &format!(", and {} more tensors", all.len() - NAMED);
    }
    text
}

/// The network in a file that is of one of the `wanted` families. Of a checkpoint with several networks it is the one
/// that makes the pictures; the others are not converted.
///
/// # Errors
///
/// If it is another kind of file, or damaged (says which, and what to do); or if it holds another network (says which,
/// and which kind of node takes it).
pub fn read(bytes: &[u8], wanted: &[Family]) -> Result<Weights, WeightsError> {
    let archive = formats::read(bytes, &Limits::default())?;
    let network = archive.network(wanted)?;
    let is_other =
        |other: &formats::Network<'_>| wanted.contains(&other.family) && other.part != network.part;
    let others = match network.is_average() {
        true => Vec::new(),
        false => archive.networks().into_iter().filter(is_other).map(|other| other.part).collect(),
    };
    // So that what is not borrowed from the file is gone when it is converted.
    drop(archive);
    let mut not_finite = Vec::new();
    let formats::Network { family, part, settings, tensors: named, .. } = network;
    let mut tensors = HashMap::with_capacity(named.len());
    for (name, tensor) in named {
        let (converted, count) = convert(&name, &tensor)?;
        if count > 0 {
            not_finite.push(NotFinite { name: name.clone(), count, of: tensor.count() });
        }
        tensors.insert(name, converted);
    }
    not_finite.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Weights { family, part, others, settings, tensors, not_finite })
}

/// All tensors of a file, whatever they belong to, by their names in the file.
///
/// # Errors
///
/// If it is another kind of file, or damaged, or holds a type that is not supported.
pub fn read_all(bytes: &[u8]) -> Result<HashMap<String, Tensor>, WeightsError> {
    let archive = formats::read(bytes, &Limits::default())?;
    let tensors = archive.tensors.iter();
    tensors.map(|(name, tensor)| Ok((name.clone(), convert(name, tensor)?.0))).collect()
}

/// The tensor, floats as f32, and how many of them are not finite.
fn convert(name: &str, tensor: &formats::Tensor<'_>) -> Result<(Tensor, usize), WeightsError> {
    let integers = |dtype| Tensor::from_raw_buffer(&tensor.data(), dtype, tensor.shape(), &Device::Cpu);
    let converted = match tensor.dtype() {
        DType::F16 | DType::BF16 | DType::F32 | DType::F64 => {
            let values = tensor.to_f32();
            let count = values.iter().filter(|value| !value.is_finite()).count();
            return Ok((Tensor::from_vec(values, tensor.shape(), &Device::Cpu)?, count));
        }
        DType::Bool | DType::U8 => integers(candle_core::DType::U8)?,
        DType::U32 => integers(candle_core::DType::U32)?,
        DType::I64 => integers(candle_core::DType::I64)?,
        dtype => return Err(WeightsError::Type { name: name.to_owned(), dtype: dtype.name() }),
    };
    Ok((converted, 0))
}
