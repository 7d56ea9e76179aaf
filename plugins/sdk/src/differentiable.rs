//! Functions as their authors write them.

use crate::function::FnSpec;
use crate::{Error, Peak, Result, Tiles};
use candle_core::Tensor;

/// A differentiable function `y[0..m) = f(x[0..n))` over float32 tensors.
///
/// Implementing `forward` with candle ops is enough: the tape is candle's graph. candle's own max-pool and
/// nearest-upsample have wrong gradients; use those of `dreamwire-kernels`.
pub trait Differentiable: Send + Sync + 'static {
    /// Type, inputs and outputs; asked once.
    fn spec(&self) -> FnSpec;

    /// `y = f(x)`. `x` has one tensor per given input of the spec; inputs to differentiate are tracked.
    ///
    /// # Errors
    /// State what was expected and what was found.
    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>>;

    /// Its halo, if it is local: then a large picture can be dreamt in tiles. Requested once.
    fn tiles(&self) -> Option<Tiles> {
        None
    }

    /// Memory that is free when the function is gone, in bytes: weights that neither the node nor another function keeps.
    /// `None` where nobody knows. Asked once; caches count it.
    fn memory(&self) -> Option<u64> {
        None
    }

    /// Memory that an evaluation needs. `None` where nobody knows: then nothing is refused for it. Requested once.
    fn peak(&self) -> Option<Peak> {
        None
    }

    /// `y = f(x)` and what its vjp needs, for the inputs whose bits are set in `wrt`.
    ///
    /// # Errors
    /// As [`Differentiable::forward`].
    fn linearise(&self, x: &[Tensor], wrt: u64) -> Result<Linearised> {
        let y = self.forward(x)?;
        let pullback = CandleTape { x: x.to_vec(), y: y.clone(), wrt };
        Ok(Linearised { y, pullback: Box::new(pullback) })
    }
}

/// A forward pass with its way back.
pub struct Linearised {
    /// The outputs.
    pub y: Vec<Tensor>,
    /// The vjp at `x`.
    pub pullback: Box<dyn Pullback>,
}

/// The vector-Jacobian product of a function at one point.
pub trait Pullback: Send {
    /// `gx = J^T gy`; `None` in `gy` is zero, `None` in the result is exactly zero or not requested.
    ///
    /// # Errors
    /// State what was expected and what was found.
    fn vjp(&self, gy: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>>;

    /// Memory that it pins, in bytes, as far as it knows.
    fn bytes(&self) -> u64;
}

/// The default tape: candle's graph from `x` to `y`.
struct CandleTape {
    x: Vec<Tensor>,
    y: Vec<Tensor>,
    wrt: u64,
}

impl Pullback for CandleTape {
    fn vjp(&self, gy: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        // candle's backward seeds with ones, so the cotangent is contracted first: d<y,gy>/dx = J^T gy.
        let mut total: Option<Tensor> = None;
        for (y, gy) in self.y.iter().zip(gy) {
            let Some(gy) = gy else { continue };
            if gy.dims() != y.dims() {
                let (found, wanted) = (gy.dims(), y.dims());
                return Err(Error::shape(
                    "",
                    format!("a cotangent must have the shape of its output, {wanted:?}, found {found:?}"),
                ));
            }
            let term = (y * gy)?.sum_all()?;
            total = Some(match total {
                Some(sum) => (sum + term)?,
                None => term,
            });
        }
        let Some(total) = total else { return Ok(vec![None; self.x.len()]) };
        let gradients = total.backward()?;
        let asked = |i: usize| self.wrt >> i & 1 == 1;
        Ok(self
            .x
            .iter()
            .enumerate()
            .map(|(i, x)| gradients.get(x).filter(|_| asked(i)).map(Tensor::detach))
            .collect())
    }

    fn bytes(&self) -> u64 {
        // What lies between x and y is known to candle only; this counts the ends.
        self.x.iter().chain(&self.y).map(|t| (t.elem_count() * t.dtype().size_in_bytes()) as u64).sum()
    }
}
