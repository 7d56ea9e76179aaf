use dreamwire_sdk::prelude::*;

use crate::{classes, family, latent};

/// MAPPING: from random numbers `z` `[B,z]` to styles `w` `[B,layers,w]`, and their average `w_avg` `[w]`. In a network
/// with classes `c` `[B,classes]` follows `z`. Where only the class counts, `z` may have any width.
pub(crate) struct Mapping(pub(crate) family::Mapping);

impl Differentiable for Mapping {
    fn spec(&self) -> FnSpec {
        let (layers, width) = (self.0.layers() as i64, self.0.w_width() as i64);
        let z_width = if self.0.z_width() == 0 { -1 } else { self.0.z_width() as i64 };
        let spec = FnSpec::new("MAPPING", self.0.name()).input(TensorSpec::new("z", &[-1, z_width]));
        classes::spec(self.0.classes())
            .into_iter()
            .fold(spec, FnSpec::input)
            .output(TensorSpec::new("w", &[-1, layers, width]))
            .output(TensorSpec::new("w_avg", &[width]))
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let (z, c) = match x {
            [z] => (z, None),
            [z, c] => (z, Some(c)),
            _ => return Err(Error::failed(format!("a mapping takes 1 or 2 inputs, found {}", x.len()))),
        };
        if self.0.z_width() > 0 {
            latent::check_z(z, self.0.z_width())?;
        }
        classes::check(c, self.0.classes(), z.dim(0)?)?;
        Ok(vec![self.0.forward_with(z, c)?, self.0.average().clone()])
    }
}

/// GENERATOR: from styles `w` `[B,layers,w]` to pictures `[B,h,w,C]`, in 0..1 except for overshoots.
///
/// What else determines the picture follows `w`, all or none; without it the generator uses what the weights have.
/// StyleGAN2 and the first StyleGAN take noise planes `noise_0`, `noise_1`, .. `[B or 1,1,h,w]`, StyleGAN3 a `transform`
/// `[B or 1,3,3]`.
pub(crate) struct Generator(pub(crate) family::Synthesis);

impl Differentiable for Generator {
    fn spec(&self) -> FnSpec {
        let (layers, width) = (self.0.layers() as i64, self.0.w_width() as i64);
        let spec = FnSpec::new("GENERATOR", self.0.name()).input(TensorSpec::new("w", &[-1, layers, width]));
        let spec = self.0.options().into_iter().fold(spec, FnSpec::input);
        let ([height, width], channels) = (self.0.size(), self.0.channels() as i64);
        spec.output(TensorSpec::new("image", &[-1, height as i64, width as i64, channels]))
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let Some((w, options)) = x.split_first() else {
            return Err(Error::failed("a generator needs a latent, found none"));
        };
        latent::check_w(w, self.0.layers(), self.0.w_width())?;
        self.0.check_options(options, w.dim(0)?)?;
        // The network's pictures are in -1..1.
        Ok(vec![self.0.forward(w, options)?.affine(0.5, 0.5)?])
    }

    fn peak(&self) -> Option<Peak> {
        let found = self.0.peak();
        // The scaled picture, and what its gradient is made of.
        let (value, gradient) = (found.forward + found.outputs, found.gradient + 6 * found.outputs);
        Some(Peak { fixed: found.fixed, outputs: found.outputs, value, gradient })
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::in_call;

    use super::*;
    use crate::small;

    fn w(batch: usize) -> Tensor {
        small::normal(1, &[batch, small::LAYERS, small::WIDTH])
    }

    /// One plane per layer with noise, `[batch,1,r,r]`.
    fn noise(batch: usize) -> Vec<Tensor> {
        (2..).zip(small::NOISE).map(|(seed, side)| small::normal(seed, &[batch, 1, side, side])).collect()
    }

    #[test]
    fn specs_tell_all_sizes() {
        let (mapping, generator) = small::load();
        let dims = |specs: &[TensorSpec]| -> Vec<(String, Vec<i64>)> {
            specs.iter().map(|spec| (spec.name.clone(), spec.dims.clone())).collect()
        };
        assert_eq!((mapping.ty(), generator.ty()), ("MAPPING", "GENERATOR"));
        assert_eq!(dims(&mapping.spec().inputs), [("z".to_owned(), vec![-1i64, 16])]);
        assert_eq!(
            dims(&mapping.spec().outputs),
            [("w".to_owned(), vec![-1, 6, 16]), ("w_avg".to_owned(), vec![16])]
        );
        let inputs = dims(&generator.spec().inputs);
        assert_eq!(inputs[0], ("w".to_owned(), vec![-1, 6, 16]));
        let planes: Vec<_> = (0..)
            .zip(small::NOISE)
            .map(|(index, side)| (format!("noise_{index}"), vec![-1, 1, side as i64, side as i64]))
            .collect();
        assert_eq!(inputs[1..], planes);
        assert_eq!(dims(&generator.spec().outputs), [("image".to_owned(), vec![-1, 16, 16, 3])]);
    }

    #[test]
    fn gradients_reach_the_latent_and_the_noise() {
        let (mapping, generator) = small::load();
        in_call(|_| {
            let (w, noise) = (w(2), noise(1));
            let x: Vec<&Tensor> = std::iter::once(&w).chain(&noise).collect();
            let (y, tape) = generator.linearise(&x, 0b11)?;
            let gradients = tape.vjp(&[Some(&y[0])])?;
            for (gradient, x) in gradients.iter().zip(&x).take(2) {
                let gradient = gradient.as_ref().expect("asked for");
                assert_eq!(gradient.dims(), x.dims());
                assert!(gradient.abs()?.sum_all()?.to_scalar::<f32>()? > 0.0);
            }
            assert!(gradients[2..].iter().all(Option::is_none), "nobody asked for the other planes");

            let z = small::normal(7, &[3, small::WIDTH]);
            let (y, tape) = mapping.linearise(&[&z], 1)?;
            let gradients = tape.vjp(&[Some(&y[0]), None])?;
            let gradient = gradients[0].as_ref().expect("asked for");
            assert_eq!(gradient.dims(), z.dims());
            assert!(gradient.abs()?.sum_all()?.to_scalar::<f32>()? > 0.0);
            Ok(())
        })
        .unwrap();
    }

    /// Blocks of 4, 8 and 16 pixels with 8 channels: maps of 512, 2048 and 8192 bytes, pictures of 192, 768 and 3072.
    #[test]
    fn the_need_of_a_picture() {
        let (_, generator) = small::load();
        // The last layer: the map that it reads, its own and the one between; four pictures.
        let value = 8192 + 2 * 8192 + 4 * 3072;
        // All maps, three pictures of each block, and the way back of the last layer.
        let maps = 512 + 2 * 2048 + 2 * 8192;
        let gradient = maps + 3 * (192 + 768 + 3072) + 5 * 8192 + 2 * 3072 + 6 * 3072;
        // Five layers of 8 x 8 filters of 3x3 numbers, and one of them transformed.
        let fixed = (5 + 9) * 8 * 8 * 9 * 4;
        assert_eq!(generator.peak(), Some(Peak { fixed, outputs: 3072, value, gradient }));
    }

    #[track_caller]
    fn check_error(function: &Function, x: &[&Tensor], blamed: &str, expected: &str) {
        let error = in_call(|_| function.eval(x).map(|_| ())).expect_err("refused");
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.input(), blamed);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (mapping, generator) = small::load();
        let (w, noise) = (w(2), noise(2));
        let wide = small::normal(1, &[1, 12, 512]);
        check_error(
            &generator,
            &[&wide],
            "w",
            "`w` must have 6 layers of 16 for this generator, found 12 of 512",
        );
        check_error(
            &generator,
            &[&w, &noise[0], &noise[1], &noise[2]],
            "noise_3",
            "noise must be given for all 5 layers or none, found 3 planes",
        );
        check_error(
            &generator,
            &[&w, &noise[0], &noise[1], &noise[0], &noise[3], &noise[4]],
            "noise_2",
            "`noise_2` must be [B or 1,1,8,8] with B = 2, found shape [2, 1, 4, 4]",
        );
        let one = w.narrow(0, 0, 1).unwrap();
        let planes: Vec<&Tensor> = std::iter::once(&one).chain(&noise).collect();
        check_error(
            &generator,
            &planes,
            "noise_0",
            "`noise_0` must be [B or 1,1,4,4] with B = 1, found shape [2, 1, 4, 4]",
        );
        check_error(&mapping, &[&w], "z", "`z` must be [B,16], found shape [2, 6, 16]");
    }
}
