//! The ICC profile of what an IMAGE is.

use super::failed;
use dreamwire_sdk::prelude::*;
use moxcms::ColorProfile;
use std::ops::Range;

/// Where the header has the time at which the profile was made: six big-endian numbers of 16 bits, from year to second
/// (ICC.1:2022, 7.2.1).
const MADE: Range<usize> = 24..36;

/// sRGB, for a file with three colours or with one grey. It has the same bytes at all times.
///
/// # Errors
/// If it cannot be written down, which no input can cause.
pub(super) fn srgb(is_grey: bool) -> Result<Vec<u8>> {
    let mut profile = ColorProfile::new_srgb();
    if is_grey {
        let mut grey = ColorProfile::new_gray_with_gamma(2.2);
        grey.gray_trc = profile.red_trc;
        grey.description = profile.description;
        profile = grey;
    }
    // The matrix and the curves say it all.
    profile.cicp = None;
    let mut bytes = profile.encode().map_err(failed)?;
    // The crate writes the time of now.
    let first_of_january_2000 = [2000u16, 1, 1, 0, 0, 0];
    if let Some(made) = bytes.get_mut(MADE) {
        made.copy_from_slice(first_of_january_2000.map(u16::to_be_bytes).as_flattened());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::decode::Space;
    use crate::files::icc;

    #[test]
    fn our_reader_takes_it_for_srgb() {
        for (is_grey, space) in [(false, Space::Rgb), (true, Space::Grey)] {
            let profile = srgb(is_grey).expect("a profile");
            assert!(profile.len() < 1024, "{}", profile.len());
            assert!(icc::to_srgb(&profile, space).is_ok_and(|it| it.is_none()), "nothing to convert");
        }
    }
}
