use crate::memory;
use dreamwire_sdk::prelude::*;

/// The longest side of a picture, in pixels.
pub(crate) const MAX_SIDE: u64 = 32_768;
/// The most pixels of a picture, over its whole batch.
pub(crate) const MAX_PIXELS: u64 = 100_000_000;
/// The most bytes that a decoder may need for one picture.
pub(crate) const MAX_DECODED_BYTES: u64 = 2 << 30;
/// The most bytes of a colour profile, and of a PNG's text, profile and EXIF together, unpacked.
pub(crate) const MAX_EXTRA_BYTES: u64 = 64 << 20;

/// Refuses a picture of `batch` x `width` x `height` that is larger than the limits. `what` is the subject of the message.
pub(crate) fn check(what: &str, batch: u64, width: u64, height: u64) -> Result<()> {
    if width > MAX_SIDE || height > MAX_SIDE {
        return Err(Error::limit(format!(
            "{what} is {width}x{height}, the limit is {MAX_SIDE} pixels per side"
        )));
    }
    // Sides are below 2^15 here, so only the batch can overflow.
    let pixels = batch.saturating_mul(width * height);
    if pixels > MAX_PIXELS {
        let times = if batch == 1 { String::new() } else { format!("{batch} times ") };
        return Err(Error::limit(format!(
            "{what} is {times}{width}x{height} ({} megapixels), the limit is {} megapixels",
            pixels.div_ceil(1_000_000),
            MAX_PIXELS / 1_000_000
        )));
    }
    Ok(())
}

/// Refuses what needs more memory than there is. `what` is the subject of the message.
pub(crate) fn check_memory(what: &str, needed: u64) -> Result<()> {
    check_against(what, needed, memory::available())
}

fn check_against(what: &str, needed: u64, available: Option<u64>) -> Result<()> {
    match available {
        Some(available) if needed > available => Err(Error::limit(format!(
            "{what} needs {} of memory, {} is available",
            shown(needed),
            shown(available)
        ))
        .hint("use a smaller picture, or end other programs")),
        _ => Ok(()),
    }
}

fn shown(bytes: u64) -> String {
    const GIBIBYTE: f64 = (1u64 << 30) as f64;
    match bytes {
        0..0x4000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{:.1} GiB", bytes as f64 / GIBIBYTE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_inclusive() {
        assert!(check("it", 1, 10_000, 10_000).is_ok());
        assert!(check("it", 1, MAX_SIDE, 1).is_ok());
        assert!(check("it", 1, 10_000, 10_001).is_err());
        assert!(check("it", 1, 1, MAX_SIDE + 1).is_err());
    }

    #[test]
    fn a_batch_counts_and_does_not_overflow() {
        assert!(check("it", 2, 10_000, 10_000).is_err());
        assert!(check("it", u64::MAX, 2, 2).is_err());
    }

    /// Faults: D6.
    #[test]
    fn the_message_says_the_size_and_the_limit() {
        let message = check("`a.png`", 1, 60_000, 60_000).unwrap_err().to_string();
        assert_eq!(message, "`a.png` is 60000x60000, the limit is 32768 pixels per side");
        let message = check("`a.png`", 1, 16_384, 16_384).unwrap_err().to_string();
        assert_eq!(message, "`a.png` is 16384x16384 (269 megapixels), the limit is 100 megapixels");
    }

    #[test]
    fn memory_is_compared_with_what_there_is() {
        let check = |needed| check_against("decoding `a.png`", needed, Some(3 << 29));
        assert!(check(3 << 29).is_ok());
        let error = check((3 << 29) + 1).unwrap_err();
        assert_eq!(error.status(), dreamwire_sdk::abi::E_LIMIT);
        let said = |error: Error| error.to_string().split("; hint: ").next().unwrap_or_default().to_owned();
        assert_eq!(said(error), "decoding `a.png` needs 1.5 GiB of memory, 1.5 GiB is available");
        let error = check_against("it", 2 << 30, Some(5 << 20)).unwrap_err();
        assert_eq!(said(error), "it needs 2.0 GiB of memory, 5 MiB is available");
        assert!(check_against("it", u64::MAX, None).is_ok());
    }
}
