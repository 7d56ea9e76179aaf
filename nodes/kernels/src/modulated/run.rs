use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use super::Behind;
use super::slopes::Slopes;
use super::weights::Weights;
use crate::activation::View;
use crate::element::Element;
use crate::op::{Values, operand};

/// One application of a layer to a map, styles and planes of noise, which may be empty.
pub(super) struct Run<T> {
    pub(super) weights: Arc<Weights<T>>,
    pub(super) behind: Behind,
}

impl<T: Element> CustomOp3 for Run<T> {
    fn name(&self) -> &'static str {
        "modulated-conv"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        styles: &CpuStorage,
        styles_layout: &Layout,
        noise: &CpuStorage,
        noise_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (n, h, w, c) = x_layout.shape().dims4()?;
        let x = View::new(operand(x, x_layout)?, [n, h, w, c]);
        let (styles, noise) = (operand(styles, styles_layout)?, operand(noise, noise_layout)?);
        let (y, shape) = self.weights.forward(x, styles, noise, &self.behind);
        Ok((T::to_cpu_storage_owned(y), Shape::from(shape.to_vec())))
    }

    fn bwd(
        &self,
        x: &Tensor,
        styles: &Tensor,
        noise: &Tensor,
        y: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [shape, y_shape]: [[usize; 4]; 2] = [x.dims4()?.into(), y.dims4()?.into()];
        let wants_noise = noise.track_op();
        let (x, styles, noise) = (x.contiguous()?, styles.contiguous()?, noise.contiguous()?);
        let (y, gradient) = (y.contiguous()?, gradient.contiguous()?);
        let found = {
            let (x, styles, noise) =
                (Values::<T>::of(&x)?, Values::<T>::of(&styles)?, Values::<T>::of(&noise)?);
            let (y, gradient) = (Values::<T>::of(&y)?, Values::<T>::of(&gradient)?);
            let slopes = Slopes::new(View::new(&y, y_shape), &gradient, &noise, &self.behind);
            let x = View::new(&x, shape);
            self.weights.backward(x, &styles, &slopes, &self.behind.smoothing, wants_noise)
        };
        let to_noise = if wants_noise {
            Some(Tensor::from_vec(found.noise, noise.shape(), noise.device())?)
        } else {
            None
        };
        Ok((
            Some(Tensor::from_vec(found.x, x.shape(), x.device())?),
            Some(Tensor::from_vec(found.styles, styles.shape(), styles.device())?),
            to_noise,
        ))
    }
}
