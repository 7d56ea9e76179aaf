use dreamwire_sdk::memory;
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

/// Refuses what needs more memory than the host has, where pictures are whatever the device. `what` is the subject of the
/// message.
pub(crate) fn check_memory(what: &str, needed: u64) -> Result<()> {
    memory::check(what, needed, &Device::Cpu)
        .map_err(|error| error.hint("use a smaller picture, or end other programs"))
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
        assert!(check_memory("decoding `a.png`", 1).is_ok());
        let error = check_memory("decoding `a.png`", 1 << 60).unwrap_err();
        assert_eq!(error.status(), dreamwire_sdk::abi::E_LIMIT);
        let message = error.to_string();
        assert!(message.starts_with("decoding `a.png` needs 1073741824.0 GiB of memory, "), "{message}");
        assert!(message.ends_with("; hint: use a smaller picture, or end other programs"), "{message}");
    }
}
