use std::collections::HashMap;

use candle_core::{Result, Tensor, bail};
use dreamwire_nets::vgg::{Variant, layer_names};

/// VGG16 up to the layer `last` in candle's own operators: Dreamwire without its kernels.
///
/// Outputs agree with the kernels' up to rounding. Gradients do not: candle's max-pool divides them by the
/// size of its window.
/// window.
///
/// # Errors
///
/// If a weight is missing, and those of candle.
pub(crate) fn features(weights: &HashMap<String, Tensor>, x: &Tensor, last: &str) -> Result<Tensor> {
    let tensor = |name: String| match weights.get(&name) {
        Some(tensor) => Ok(tensor),
        None => bail!("these are not the weights of VGG16: `{name}` is missing"),
    };
    let mut x = x.clone();
    for (index, name) in layer_names(Variant::Vgg16).iter().enumerate() {
        x = match &name[..4] {
            "relu" => x.relu()?,
            "pool" => x.max_pool2d(2)?,
            _ => {
                let weight = tensor(format!("features.{index}.weight"))?;
                let bias = tensor(format!("features.{index}.bias"))?.reshape((1, (), 1, 1))?;
                x.conv2d(weight, 1, 1, 1, 1)?.broadcast_add(&bias)?
            }
        };
        if name == last {
            break;
        }
    }
    Ok(x)
}
