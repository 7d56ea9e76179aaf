//! The syntax of channels in a param.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

/// Selected channels of a layer.
#[derive(Debug, PartialEq)]
pub(crate) enum Channels {
    /// These, with their weights; no two ranges overlap.
    Listed(Vec<(RangeInclusive<usize>, f64)>),
    /// This many of the channels with the highest activation for a picture.
    Strongest(usize),
    /// This many of the channels with the lowest activation for a picture.
    Weakest(usize),
}

/// Parses `13`, `5-9`, `3:0.5, 7:-1`, `strong:4` or `weak:4`. Any channel is accepted.
///
/// # Errors
///
/// If an entry is not a channel, a range or a number, a channel is named twice, or the list is empty.
pub(crate) fn parse(text: &str) -> Result<Channels, String> {
    if let Some((word, number)) = text.split_once(':') {
        let wanted = || how_many(word.trim(), number.trim());
        match word.trim() {
            "strong" => return wanted().map(Channels::Strongest),
            "weak" => return wanted().map(Channels::Weakest),
            _ => {}
        }
    }
    let mut channels: Vec<(RangeInclusive<usize>, f64)> = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (range, weight) = entry.split_once(':').unwrap_or((entry, "1"));
        let (range, weight) = (range.trim(), weight.trim());
        let value = weight.parse().ok().filter(|value: &f64| value.is_finite());
        let value = value
            .ok_or_else(|| format!("the weight of channel `{range}` must be a number, found `{weight}`"))?;
        let range = bounds(range)?;
        let shared = |(other, _): &(RangeInclusive<usize>, f64)| {
            let first = *range.start().max(other.start());
            (first <= *range.end().min(other.end())).then_some(first)
        };
        if let Some(channel) = channels.iter().find_map(shared) {
            return Err(format!("channel {channel} is listed twice"));
        }
        channels.push((range, value));
    }
    if channels.is_empty() {
        return Err(
            "no channels are listed: write `13`, `5-9`, `3:0.5, 7:-1`, `strong:4` or `weak:4`".to_owned()
        );
    }
    Ok(Channels::Listed(channels))
}

impl Channels {
    /// Checks that `layer`, which has `count` channels, has these.
    ///
    /// # Errors
    ///
    /// If it has not: names the channel, or the largest number that `strong` and `weak` can have.
    pub(crate) fn check(&self, layer: &str, count: usize) -> Result<(), String> {
        match self {
            Self::Listed(channels) => {
                match channels.iter().map(|(range, _)| *range.end()).find(|last| *last >= count) {
                    Some(last) => Err(format!(
                        "there is no channel {last}: layer `{layer}` has {count} channels, 0 to {}",
                        count.saturating_sub(1)
                    )),
                    None => Ok(()),
                }
            }
            Self::Strongest(wanted) => check_wanted("strong", *wanted, layer, count),
            Self::Weakest(wanted) => check_wanted("weak", *wanted, layer, count),
        }
    }
}

fn check_wanted(word: &str, wanted: usize, layer: &str, count: usize) -> Result<(), String> {
    if wanted <= count {
        return Ok(());
    }
    Err(format!("`{word}` must be between 1 and {count}, the channels of layer `{layer}`, found `{wanted}`"))
}

/// The number after `strong` or `weak`.
fn how_many(word: &str, number: &str) -> Result<usize, String> {
    let wanted = number.parse().ok().filter(|wanted: &usize| *wanted > 0);
    wanted.ok_or_else(|| format!("`{word}` must be a number of channels, at least 1, found `{number}`"))
}

/// The first and the last channel of `13` or `5-9`.
fn bounds(range: &str) -> Result<RangeInclusive<usize>, String> {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (Ok(first), Ok(last)) = (first.trim().parse::<usize>(), last.trim().parse::<usize>()) else {
        return Err(format!("`{range}` must be a channel such as `13`, or a range such as `5-9`"));
    };
    if last < first {
        return Err(format!("`{range}` is reversed: write `{last}-{first}`"));
    }
    Ok(first..=last)
}

/// The `count` channels with the largest energies, largest first; ties in order of index.
pub(crate) fn strongest(energies: &[f32], count: usize) -> Vec<usize> {
    first_by(energies, count, |a, b| b.total_cmp(a))
}

/// The `count` channels with the smallest energies, smallest first; ties in order of index.
pub(crate) fn weakest(energies: &[f32], count: usize) -> Vec<usize> {
    first_by(energies, count, f32::total_cmp)
}

fn first_by(energies: &[f32], count: usize, order: impl Fn(&f32, &f32) -> Ordering) -> Vec<usize> {
    let mut channels: Vec<usize> = (0..energies.len()).collect();
    channels.sort_by(|a, b| order(&energies[*a], &energies[*b]));
    channels.truncate(count);
    channels
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For a layer of 512 channels.
    fn checked(text: &str) -> Result<Channels, String> {
        let channels = parse(text)?;
        channels.check("relu4_3", 512)?;
        Ok(channels)
    }

    fn check(text: &str, expected: &[(RangeInclusive<usize>, f64)]) {
        assert_eq!(checked(text), Ok(Channels::Listed(expected.to_vec())));
    }

    fn check_error(text: &str, expected: &str) {
        let error = checked(text).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn lists() {
        check("13", &[(13..=13, 1.0)]);
        check("5-7", &[(5..=7, 1.0)]);
        check("3:0.5, 7:-1", &[(3..=3, 0.5), (7..=7, -1.0)]);
        check(" 510 - 511 : 2e-1 , 0,", &[(510..=511, 0.2), (0..=0, 1.0)]);
    }

    #[test]
    fn ranks() {
        assert_eq!(checked("strong:4"), Ok(Channels::Strongest(4)));
        assert_eq!(checked(" weak : 512 "), Ok(Channels::Weakest(512)));
        let energies = [0.5, 2.0, 0.0, 2.0, f32::NAN];
        assert_eq!(strongest(&energies[..4], 3), [1, 3, 0]);
        assert_eq!(weakest(&energies[..4], 2), [2, 0]);
        assert_eq!(weakest(&energies, 9), [2, 0, 1, 3, 4]);
    }

    #[test]
    fn mistakes() {
        check_error(" , ", "no channels are listed: write `13`");
        check_error("512", "there is no channel 512: layer `relu4_3` has 512 channels, 0 to 511");
        check_error("0-18446744073709551615", "there is no channel 18446744073709551615: layer");
        check_error("9-5", "`9-5` is reversed: write `5-9`");
        check_error("-1", "`-1` must be a channel such as `13`");
        check_error("cat", "`cat` must be a channel such as `13`");
        check_error("7, strong:4", "`strong` must be a channel such as `13`");
        check_error("3:much", "the weight of channel `3` must be a number, found `much`");
        check_error("3:inf", "the weight of channel `3` must be a number, found `inf`");
        check_error("3, 1-4", "channel 3 is listed twice");
        check_error("1-4, 0, 2-9", "channel 2 is listed twice");
        check_error("strong:0", "`strong` must be a number of channels, at least 1, found `0`");
        check_error("weak:513", "`weak` must be between 1 and 512");
        check_error("strong:4, 7", "`strong` must be a number of channels, at least 1, found `4, 7`");
    }
}
