//! Ranges of integers as OpenJD writes them: `1-60`, `1-60:2`, `1-3,7,9`, `-5--1`, `10-1:-3`.

/// The most integers that one range may have.
pub(super) const MOST: usize = 1_000_000;

/// The integers of a range, in the order in which they are written.
///
/// # Errors
/// It is no range, or has too many integers, or one of them twice.
pub fn integers(text: &str) -> Result<Vec<i64>, String> {
    let mut found = Vec::new();
    for part in text.split(',') {
        let (first, last, step) = parts(part.trim()).ok_or_else(|| {
            format!("`{part}` in `{text}` is no range (expected such as 1-60, 1-60:2 or 1-3,7,9)")
        })?;
        if step == 0 || (first < last && step < 0) || (first > last && step > 0) {
            return Err(format!("`{part}`: a step of {step} does not lead from {first} to {last}"));
        }
        let count = (i128::from(last) - i128::from(first)) / i128::from(step) + 1;
        if count > (MOST - found.len()) as i128 {
            return Err(format!("`{text}` has more than {MOST} integers"));
        }
        found.extend((0..count as i64).map(|index| first + index * step));
    }
    let mut sorted = found.clone();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(twice) => Err(format!("`{text}` has {} twice", twice[0])),
        None => Ok(found),
    }
}

/// First, last and step.
fn parts(text: &str) -> Option<(i64, i64, i64)> {
    let (range, step) = match text.split_once(':') {
        Some((range, step)) => (range.trim(), step.trim().parse().ok()?),
        None => (text, 1),
    };
    // A `-` at the start is a sign.
    let dash = range.char_indices().skip(1).find(|(_, c)| *c == '-').map(|(at, _)| at);
    let Some(dash) = dash else {
        let only = range.parse().ok()?;
        return (!text.contains(':')).then_some((only, only, 1));
    };
    let (first, last) = (range[..dash].trim().parse().ok()?, range[dash + 1..].trim().parse().ok()?);
    Some((first, last, step))
}

/// Integers as a range: `1-3,7`. Those that follow each other are put together.
pub fn written(integers: &[i64]) -> String {
    let runs = integers.chunk_by(|a, b| a.checked_add(1) == Some(*b));
    let run = |run: &[i64]| match run {
        [first, .., last] => format!("{first}-{last}"),
        [only] => only.to_string(),
        [] => String::new(),
    };
    runs.map(run).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_are_read() {
        for (text, found) in [
            ("1-4", vec![1, 2, 3, 4]),
            ("1-10:3", vec![1, 4, 7, 10]),
            ("1-9:3", vec![1, 4, 7]),
            ("1-3,7,9", vec![1, 2, 3, 7, 9]),
            ("9-9", vec![9]),
            (" 5 ", vec![5]),
            ("-5--3", vec![-5, -4, -3]),
            ("-1-1", vec![-1, 0, 1]),
            ("10-1:-4", vec![10, 6, 2]),
            ("3 - 4", vec![3, 4]),
        ] {
            assert_eq!(integers(text).as_deref(), Ok(&found[..]), "{text}");
        }
    }

    /// Faults: D15.
    #[test]
    fn what_is_no_range_is_refused() {
        for text in
            ["", "a", "1-", "-", "1-2-3", "1:2", "1,,2", "9223372036854775808", "1-9223372036854775808"]
        {
            assert!(integers(text).unwrap_err().contains("is no range"), "{text}");
        }
        assert!(integers("4-1").unwrap_err().contains("does not lead"));
        assert!(integers("1-4:0").unwrap_err().contains("does not lead"));
        assert!(integers("1-4:-1").unwrap_err().contains("does not lead"));
        assert!(integers("0-9223372036854775807").unwrap_err().contains("more than 1000000"));
        assert_eq!(integers("1-4,3").unwrap_err(), "`1-4,3` has 3 twice");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(mut all in proptest::collection::vec(-50i64..50, 1..40)) {
            all.sort_unstable();
            all.dedup();
            prop_assert_eq!(integers(&written(&all)), Ok(all));
        }
    }
}
