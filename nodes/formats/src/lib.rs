//! Files of network weights, as users have them, to named tensors.
//!
//! A file is told by its content, never by its name, and nothing in it is ever executed: a pickle becomes a tree of
//! plain values, in which the calls that Python would make are looked at as data. Everything is bounded by [`Limits`].
//!
//! | file | read by |
//! |---|---|
//! | `.safetensors` | the safetensors crate |
//! | `torch.save`, since PyTorch 1.6 and before; TorchScript | `torch` |
//! | NVIDIA's StyleGAN2-ADA and StyleGAN3 `.pkl`, StyleGAN2 for TensorFlow | `pickle`, `walk` |
//! | `.npy`, `.npz` | `numpy` |
//!
//! [`Archive::networks`] says which networks these tensors are, and gives them the names that Dreamwire's nodes use.
//!
//! Tensors borrow from the bytes of the file, so that a mapped file is not copied.

mod archive;
mod bytes;
mod checksums;
mod container;
mod dtype;
mod error;
mod limits;
mod network;
mod numpy;
mod pickle;
mod quantised;
mod recognise;
mod safetensors_file;
mod tensor;
mod torch;
mod walk;

pub use archive::{Archive, Format};
pub use checksums::{Checksums, checksums};
pub use dtype::DType;
pub use error::Error;
pub use limits::Limits;
pub use network::{Family, Layout, Network, Unsupported, export};
pub use recognise::{What, recognise};
pub use safetensors_file::write as write_safetensors;
pub use tensor::Tensor;

use bytes::Bytes;
use container::Container;
use limits::Budget;
use torch::rebuild::NothingOutside;

/// Reads a file of network weights.
///
/// # Errors
///
/// If it is another kind of file, is damaged or truncated, asks for more than `limits` allow or for code to be run, or
/// holds no tensors.
pub fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Archive<'a>, Error> {
    let budget = Budget::new(limits, bytes.len());
    let archive = match recognise(bytes) {
        What::Weights(Format::Safetensors) => return safetensors_file::read(bytes, &budget),
        What::Weights(Format::TorchLegacy) => torch::legacy::read(bytes, &budget)?,
        What::Weights(Format::Npy) => numpy::read_npy(bytes, &budget)?,
        What::Weights(_) => read_pickle(bytes, &budget)?,
        What::Zip => read_zip(bytes, &budget)?,
        other => return Err(Error::NotWeights(other)),
    };
    match archive.skipped.first() {
        Some((name, why)) if archive.tensors.is_empty() => Err(Error::tensor(name, *why)),
        None if archive.tensors.is_empty() => Err(Error::NoTensors(archive.format.name().to_owned())),
        _ => Ok(archive),
    }
}

fn read_zip<'a>(bytes: &'a [u8], budget: &Budget) -> Result<Archive<'a>, Error> {
    let container = Container::open(bytes, budget)?;
    let roots: Vec<String> = container
        .names()
        .filter_map(|name| name.strip_suffix("data.pkl"))
        .filter(|root| root.is_empty() || (root.ends_with('/') && root.matches('/').count() == 1))
        .map(str::to_owned)
        .collect();
    match roots.as_slice() {
        [root] => torch::zipped::read(&container, root, budget),
        [] if container.names().next().is_some() && container.names().all(|name| name.ends_with(".npy")) => {
            numpy::read_npz(&container, budget)
        }
        [] => Err(Error::NotWeights(What::Zip)),
        _ => Err(Error::Damaged("the zip file holds several PyTorch checkpoints".to_owned())),
    }
}

fn read_pickle<'a>(bytes: &'a [u8], budget: &Budget) -> Result<Archive<'a>, Error> {
    let (tree, _) = pickle::load(bytes, 0, budget)?;
    let format = if tree.mentions("torch_utils.persistence", "_reconstruct_persistent_obj") {
        Format::StyleGan
    } else if tree.mentions("dnnlib.tflib.network", "Network") {
        Format::StyleGanTensorFlow
    } else {
        Format::Pickle
    };
    let mut archive = Archive::new(format);
    walk::collect(&tree, &|part| Ok(Bytes::of_file(part)), &mut NothingOutside, budget, "", &mut archive)?;
    if archive.tensors.is_empty()
        && let Some(call) = walk::call(&tree, tree.root())
    {
        return Err(Error::NoTensors(format!("a pickle of `{}.{}`", call.module, call.name)));
    }
    Ok(archive)
}
