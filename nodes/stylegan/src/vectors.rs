use dreamwire_formats::recognise;
use dreamwire_formats::{Archive, Format, Tensor, What};
use dreamwire_sdk::prelude::Error;

use crate::arrays;

/// Directions of a file.
pub(crate) struct Vectors {
    /// `[count, rows, width]`.
    pub(crate) values: Vec<f32>,
    pub(crate) count: usize,
    /// 1 for all layers together, or one for each layer of the latents.
    pub(crate) rows: usize,
    pub(crate) width: usize,
}

/// GANSpace's principal components and their standard deviations.
const COMPONENTS: &str = "lat_comp";
const DEVIATIONS: &str = "lat_stdev";
/// What closed_form_factorization.py of rosinality's stylegan2-pytorch saves: the columns are the directions.
const EIGENVECTORS: &str = "eigvec";

impl Vectors {
    /// The directions in the bytes of a file, for latents of `layers` layers; nothing if the file is not one of
    /// directions, but perhaps a network's.
    ///
    /// # Errors
    ///
    /// If it is one of directions, and damaged, or its arrays do not fit.
    pub(crate) fn read(file: &str, bytes: &[u8], layers: usize) -> Result<Option<Self>, Error> {
        match recognise(bytes) {
            What::Weights(Format::Npy | Format::Safetensors | Format::TorchLegacy) | What::Zip => {}
            _ => return Ok(None),
        }
        let archive = arrays::open(file, bytes)?;
        if archive.tensors.contains_key(COMPONENTS) {
            return Self::of_ganspace(file, &archive, layers).map(Some);
        }
        if let Some(columns) = archive.tensors.get(EIGENVECTORS) {
            return Self::of_columns(file, &archive, columns).map(Some);
        }
        let mut arrays = archive.tensors.iter();
        match (arrays.next(), arrays.next()) {
            (Some((name, tensor)), None) => {
                let [count, rows, width] = sizes(tensor.shape(), layers).ok_or_else(|| {
                    Error::content(format!(
                        "`{file}` is {}: directions must be [w], [layers,w], [K,w] or [K,layers,w], where the latents \
                         have {layers} layers",
                        arrays::described(&archive)
                    ))
                })?;
                Ok(Some(Self { values: arrays::floats(file, name, tensor)?, count, rows, width }))
            }
            // Networks are such files too.
            _ if !matches!(archive.format, Format::Npy | Format::Npz) => Ok(None),
            _ => Err(Error::content(format!(
                "`{file}` is {}: a file of directions has one array, or GANSpace's `{COMPONENTS}`",
                arrays::described(&archive)
            ))),
        }
    }

    /// The columns of a matrix.
    fn of_columns(file: &str, archive: &Archive<'_>, columns: &Tensor<'_>) -> Result<Self, Error> {
        let [width, count] = *columns.shape() else {
            return Err(Error::content(format!(
                "`{file}` is {}: `{EIGENVECTORS}` must be [w,K], a direction in each column",
                arrays::described(archive)
            )));
        };
        let found = arrays::floats(file, EIGENVECTORS, columns)?;
        let values = (0..count).flat_map(|at| found.iter().skip(at).step_by(count).copied()).collect();
        Ok(Self { values, count, rows: 1, width })
    }

    /// The components, each as long as its standard deviation.
    fn of_ganspace(file: &str, archive: &Archive<'_>, layers: usize) -> Result<Self, Error> {
        let refused = || {
            Error::content(format!(
                "`{file}` is {}: of GANSpace's files, those of w are used, with `{COMPONENTS}` [K,1,w] and \
                 `{DEVIATIONS}` [K]",
                arrays::described(archive)
            ))
        };
        let (Some(components), Some(deviations)) =
            (archive.tensors.get(COMPONENTS), archive.tensors.get(DEVIATIONS))
        else {
            return Err(refused());
        };
        let shape = match *components.shape() {
            [count, width] => Some([count, 1, width]),
            [count, rows, width] if rows == 1 || rows == layers => Some([count, rows, width]),
            _ => None,
        };
        let Some([count, rows, width]) = shape.filter(|shape| !shape.contains(&0)) else {
            return Err(refused());
        };
        let deviations = arrays::floats(file, DEVIATIONS, deviations)?;
        if deviations.len() != count {
            return Err(refused());
        }
        let mut values = arrays::floats(file, COMPONENTS, components)?;
        for (direction, deviation) in values.chunks_mut(rows * width).zip(deviations) {
            direction.iter_mut().for_each(|value| *value *= deviation);
        }
        Ok(Self { values, count, rows, width })
    }
}

/// Directions, rows of each and numbers per row of an array for latents of `layers` layers.
fn sizes(shape: &[usize], layers: usize) -> Option<[usize; 3]> {
    let sizes = match *shape {
        [width] => [1, 1, width],
        // Files of one direction with a row per layer are as common as those of several directions.
        [rows, width] if rows == layers => [1, rows, width],
        [count, width] => [count, 1, width],
        [count, rows, width] if rows == 1 || rows == layers => [count, rows, width],
        _ => return None,
    };
    (!sizes.contains(&0)).then_some(sizes)
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::{Dtype, TensorView};

    use super::*;
    use crate::{npz, small};

    #[test]
    fn shapes_say_how_many_directions_there_are() {
        let check = |shape: &[usize], expected: Option<[usize; 3]>| {
            assert_eq!(sizes(shape, 6), expected, "{shape:?}")
        };
        check(&[16], Some([1, 1, 16]));
        check(&[1, 16], Some([1, 1, 16]));
        check(&[6, 16], Some([1, 6, 16]));
        check(&[5, 16], Some([5, 1, 16]));
        check(&[5, 1, 16], Some([5, 1, 16]));
        check(&[6, 1, 16], Some([6, 1, 16]));
        check(&[5, 6, 16], Some([5, 6, 16]));
        check(&[5, 4, 16], None);
        check(&[0, 16], None);
        check(&[1, 1, 6, 16], None);
        check(&[], None);
    }

    /// A safetensors file with the arrays of GANSpace.
    fn ganspace(components: &[usize], deviations: &[f32]) -> Vec<u8> {
        let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let values = bytes(&vec![1.0; components.iter().product()]);
        let arrays = [
            ("lat_comp", components.to_vec(), values),
            ("lat_mean", vec![1, 2], bytes(&[5.0, 6.0])),
            ("lat_stdev", vec![deviations.len()], bytes(deviations)),
        ];
        let views = arrays.iter().map(|(name, shape, data)| {
            (
                *name,
                TensorView::new(Dtype::F32, shape.clone(), data).expect("as many bytes as the shape says"),
            )
        });
        safetensors::serialize(views, None).expect("names are unique")
    }

    #[test]
    fn components_of_ganspace_are_as_long_as_their_deviation() {
        let found = Vectors::read("it", &ganspace(&[3, 1, 2], &[3.0, 2.0, 0.5]), 6)
            .expect("read")
            .expect("directions");
        assert_eq!((found.count, found.rows, found.width), (3, 1, 2));
        assert_eq!(found.values, [3.0, 3.0, 2.0, 2.0, 0.5, 0.5]);
        let error = Vectors::read("it", &ganspace(&[3, 1, 2], &[1.0]), 6).err().expect("refused");
        assert_eq!(
            error.to_string(),
            "`it` is a safetensors file with `lat_comp` F32 [3, 1, 2], `lat_mean` F32 [1, 2], `lat_stdev` F32 [1]: of \
             GANSpace's files, those of w are used, with `lat_comp` [K,1,w] and `lat_stdev` [K]"
        );
    }

    /// The file of a factorization has its directions in columns.
    #[test]
    fn eigenvectors_are_columns() {
        let file = |shape: &[usize], data: &[u8]| {
            let view =
                TensorView::new(Dtype::F32, shape.to_vec(), data).expect("as many bytes as the shape says");
            safetensors::serialize([("eigvec", view)], None).expect("one name")
        };
        let data: Vec<u8> =
            [1f32, 2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let found = Vectors::read("it", &file(&[3, 2], &data), 6).expect("read").expect("directions");
        assert_eq!((found.count, found.rows, found.width), (2, 1, 3));
        assert_eq!(found.values, [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
        let error = Vectors::read("it", &file(&[6], &data), 6).err().expect("refused");
        assert_eq!(
            error.to_string(),
            "`it` is a safetensors file with `eigvec` F32 [6]: `eigvec` must be [w,K], a direction in each column"
        );
    }

    #[test]
    fn networks_and_other_files_are_left_to_others() {
        for file in [small::file(0).as_slice(), b"\x80\x02}q\x00.", b""] {
            assert!(Vectors::read("it", file, 6).expect("no error").is_none());
        }
        let one = Vectors::read("it", &npz::npz("smile", &[1, 3], &[1.0, 2.0, 3.0]).expect("written"), 6);
        assert_eq!(one.expect("read").expect("directions").values, [1.0, 2.0, 3.0]);
        let error = Vectors::read("it", &npz::npy(&[2, 3, 4], &[0.0; 24]), 6).err().expect("refused");
        assert_eq!(
            error.to_string(),
            "`it` is a NumPy array with `array` F32 [2, 3, 4]: directions must be [w], [layers,w], [K,w] or [K,layers,w], \
             where the latents have 6 layers"
        );
    }
}
