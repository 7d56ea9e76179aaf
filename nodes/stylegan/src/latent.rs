use dreamwire_nets::stylegan::{NotLatents, check_latents};
use dreamwire_sdk::prelude::*;

/// The largest number of latents in a batch.
const MAX_LATENTS: u64 = 4096;

/// A LATENT_Z: float32 `[B,z]`.
///
/// # Errors
///
/// If it is not connected, or of another rank or element type.
pub(crate) fn latent_z(inputs: &Inputs, port: &str) -> Result<Tensor> {
    shaped(inputs, port, &[2], "a LATENT_Z [B,z]")
}

/// A LATENT_W: float32 `[B,layers,w]`.
///
/// # Errors
///
/// If it is not connected, or of another rank or element type.
pub(crate) fn latent_w(inputs: &Inputs, port: &str) -> Result<Tensor> {
    shaped(inputs, port, &[3], "a LATENT_W [B,layers,w]")
}

/// Either of them.
///
/// # Errors
///
/// If it is not connected, or of another rank or element type.
pub(crate) fn latent(inputs: &Inputs, port: &str) -> Result<Tensor> {
    shaped(inputs, port, &[2, 3], "a LATENT_W [B,layers,w] or a LATENT_Z [B,z]")
}

fn shaped(inputs: &Inputs, port: &str, ranks: &[usize], wanted: &str) -> Result<Tensor> {
    let tensor = inputs.tensor(port)?;
    check_latents(&tensor, ranks).map_err(|error| match error {
        NotLatents::Type(found) => {
            let found = found.as_str();
            Error::dtype(port, format!("`{port}` must be {wanted} of f32, found {found}"))
        }
        NotLatents::Shape(found) => {
            let error = Error::shape(port, format!("`{port}` must be {wanted}, found shape {found:?}"));
            let is_z = ranks == [3] && found.len() == 2;
            if is_z { error.hint("this is a LATENT_Z: put a MappingNetwork in between") } else { error }
        }
    })?;
    Ok(tensor)
}

/// Refuses more latents than one batch may have.
///
/// # Errors
///
/// Names the count and the limit.
pub(crate) fn check_count(count: u64) -> Result<()> {
    if count <= MAX_LATENTS {
        return Ok(());
    }
    Err(Error::limit(format!("this makes {count} latents, the limit is {MAX_LATENTS}")))
}

/// Refuses a `z` that is not `[B,width]`.
///
/// # Errors
///
/// Names the width found, and the one that the mapping takes.
pub(crate) fn check_z(z: &Tensor, width: usize) -> Result<()> {
    match *z.dims() {
        [_, found] if found == width => Ok(()),
        [_, found] => {
            let message = format!("`z` must have {width} numbers per latent for this mapping, found {found}");
            Err(Error::shape("z", message).hint(format!("set `width` of the LatentNoise node to {width}")))
        }
        _ => Err(Error::shape("z", format!("`z` must be [B,{width}], found shape {:?}", z.dims()))),
    }
}

/// Refuses a `w` that is not `[B,layers,width]`.
///
/// # Errors
///
/// Names the sizes found, and those that the generator takes.
pub(crate) fn check_w(w: &Tensor, layers: usize, width: usize) -> Result<()> {
    let message = match *w.dims() {
        [_, l, k] if (l, k) == (layers, width) => return Ok(()),
        [_, l, k] => format!("`w` must have {layers} layers of {width} for this generator, found {l} of {k}"),
        _ => format!("`w` must be [B,{layers},{width}], found shape {:?}", w.dims()),
    };
    Err(Error::shape("w", message))
}

/// The dimensions after the batch in a function's spec of a tensor; `None` if one of them is free.
pub(crate) fn sizes<const N: usize>(spec: Option<&TensorSpec>) -> Option<[usize; N]> {
    let sizes = spec?.dims.get(1..)?.iter().map(|size| usize::try_from(*size).ok());
    sizes.collect::<Option<Vec<usize>>>()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_sizes_are_unknown() {
        let sizes_of = |dims: &[i64]| sizes::<2>(Some(&TensorSpec::new("w", dims)));
        assert_eq!(sizes_of(&[-1, 10, 64]), Some([10, 64]));
        assert_eq!(sizes_of(&[-1, 10, -1]), None);
        assert_eq!(sizes_of(&[-1, 10]), None);
        assert_eq!(sizes_of(&[]), None);
        assert_eq!(sizes::<2>(None), None);
    }

    #[test]
    fn the_limit_is_inclusive() {
        assert!(check_count(MAX_LATENTS).is_ok());
        let error = check_count(MAX_LATENTS + 1).unwrap_err();
        assert_eq!(error.to_string(), "this makes 4097 latents, the limit is 4096");
    }

    #[test]
    fn shapes_that_do_not_fit_are_told_with_what_would() {
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        let refused = |result: Result<()>| result.unwrap_err().to_string();
        assert!(check_w(&zeros(&[2, 10, 64]), 10, 64).is_ok());
        assert_eq!(
            refused(check_w(&zeros(&[2, 12, 512]), 10, 64)),
            "`w` must have 10 layers of 64 for this generator, found 12 of 512"
        );
        assert_eq!(refused(check_w(&zeros(&[2, 64]), 10, 64)), "`w` must be [B,10,64], found shape [2, 64]");
        assert!(check_z(&zeros(&[2, 64]), 64).is_ok());
        assert_eq!(
            refused(check_z(&zeros(&[2, 512]), 64)),
            "`z` must have 64 numbers per latent for this mapping, found 512; hint: set `width` of the LatentNoise node to 64"
        );
        assert_eq!(refused(check_z(&zeros(&[64]), 64)), "`z` must be [B,64], found shape [64]");
    }
}
