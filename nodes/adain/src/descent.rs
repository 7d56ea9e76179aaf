use std::time::{Duration, Instant};

use dreamwire_nets::adain::{channel_statistics, statistics_pull, transfer};
use dreamwire_nets::objective::total_variation;
use dreamwire_nets::optim::{Adam, Stepper};
use dreamwire_sdk::candle::Var;
use dreamwire_sdk::prelude::*;

/// Style transfer by descent: the pixels are optimised until their features have the style's statistics.
///
/// The loss is that of AdaIN's decoder in training (Huang & Belongie, arXiv:1703.06868, equations 11 to 13),
/// minimised over the picture x itself:
///
/// ```text
/// mean (F_L(x) - t)^2 / v_L
///   + strength * sum_l w_l (mean_c (mean_l(x) - m_l)^2 + mean_c (std_l(x) - s_l)^2) / v_l
///   + smoothness * mean (dx^2 + dy^2)
/// ```
///
/// `t` is AdaIN's result for the content's last layer L, `m_l` and `s_l` are the style's mean and deviation
/// of every channel, and `v_l` is the mean variance of its channels. In VGG16, `relu3_1` has about a hundred
/// times the variance of `relu1_1`: without `v_l` it would dominate.
pub(crate) struct Descent {
    features: Function,
    layers: Vec<Goal>,
    /// `t`.
    content: Tensor,
    /// `1 / v_L`, divided by the size of an image's last layer; `[B or 1,1,1,1]`.
    content_factor: Tensor,
    smoothness: f64,
}

/// The target statistics of one layer.
struct Goal {
    /// `m_l`, `[B or 1,C,1,1]`.
    mean: Tensor,
    /// `s_l`, `[B or 1,C,1,1]`.
    std: Tensor,
    /// `strength w_l / v_l`, per image.
    factors: Vec<f64>,
}

/// The weights of the parts of the loss.
pub(crate) struct Wish {
    /// From 0, the content's own statistics, to 1, the style's.
    pub(crate) alpha: f64,
    pub(crate) strength: f64,
    pub(crate) smoothness: f64,
}

/// Steps and learning rate.
pub(crate) struct Pace {
    pub(crate) steps: usize,
    /// Of the first step, in the picture's units; it decreases linearly to 0, so that pixels come to rest.
    pub(crate) rate: f64,
}

impl Descent {
    const PREVIEW_PAUSE: Duration = Duration::from_millis(200);

    /// Targets for all layers of `features`, for `content` `[B,H,W,3]` and `style` `[B or 1,h,w,3]`.
    ///
    /// # Errors
    ///
    /// If there is no layer, a layer's weight is not a number, a layer has too few positions for statistics,
    /// or the provider of the features fails.
    pub(crate) fn new(features: Function, content: &Tensor, style: &Tensor, wish: &Wish) -> Result<Self> {
        let weights = features
            .spec()
            .outputs
            .iter()
            .map(|it| it.weight().map_err(|error| error.at("features")))
            .collect::<Result<Vec<f64>>>()?;
        let (styles, contents) = (features.eval(&[style])?, features.eval(&[content])?);
        let (Some(last), Some(last_style)) = (contents.last(), styles.last()) else {
            return Err(Error::port("features", "`features` has no layers"));
        };
        let blamed = |error: Error| {
            error.at("features").hint(
                "if a layer is too small, list earlier ones in `layers` of the features, or use larger pictures",
            )
        };
        let (_, factor) = goal(last, last_style, wish.alpha, 1.0).map_err(blamed)?;
        let count = last.elem_count() as f64 / last.dim(0)? as f64;
        let layers = contents.iter().zip(&styles).zip(weights).map(|((content, style), weight)| {
            let (goal, _) = goal(content, style, wish.alpha, wish.strength * weight).map_err(blamed)?;
            Ok(goal)
        });
        Ok(Self {
            layers: layers.collect::<Result<_>>()?,
            content: transfer(last, &[(last_style.clone(), 1.0)], wish.alpha)?,
            content_factor: (factor / count)?,
            features,
            smoothness: wish.smoothness,
        })
    }

    /// Optimises the picture `start`, of the content's size, according to `pace`; the result is in 0..1.
    ///
    /// # Errors
    ///
    /// If the host cancels, the features fail, or something is not finite.
    pub(crate) fn run(&self, call: &Call, start: &Tensor, pace: &Pace) -> Result<Tensor> {
        let mut image = start.clamp(0f32, 1f32)?;
        let mut adam = Stepper::Adam(Adam::default());
        let mut shown: Option<Instant> = None;
        for step in 0..pace.steps {
            let (loss, gradient) = self.loss_and_gradient(&image, step)?;
            let rate = pace.rate * (1.0 - step as f64 / pace.steps as f64);
            image = (&image - (adam.direction(&gradient)? * rate)?)?.clamp(0f32, 1f32)?;
            let note = format!("step {}/{} loss {loss:.5}", step + 1, pace.steps);
            call.progress(step as u64 + 1, pace.steps as u64, &note)?;
            if shown.is_none_or(|shown| shown.elapsed() >= Self::PREVIEW_PAUSE) {
                call.preview(&image);
                shown = Some(Instant::now());
            }
        }
        Ok(image)
    }

    /// The loss, averaged over the batch, and the gradient of each image's own loss.
    ///
    /// The gradient is multiplied by `H W C`, so that it does not depend on the picture's size, and stays far
    /// above the 1e-8 that Adam adds.
    fn loss_and_gradient(&self, image: &Tensor, step: usize) -> Result<(f64, Tensor)> {
        let images = image.dim(0)? as f64;
        let length = image.elem_count() as f64 / images;
        let (features, tape) = self.features.linearise(&[image], 1)?;
        let (mut loss, mut pulls) = (0.0, Vec::new());
        for (feature, goal) in features.iter().zip(&self.layers) {
            let (value, pull) = statistics_pull(feature, [&goal.mean, &goal.std], &goal.factors)?;
            loss += value;
            pulls.push(pull);
        }
        if let (Some(last), Some(pull)) = (features.last(), pulls.last_mut()) {
            let off = (last - &self.content)?;
            let weighted = off.broadcast_mul(&self.content_factor)?;
            loss += f64::from((off * &weighted)?.sum_all()?.to_scalar::<f32>()?);
            *pull = (&*pull + (weighted * 2.0)?)?;
        }
        if !loss.is_finite() {
            return Err(self.not_finite(step, "loss", &features));
        }
        let cotangents: Vec<Option<&Tensor>> = pulls.iter().map(Some).collect();
        let gradient = match tape.vjp(&cotangents)?.into_iter().next().flatten() {
            Some(gradient) => gradient,
            // `None` is exactly zero.
            None => image.zeros_like()?,
        };
        let (roughness, slope) = self.roughness(image)?;
        let gradient = ((gradient + slope)? * length)?;
        if !is_finite(&gradient) {
            return Err(self.not_finite(step, "gradient", &features));
        }
        Ok(((loss + roughness) / images, gradient))
    }

    /// `smoothness` times the total variation, summed over the batch, and its gradient.
    fn roughness(&self, image: &Tensor) -> Result<(f64, Tensor)> {
        let picture = Var::from_tensor(image)?;
        let value = (total_variation(picture.as_tensor())?.sum_all()? * self.smoothness)?;
        let gradients = value.backward()?;
        let slope = gradients.get(&picture).map_or_else(|| image.zeros_like(), |slope| Ok(slope.detach()))?;
        Ok((f64::from(value.to_scalar::<f32>()?), slope))
    }

    /// The error for values that are not finite.
    fn not_finite(&self, step: usize, what: &str, features: &[Tensor]) -> Error {
        let outputs = features.iter().zip(&self.features.spec().outputs);
        let layer = outputs.into_iter().find(|(feature, _)| !is_finite(feature));
        let layer = layer.map(|(_, output)| format!(", as is layer `{}`", output.name)).unwrap_or_default();
        let hint = match step {
            0 => "check whether `content`, `style` and the weights of `features` are finite",
            _ => "lower `rate`",
        };
        Error::nonfinite(format!("at step {} the {what} is not finite{layer}", step + 1)).hint(hint)
    }
}

/// The target statistics of a layer, given the features of both pictures, and `weight` over the style's mean
/// variance, `[B or 1,1,1,1]`.
fn goal(content: &Tensor, style: &Tensor, alpha: f64, weight: f64) -> Result<(Goal, Tensor)> {
    let ((mean, std), (style_mean, style_std)) = (channel_statistics(content)?, channel_statistics(style)?);
    let factor = (style_std.sqr()?.mean_keepdim(1)?.recip()? * weight)?;
    let images = content.dim(0)?;
    let factors = factor.broadcast_as((images, 1, 1, 1))?.flatten_all()?.to_vec1::<f32>()?;
    let factors = factors.into_iter().map(f64::from).collect();
    let mixed = |own: Tensor, style: Tensor| (own * (1.0 - alpha))?.broadcast_add(&(style * alpha)?);
    Ok((Goal { mean: mixed(mean, style_mean)?, std: mixed(std, style_std)?, factors }, factor))
}

fn is_finite(x: &Tensor) -> bool {
    let size = x.abs().and_then(|size| size.sum_all()).and_then(|size| size.to_scalar::<f32>());
    size.is_ok_and(f32::is_finite)
}

#[cfg(test)]
mod tests;
