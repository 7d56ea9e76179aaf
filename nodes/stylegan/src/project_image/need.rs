use dreamwire_sdk::memory;
use dreamwire_sdk::prelude::*;

use super::goal::Goal;

/// Pictures that a search has at once besides what the functions need: the target, those before and after a step, as
/// shown, and their gradients.
const PICTURES: u64 = 10;
/// Copies of noise planes: themselves, Adam's moments, gradients, and the penalty's, in f64.
const PLANES: u64 = 12;

/// Refuses a search that needs more memory than there is on `device`, if the generator says what it needs. `planes` are those of one
/// picture of `dims`.
///
/// # Errors
///
/// Says how much it needs.
pub(super) fn check(
    generator: &Function,
    goal: &Goal,
    latent: &Tensor,
    dims: [usize; 4],
    planes: &[Tensor],
    device: &Device,
) -> Result<()> {
    let Some(peak) = generator.peak() else { return Ok(()) };
    let needed = bytes(peak.of_gradient(latent.dims()), goal.bytes(dims), dims, planes);
    let what = match dims[0] {
        1 => "the projection of a picture".to_owned(),
        batch => format!("the projection of {batch} pictures at once"),
    };
    memory::check(&what, needed, device).map_err(|error| match dims[0] {
        1 => error.at("generator").hint("use smaller `features`, or end other programs"),
        _ => error.at("image").hint("project fewer pictures at once"),
    })
}

fn bytes(of_generator: u64, of_goal: u64, dims: [usize; 4], planes: &[Tensor]) -> u64 {
    let pictures = dims.iter().fold(4 * PICTURES, |bytes, size| bytes.saturating_mul(*size as u64));
    let planes: usize = planes.iter().map(Tensor::elem_count).sum();
    let planes = (4 * PLANES).saturating_mul(planes as u64).saturating_mul(dims[0] as u64);
    let all = [of_generator, of_goal, pictures, planes];
    memory::with_spares(all.into_iter().fold(0, u64::saturating_add))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_need_of_a_batch() {
        let planes =
            [4usize, 8].map(|side| Tensor::zeros((1, 1, side, side), DType::F32, &Device::Cpu).unwrap());
        let pictures = 3 * 10 * 16 * 16 * 3 * 4;
        assert_eq!(bytes(1000, 100, [3, 16, 16, 3], &planes), 2 * (1100 + pictures + 3 * 80 * 4 * 12));
        assert_eq!(bytes(u64::MAX, 1, [1, 1, 1, 1], &[]), u64::MAX);
    }
}
