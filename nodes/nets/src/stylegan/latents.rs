use candle_core::{DType, Device, Result, Tensor, bail};

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

/// Truncation to the nearest of several centres: `centre + psi (w - centre)` in the first `cutoff` layers, for each row
/// with the centre to which the squared distance, averaged over all layers, is smallest; of equal ones the first (Mokady
/// et al., "Self-Distilled StyleGAN", arXiv:2202.12211, section 4.3, multimodal truncation). With one centre that is the
/// target of all.
///
/// `w` is `[B, layers, w]`, `centres` are `[N, layers, w]`, or `[N, 1, w]` if a centre is the same in all layers.
///
/// # Errors
///
/// If the shapes or types differ, there is no centre, or a distance is not a number.
pub fn truncate_to(w: &Tensor, centres: &Tensor, psi: f64, cutoff: usize) -> Result<Tensor> {
    let (batch, layers, width) = w.dims3()?;
    let count = match *centres.dims() {
        [count, rows, columns] if count > 0 && [1, layers].contains(&rows) && columns == width => count,
        ref found => {
            bail!("the centres of styles {:?} must be [N, 1 or {layers}, {width}], found {found:?}", w.dims())
        }
    };
    let cutoff = cutoff.min(layers);
    if cutoff == 0 || psi == 1.0 {
        return Ok(w.clone());
    }
    let centres = centres.broadcast_as((count, layers, width))?;
    let nearest = if count == 1 { vec![0; batch] } else { nearest(w, &centres)? };
    let each = (0..batch).map(|row| {
        let (w, centre) = (w.narrow(0, row, 1)?, centres.narrow(0, nearest[row], 1)?);
        let target = centre.narrow(1, 0, cutoff)?;
        let near = (((w.narrow(1, 0, cutoff)? - &target)? * psi)? + target)?;
        if cutoff == layers {
            return Ok(near);
        }
        Tensor::cat(&[&near, &w.narrow(1, cutoff, layers - cutoff)?], 1)
    });
    Tensor::cat(&each.collect::<Result<Vec<_>>>()?, 0)
}

/// The index of the nearest centre of each row.
fn nearest(w: &Tensor, centres: &Tensor) -> Result<Vec<usize>> {
    let rows = |x: &Tensor| {
        let x = x.to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
        x.contiguous()?.flatten_from(1)?.to_vec2::<f64>()
    };
    let centres = rows(centres)?;
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    let of_row = |row: &Vec<f64>| {
        let distances: Vec<f64> = centres.iter().map(|centre| distance(row, centre)).collect();
        if distances.iter().any(|distance| distance.is_nan()) {
            bail!("the distance of a style to a centre is not a number")
        }
        // The first of equal ones.
        let nearest = (0..distances.len()).min_by(|a, b| distances[*a].total_cmp(&distances[*b]));
        Ok(nearest.unwrap_or(0))
    };
    rows(w)?.iter().map(of_row).collect()
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
    fn every_row_goes_to_its_nearest_centre() {
        // Rows around 0 and around 100.
        let (w, centres) = (styles(2, 3, 0.0), styles(2, 3, 2.0));
        let found = truncate_to(&w, &centres, 0.5, 2).unwrap();
        let expected = values(&styles(2, 3, 0.0)).into_iter().enumerate();
        let expected: Vec<f64> = expected.map(|(n, x)| if n % 6 < 4 { x + 1.0 } else { x }).collect();
        assert_eq!((found.dims(), values(&found)), (w.dims(), expected));
        // The order of the centres does not matter, and a single one is everybody's.
        let turned = Tensor::cat(&[centres.get(1).unwrap(), centres.get(0).unwrap()], 0).unwrap();
        let turned = turned.reshape((2, 3, 2)).unwrap();
        assert_eq!(values(&truncate_to(&w, &turned, 0.5, 2).unwrap()), values(&found));
        let one = truncate_to(&w, &centres.narrow(0, 1, 1).unwrap(), 0.0, 3).unwrap();
        assert_eq!(values(&one), values(&centres.narrow(0, 1, 1).unwrap()).repeat(2));
        assert_eq!(values(&truncate_to(&w, &centres, 1.0, 3).unwrap()), values(&w));
        // A centre may be the same in all layers.
        let row = Tensor::new(&[[[2.0, -1.0]]], &Device::Cpu).unwrap();
        let average = Tensor::new(&[2.0, -1.0], &Device::Cpu).unwrap();
        let expected = truncate(&w, &average, 0.5, 18).unwrap();
        assert_eq!(values(&truncate_to(&w, &row, 0.5, 18).unwrap()), values(&expected));
    }

    #[test]
    fn what_is_no_centre() {
        let check = |centres: Tensor, expected: &str| {
            let error = truncate_to(&styles(2, 3, 0.0), &centres, 0.5, 1).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(styles(1, 2, 0.0), "the centres of styles [2, 3, 2] must be [N, 1 or 3, 2], found [1, 2, 2]");
        check((styles(2, 3, 0.0) * f64::NAN).unwrap(), "the distance of a style to a centre is not a number");
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
