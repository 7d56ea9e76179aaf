//! What a file holds.

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use crate::error::Error;
use crate::limits::Budget;
use crate::tensor::Tensor;

/// The layouts that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// safetensors.
    Safetensors,
    /// `torch.save` since PyTorch 1.6: a zip file.
    TorchZip,
    /// `torch.save` before PyTorch 1.6.
    TorchLegacy,
    /// `torch.jit.save`: a zip file with weights and code, of which only the weights are read.
    TorchScript,
    /// A pickle of NVIDIA's StyleGAN2-ADA or StyleGAN3 for PyTorch.
    StyleGan,
    /// A pickle of NVIDIA's StyleGAN or StyleGAN2 for TensorFlow.
    StyleGanTensorFlow,
    /// Any other pickle with arrays or tensors.
    Pickle,
    /// One NumPy array.
    Npy,
    /// A zip file of NumPy arrays.
    Npz,
}

impl Format {
    /// Its name in a sentence, with an article.
    pub fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "a safetensors file",
            Self::TorchZip => "a PyTorch checkpoint (zip)",
            Self::TorchLegacy => "a PyTorch checkpoint (legacy)",
            Self::TorchScript => "a TorchScript file",
            Self::StyleGan => "a StyleGAN pickle of NVIDIA for PyTorch",
            Self::StyleGanTensorFlow => "a StyleGAN pickle of NVIDIA for TensorFlow",
            Self::Pickle => "a pickle",
            Self::Npy => "a NumPy array",
            Self::Npz => "an archive of NumPy arrays",
        }
    }
}

/// The tensors of a file, by dotted names, in the order of the file.
#[derive(Clone, Debug)]
pub struct Archive<'a> {
    /// Its layout.
    pub format: Format,
    /// Its tensors. They borrow from the bytes of the file.
    pub tensors: IndexMap<String, Tensor<'a>>,
    /// What else the file says: numbers and texts by their keys; for NVIDIA's networks `class_name`, `_init_args` and
    /// `_init_kwargs`; the `__metadata__` of a safetensors file.
    pub metadata: Map<String, Json>,
    /// The keys of the outermost dict that hold tensors below them, in the order of the file: `state_dict`, or the
    /// networks of a checkpoint that has several.
    pub parts: Vec<String>,
    /// Arrays that do not hold numbers, with the reason.
    pub skipped: Vec<(String, &'static str)>,
}

impl<'a> Archive<'a> {
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            tensors: IndexMap::new(),
            metadata: Map::new(),
            parts: Vec::new(),
            skipped: Vec::new(),
        }
    }

    pub(crate) fn insert(&mut self, name: String, tensor: Tensor<'a>, budget: &Budget) -> Result<(), Error> {
        budget.tensor(tensor.byte_len())?;
        if self.tensors.contains_key(&name) {
            return Err(Error::Tensor {
                name,
                problem: "is in the file twice, under the same name".to_owned(),
            });
        }
        self.tensors.insert(name, tensor);
        Ok(())
    }

    pub(crate) fn add_metadata(&mut self, more: Map<String, Json>) {
        self.metadata.extend(more);
    }

    /// The tensors whose names start with `part` and a dot, without these: the network `g_ema` of a checkpoint.
    pub fn part<'s>(&'s self, part: &'s str) -> impl Iterator<Item = (&'s str, &'s Tensor<'a>)> + 's {
        self.tensors.iter().filter_map(move |(name, tensor)| {
            let rest = name.strip_prefix(part)?.strip_prefix('.')?;
            Some((rest, tensor))
        })
    }
}
