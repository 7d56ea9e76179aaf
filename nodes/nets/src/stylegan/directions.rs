use candle_core::{Device, Tensor};
use nalgebra::{DMatrix, DVector, SymmetricEigen};

use super::layout::convolutions;
use super::{Generator, StyleGanError};

/// Directions in W, the strongest first.
#[derive(Clone, Debug)]
pub struct Directions {
    /// `[w, w]`, f32: a direction of length 1 per row, whose largest component is positive.
    pub vectors: Tensor,
    /// How strongly a step along each direction changes the styles, all layers together: the eigenvalues.
    pub strengths: Vec<f64>,
}

/// Steps that the eigenvalues may need per row before they are given up; a handful is usual.
const MOST_STEPS: usize = 100;

impl Generator {
    /// The directions of `w` that change the styles of these layers most: the eigenvectors of `sum_i A_i^T A_i`, where
    /// `A_i` is the affine map from `w` to the styles of layer i with every row scaled to length 1 (Shen and Zhou,
    /// "Closed-Form Factorization of Latent Semantics in GANs", arXiv:2007.06600, equation 8, and their code).
    ///
    /// Layer i of `w` is the i-th convolution, and the last one the last `torgb`; the other `torgb` share a layer with
    /// the next convolution, and do not count.
    ///
    /// Their code leaves the eigenvectors in the order in which LAPACK finds them, and their signs free. Here they are
    /// sorted.
    ///
    /// # Errors
    ///
    /// If a layer does not exist, or its weights are not finite.
    pub fn directions(&self, layers: &[usize]) -> Result<Directions, StyleGanError> {
        let (width, names) = (self.w_width(), self.affine_names());
        let mut gram = DMatrix::<f64>::zeros(width, width);
        for layer in layers {
            let Some(name) = names.get(*layer) else {
                return Err(StyleGanError::Layer { found: *layer, count: names.len() });
            };
            let weight = self.parameters.get(name);
            let rows: Vec<f64> = weight.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f64::from).collect();
            if !rows.iter().all(|value| value.is_finite()) {
                return Err(StyleGanError::NotFinite { name: name.clone() });
            }
            // Column-major: a column is a row of `A_i`.
            let mut columns = DMatrix::from_vec(width, rows.len() / width.max(1), rows);
            for mut column in columns.column_iter_mut() {
                column.try_normalize_mut(0.0);
            }
            gram.gemm(1.0, &columns, &columns.transpose(), 1.0);
        }
        let most = MOST_STEPS * width;
        let Some(eigen) = SymmetricEigen::try_new(gram, f64::EPSILON, most) else {
            return Err(StyleGanError::NoDirections { steps: most });
        };
        let mut order: Vec<usize> = (0..width).collect();
        order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
        let strengths = order.iter().map(|index| eigen.eigenvalues[*index]).collect();
        let vectors = order.iter().flat_map(|index| oriented(eigen.eigenvectors.column(*index).into_owned()));
        let vectors = Tensor::from_iter(vectors.map(|value| value as f32), &Device::Cpu)?;
        Ok(Directions { vectors: vectors.reshape((width, width))?, strengths })
    }

    /// The affine map that uses each layer of `w`.
    fn affine_names(&self) -> Vec<String> {
        let blocks = self.parameters.layout.blocks();
        let convolutions =
            blocks.flat_map(|(size, _)| convolutions(size).iter().map(move |part| (size, *part)));
        let last = self.parameters.layout.blocks().last().map(|(size, _)| (size, "torgb"));
        convolutions
            .chain(last)
            .map(|(size, part)| format!("synthesis.b{size}.{part}.affine.weight"))
            .collect()
    }
}

/// The vector or its opposite, so that the largest component is positive.
fn oriented(vector: DVector<f64>) -> impl Iterator<Item = f64> {
    let sign = if vector[vector.icamax()] < 0.0 { -1.0 } else { 1.0 };
    (0..vector.len()).map(move |index| sign * vector[index])
}
