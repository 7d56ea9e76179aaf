use candle_core::{DType, Result, Tensor, bail};

/// Why a tensor is no batch of latents.
#[derive(Debug, PartialEq, Eq)]
pub enum NotLatents {
    /// Its numbers are not f32.
    Type(DType),
    /// It holds no number, or has another number of dimensions than latents.
    Shape(Vec<usize>),
}

/// Checks that `tensor` is a batch of latents of f32: z is `[B, z]` and has 2 dimensions, w is `[B, layers, w]` and
/// has 3. `ranks` are those that will do.
///
/// # Errors
///
/// What the tensor has instead.
pub fn check_latents(tensor: &Tensor, ranks: &[usize]) -> std::result::Result<(), NotLatents> {
    if tensor.dtype() != DType::F32 {
        return Err(NotLatents::Type(tensor.dtype()));
    }
    if !ranks.contains(&tensor.rank()) || tensor.elem_count() == 0 {
        return Err(NotLatents::Shape(tensor.dims().to_vec()));
    }
    Ok(())
}

/// Truncation: `average + psi (w - average)` in the first `cutoff` layers, which are all layers if `cutoff`
/// exceeds their number. Less variety, fewer odd pictures.
///
/// `w` is `[B, layers, w]`, `average` is `[w]`; `psi` is 1 for no change, 0 for the average, and above 1 or
/// below 0 for exaggerated and opposite pictures.
///
/// # Errors
///
/// If the shapes or types differ.
pub fn truncate(w: &Tensor, average: &Tensor, psi: f64, cutoff: usize) -> Result<Tensor> {
    let (_, layers, width) = w.dims3()?;
    if average.dims() != [width] {
        bail!("the average of styles {:?} must be [{width}], found {:?}", w.dims(), average.dims())
    }
    let cutoff = cutoff.min(layers);
    // Otherwise rounding would change values that must stay.
    if cutoff == 0 || psi == 1.0 {
        return Ok(w.clone());
    }
    let away = w.narrow(1, 0, cutoff)?.broadcast_sub(average)?;
    let near = (away * psi)?.broadcast_add(average)?;
    if cutoff == layers {
        return Ok(near);
    }
    Tensor::cat(&[&near, &w.narrow(1, cutoff, layers - cutoff)?], 1)
}

/// Every row's styles with `layers` taken from every column: `[R * C, layers, w]`, row by row. Early layers
/// determine pose and shape, late ones colour and texture.
///
/// `rows` is `[R, layers, w]`, `columns` is `[C, layers, w]`, and layers count from 0.
///
/// # Errors
///
/// If the shapes do not fit, or a layer does not exist.
pub fn mix(rows: &Tensor, columns: &Tensor, layers: &[usize]) -> Result<Tensor> {
    let (row_count, count, width) = rows.dims3()?;
    let (column_count, column_layers, column_width) = columns.dims3()?;
    if (column_layers, column_width) != (count, width) {
        bail!("styles {:?} cannot be mixed with styles {:?}", rows.dims(), columns.dims())
    }
    if let Some(layer) = layers.iter().find(|layer| **layer >= count) {
        bail!("cannot mix layer {layer}: there are {count} layers, 0 to {}", count.saturating_sub(1))
    }
    let mixed = (0..count)
        .map(|layer| {
            let source = if layers.contains(&layer) {
                columns.narrow(1, layer, 1)?.unsqueeze(0)?
            } else {
                rows.narrow(1, layer, 1)?.unsqueeze(1)?
            };
            source.broadcast_as((row_count, column_count, 1, width))?.contiguous()
        })
        .collect::<Result<Vec<_>>>()?;
    Tensor::cat(&mixed, 2)?.reshape((row_count * column_count, count, width))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// `[count, layers, 2]`: 100 picture + 10 layer + position + `start`.
    fn styles(count: usize, layers: usize, start: f64) -> Tensor {
        let number = |index: usize| {
            let (picture, layer, position) = (index / (2 * layers), index / 2 % layers, index % 2);
            start + (100 * picture + 10 * layer + position) as f64
        };
        let values: Vec<f64> = (0..count * layers * 2).map(number).collect();
        Tensor::from_vec(values, (count, layers, 2), &Device::Cpu).unwrap()
    }

    fn values(x: &Tensor) -> Vec<f64> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn latents_are_batches_of_f32() {
        let check = |shape: &[usize], dtype, ranks: &[usize]| {
            check_latents(&Tensor::zeros(shape, dtype, &Device::Cpu).unwrap(), ranks)
        };
        assert_eq!(check(&[2, 5], DType::F32, &[2]), Ok(()));
        assert_eq!(check(&[2, 6, 5], DType::F32, &[2, 3]), Ok(()));
        assert_eq!(check(&[2, 5], DType::F64, &[2]), Err(NotLatents::Type(DType::F64)));
        let refused = |shape: &[usize], ranks: &[usize]| {
            assert_eq!(check(shape, DType::F32, ranks), Err(NotLatents::Shape(shape.to_vec())));
        };
        refused(&[2, 5], &[3]);
        refused(&[2, 6, 5, 1], &[2, 3]);
        refused(&[0, 5], &[2]);
    }

    #[test]
    fn truncation_halves_the_way_to_the_average() {
        let (w, average) = (styles(2, 3, 0.0), Tensor::new(&[2.0, -1.0], &Device::Cpu).unwrap());
        let check = |psi, cutoff, expected: &[f64]| {
            let found = truncate(&w, &average, psi, cutoff).unwrap();
            assert_eq!(found.dims(), w.dims());
            assert_eq!(values(&found), expected, "psi {psi}, cutoff {cutoff}");
        };
        let half = [1.0, 0.0, 6.0, 5.0, 11.0, 10.0, 51.0, 50.0, 56.0, 55.0, 61.0, 60.0];
        check(0.5, 3, &half);
        check(0.5, 18, &half);
        check(0.5, 1, &[1.0, 0.0, 10.0, 11.0, 20.0, 21.0, 51.0, 50.0, 110.0, 111.0, 120.0, 121.0]);
        check(0.0, 3, &[2.0, -1.0].repeat(6));
        check(1.0, 3, &values(&w));
        check(0.5, 0, &values(&w));
        let wide = Tensor::zeros(3, w.dtype(), w.device()).unwrap();
        let error = truncate(&w, &wide, 0.5, 1).unwrap_err().to_string();
        assert!(error.contains("average of styles [2, 3, 2] must be [2], found [3]"), "{error}");
    }

    #[test]
    fn mixtures_go_row_by_row() {
        let (rows, columns) = (styles(2, 3, 0.0), styles(3, 3, 1000.0));
        let mixed = mix(&rows, &columns, &[2, 0]).unwrap();
        assert_eq!(mixed.dims(), [6, 3, 2]);
        for (index, found) in values(&mixed).chunks(6).enumerate() {
            let (row, column) = ((index / 3 * 100) as f64, (index % 3 * 100 + 1000) as f64);
            let expected = [column, column + 1.0, row + 10.0, row + 11.0, column + 20.0, column + 21.0];
            assert_eq!(found, expected, "row {row}, column {column}");
        }
        assert_eq!(values(&mix(&rows, &columns.narrow(0, 0, 1).unwrap(), &[]).unwrap()), values(&rows));
    }

    #[test]
    fn what_cannot_be_mixed() {
        let check = |columns: Tensor, layers: &[usize], expected: &str| {
            let error = mix(&styles(2, 3, 0.0), &columns, layers).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(styles(1, 3, 0.0), &[1, 3], "cannot mix layer 3: there are 3 layers, 0 to 2");
        check(styles(1, 4, 0.0), &[1], "styles [2, 3, 2] cannot be mixed with styles [1, 4, 2]");
    }
}
