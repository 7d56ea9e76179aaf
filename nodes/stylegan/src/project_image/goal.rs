use dreamwire_nets::objective::{anchor_distance, unit_distance, unit_length};
use dreamwire_sdk::candle::Var;
use dreamwire_sdk::prelude::*;

use super::fit::{fitted, with_channels};

/// What a search minimises, of pictures `[B,H,W,C]`: the sum of its distances over the batch.
pub(super) struct Goal {
    near: Option<Near>,
    objective: Option<Function>,
    /// Pictures are compared after they were divided by this number.
    factor: usize,
}

/// How far pictures are from the target.
enum Near {
    Pixels(Tensor),
    Features {
        function: Function,
        /// [`unit_length`] of the layers of the target.
        targets: Vec<Tensor>,
        weights: Vec<f64>,
        channels: usize,
    },
}

impl Goal {
    /// For pictures of the shape `[batch,height,width,channels]`.
    ///
    /// # Errors
    ///
    /// If there is nothing to compare with, or the image or the features do not fit.
    pub(super) fn new(
        call: &Call,
        image: Option<Tensor>,
        features: Option<Function>,
        objective: Option<Function>,
        [_, height, width, channels]: [usize; 4],
        compare_size: usize,
    ) -> Result<Self> {
        let factor = factor(height, width, compare_size);
        let near = match (image, features) {
            (Some(image), features) => {
                let target = shrunk(&fitted(call, &image, (height, width), channels)?, factor)?;
                Some(match features {
                    Some(features) => Near::features(features, &target)?,
                    None => Near::Pixels(target),
                })
            }
            (None, Some(_)) => {
                return Err(Error::port(
                    "features",
                    "`features` compare with `image`, which is not connected",
                ));
            }
            (None, None) => None,
        };
        if near.is_none() && objective.is_none() {
            return Err(Error::port("image", "neither `image` nor `objective` is connected")
                .hint("connect the picture to come close to"));
        }
        Ok(Self { near, objective, factor })
    }

    /// The distance of pictures, the sum over the batch, and its gradient with respect to each.
    ///
    /// # Errors
    ///
    /// Those of the functions' providers.
    pub(super) fn distance(&self, pictures: &Tensor) -> Result<(f64, Tensor)> {
        let pictures = Var::from_tensor(&pictures.contiguous()?)?;
        let seen = shrunk(&pictures, self.factor)?;
        let mut total: Option<Tensor> = None;
        if let Some(near) = &self.near {
            total = Some(near.distance(&seen)?.sum_all()?);
        }
        if let Some(objective) = &self.objective {
            let value = objective.apply(&seen.contiguous()?)?.into_iter().next();
            let value = value.ok_or_else(|| Error::port("objective", "`objective` returned no number"))?;
            let loss = value.sum_all()?.neg()?;
            total = Some(match total {
                Some(total) => (total + loss)?,
                None => loss,
            });
        }
        let Some(total) = total else { return Ok((0.0, pictures.zeros_like()?)) };
        let value = f64::from(total.to_scalar::<f32>()?);
        let gradients = total.backward()?;
        // `None` is exactly zero.
        let gradient = gradients.get(&pictures).cloned().map_or_else(|| pictures.zeros_like(), Ok)?;
        Ok((value, gradient))
    }

    /// The memory of [`Goal::distance`] for pictures of the shape `dims`, as far as it is known.
    pub(super) fn bytes(&self, [batch, height, width, _]: [usize; 4]) -> u64 {
        /// Copies of its layers that a comparison has at once: scaled, differences, and what their gradients are made of.
        const LAYER_COPIES: u64 = 8;
        let dims = [batch, height / self.factor, width / self.factor, 3];
        let of_features = match &self.near {
            Some(Near::Features { function, .. }) => function.peak().map_or(0, |peak| {
                let layers = peak.of_outputs(&dims).saturating_mul(LAYER_COPIES);
                peak.of_gradient(&dims).saturating_add(layers)
            }),
            _ => 0,
        };
        let of_objective = self.objective.as_ref().and_then(Function::peak);
        of_features.saturating_add(of_objective.map_or(0, |peak| peak.of_gradient(&dims)))
    }
}

impl Near {
    /// Compares in the layers of `features`.
    fn features(function: Function, target: &Tensor) -> Result<Self> {
        let spec = function.spec();
        let wanted = spec.inputs.first().and_then(|input| input.dims.last().copied());
        let channels = wanted.and_then(|wanted| usize::try_from(wanted).ok()).unwrap_or(target.dim(3)?);
        let weights = spec.outputs.iter().map(|layer| layer.weight().map_err(|error| error.at("features")));
        let weights = weights.collect::<Result<Vec<_>>>()?;
        if weights.iter().all(|weight| *weight == 0.0) {
            let message = format!("all layers of `{}` have weight 0", spec.name);
            return Err(Error::port("features", message));
        }
        let layers = function.eval(&[&seen_by(target, channels)?])?;
        let targets = layers.iter().map(unit_length).collect::<std::result::Result<Vec<_>, _>>()?;
        Ok(Self::Features { function, targets, weights, channels })
    }

    /// `[B]`.
    fn distance(&self, seen: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Self::Pixels(target) => anchor_distance(seen, target)?,
            Self::Features { function, targets, weights, channels } => {
                let layers = function.apply(&seen_by(seen, *channels)?)?;
                unit_distance(&layers, targets, weights)?
            }
        })
    }
}

/// A picture with the channels that a network takes.
fn seen_by(picture: &Tensor, channels: usize) -> Result<Tensor> {
    let found = picture.dim(3)?;
    let seen = with_channels(picture, channels)?.ok_or_else(|| {
        let message =
            format!("`features` needs pictures with {channels} channels, those of `generator` have {found}");
        Error::shape("features", message)
    })?;
    Ok(seen.contiguous()?)
}

/// The number to divide both sides by, so that they are at most `most` pixels; 1 if none does.
fn factor(height: usize, width: usize, most: usize) -> usize {
    let divides = |by: usize| height.is_multiple_of(by) && width.is_multiple_of(by);
    let fits = |by: &usize| divides(*by) && height.max(width) / by <= most;
    (1..=height.min(width)).find(fits).unwrap_or(1)
}

/// The means of blocks of `factor` x `factor` pixels. It is differentiable.
fn shrunk(pictures: &Tensor, factor: usize) -> Result<Tensor> {
    if factor == 1 {
        return Ok(pictures.clone());
    }
    let (batch, height, width, channels) = pictures.dims4()?;
    let (rows, columns) = (height / factor, width / factor);
    let flat = pictures.reshape((batch * rows, factor, width * channels))?.mean(1)?;
    let flat = flat.reshape((batch * rows * columns, factor, channels))?.mean(1)?;
    Ok(flat.reshape((batch, rows, columns, channels))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_leave_no_pixel_over() {
        assert_eq!(factor(1024, 1024, 256), 4);
        assert_eq!(factor(256, 256, 256), 1);
        assert_eq!(factor(1024, 512, 256), 4);
        assert_eq!(factor(64, 64, 0), 1);
        assert_eq!(factor(515, 515, 256), 5);
        assert_eq!(factor(1025, 1024, 1000), 1);
    }

    #[test]
    fn blocks_are_averaged() {
        let values: Vec<f32> = (0..16).map(|value| value as f32).collect();
        let picture = Tensor::from_vec(values, (1, 4, 2, 2), &Device::Cpu).unwrap();
        let found = shrunk(&picture, 2).unwrap();
        assert_eq!(found.dims(), [1, 2, 1, 2]);
        assert_eq!(found.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [3.0, 4.0, 11.0, 12.0]);
    }
}
