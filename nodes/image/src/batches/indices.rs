//! Pictures of a batch by their numbers: `0-3,7`, `-1`, `0--1:2`.

use dreamwire_sdk::prelude::*;

/// Numbers that count from 0, or if they are negative back from the end: -1 is the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    first: i64,
    last: i64,
    step: usize,
}

impl Range {
    /// The ranges of a text; none if it is empty.
    ///
    /// # Errors
    /// It is something else: names `param`.
    pub(super) fn parse(param: &str, text: &str) -> Result<Vec<Self>> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let wrong = |part: &str| {
            Error::param(param, format!("`{part}` in `{param}` is no index and no range"))
                .hint("write indices from 0 and ranges, such as `0-3,7`; -1 is the last, `0--1:2` every other, `3-0` backwards")
        };
        parts.map(|part| Self::one(part).ok_or_else(|| wrong(part))).collect()
    }

    fn one(part: &str) -> Option<Self> {
        let (range, step) = match part.split_once(':') {
            Some((range, step)) => (range.trim(), step.trim().parse().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let digits = range.strip_prefix('-').unwrap_or(range);
        let number = |text: &str| text.trim().parse::<i64>().ok().filter(|n| n.unsigned_abs() <= 1 << 32);
        match digits.find('-') {
            None => number(range).map(|n| Self { first: n, last: n, step }),
            Some(at) => {
                let at = at + range.len() - digits.len();
                Some(Self { first: number(&range[..at])?, last: number(&range[at + 1..])?, step })
            }
        }
    }

    /// The indices in a batch of `count`, in their order.
    ///
    /// # Errors
    /// One of the ends is not in the batch: names `param`.
    pub(super) fn indices(self, param: &str, count: usize) -> Result<impl Iterator<Item = usize>> {
        let at = |n: i64| {
            let from_front = if n < 0 { n + count as i64 } else { n };
            let index = usize::try_from(from_front).ok().filter(|index| *index < count);
            index.ok_or_else(|| {
                let message = format!("`{param}` has the index {n}, but the batch has {count} pictures");
                Error::param(param, message).hint(format!("take 0 to {}, or -{count} to -1", count - 1))
            })
        };
        let (first, last) = (at(self.first)?, at(self.last)?);
        let step = self.step;
        Ok((0..=first.abs_diff(last))
            .step_by(step)
            .map(move |n| if first <= last { first + n } else { first - n }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indices(text: &str, count: usize) -> Result<Vec<usize>> {
        let ranges = Range::parse("select", text)?;
        let all = ranges.into_iter().map(|range| range.indices("select", count).map(Iterator::collect));
        Ok(all.collect::<Result<Vec<Vec<usize>>>>()?.concat())
    }

    #[test]
    fn indices_and_ranges() {
        for (text, wanted) in [
            ("0-3,7", &[0, 1, 2, 3, 7][..]),
            ("-1", &[7]),
            ("-3--1", &[5, 6, 7]),
            ("0--1:3", &[0, 3, 6]),
            ("-1-5", &[7, 6, 5]),
            (" 2 , 2 ", &[2, 2]),
            ("4-4", &[4]),
            ("", &[]),
        ] {
            assert_eq!(indices(text, 8).expect(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for text in ["a", "1-", "--", "1:0", "1-2-3", "1.5", "99999999999999999999", "1:x"] {
            let error = indices(text, 8).expect_err(text);
            assert!(error.to_string().contains("no index and no range"), "{text}: {error}");
        }
        for text in ["8", "-9", "0-8", "4294967296"] {
            let error = indices(text, 8).expect_err(text);
            assert!(error.to_string().contains("but the batch has 8 pictures"), "{text}: {error}");
        }
    }
}
