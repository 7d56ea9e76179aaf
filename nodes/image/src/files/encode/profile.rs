//! The ICC profile of what an IMAGE is.

use super::failed;
use dreamwire_sdk::prelude::*;
use moxcms::{ColorDateTime, ColorProfile};

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
    profile.creation_date_time =
        ColorDateTime { year: 2000, month: 1, day_of_the_month: 1, hours: 0, minutes: 0, seconds: 0 };
    profile.encode().map_err(failed)
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
