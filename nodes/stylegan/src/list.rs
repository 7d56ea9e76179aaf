//! Lists of numbers as users write them: `0-8, 15`.

use std::ops::RangeInclusive;

/// The items between the commas, trimmed.
///
/// # Errors
///
/// If there are none, or one of them is empty.
pub(crate) fn pieces(list: &str) -> Result<Vec<&str>, String> {
    if list.trim().is_empty() {
        return Err("the list is empty: write numbers and ranges such as 0-8,15".to_owned());
    }
    let pieces: Vec<&str> = list.split(',').map(str::trim).collect();
    if pieces.contains(&"") {
        return Err(format!("`{list}` has an empty item between commas"));
    }
    Ok(pieces)
}

/// The numbers of an item: `7` is itself, `3-9` includes both ends.
///
/// # Errors
///
/// Quotes what is not a number, is too large, or runs backwards.
pub(crate) fn range(piece: &str) -> Result<RangeInclusive<u32>, String> {
    let (first, last) = piece.split_once('-').unwrap_or((piece, piece));
    let number = |text: &str| {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("`{piece}` is neither a number nor a range such as 3-9"));
        }
        // Digits only, so only the size can be wrong.
        text.parse::<u32>().map_err(|_| format!("`{text}` is too large: the maximum is {}", u32::MAX))
    };
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        return Err(format!("`{piece}` is reversed: write {last}-{first}"));
    }
    Ok(first..=last)
}

/// The most numbers that [`items`] expands; `0-4294967295` is easily typed.
const MAX_ITEMS: u64 = 65_536;

/// The numbers of a whole list, in its order.
///
/// # Errors
///
/// If it cannot be parsed, or is too long.
pub(crate) fn items(list: &str) -> Result<Vec<u32>, String> {
    let ranges = pieces(list)?.into_iter().map(range).collect::<Result<Vec<_>, _>>()?;
    let count: u64 = ranges.iter().map(|range| u64::from(range.end() - range.start()) + 1).sum();
    if count > MAX_ITEMS {
        return Err(format!("the list has more than {MAX_ITEMS} numbers"));
    }
    Ok(ranges.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(piece: &str, expected: RangeInclusive<u32>) {
        assert_eq!(range(piece), Ok(expected));
    }

    #[track_caller]
    fn check_error(found: Result<impl std::fmt::Debug, String>, expected: &str) {
        assert_eq!(found.unwrap_err(), expected);
    }

    #[test]
    fn numbers_and_ranges_are_read() {
        check("7", 7..=7);
        check("0-8", 0..=8);
        check("3 - 3", 3..=3);
        check("4294967295", u32::MAX..=u32::MAX);
        assert_eq!(pieces("0-8, coarse ,15").unwrap(), ["0-8", "coarse", "15"]);
    }

    #[test]
    fn lists_are_expanded() {
        assert_eq!(items("0-2,5,1"), Ok(vec![0, 1, 2, 5, 1]));
        assert_eq!(items("0-65535").map(|items| items.len()), Ok(65_536));
        check_error(items("0-65536"), "the list has more than 65536 numbers");
    }

    #[test]
    fn mistakes_are_quoted() {
        for piece in ["a", "3-", "-3", "1-2-3", "+1", "1.5", "0x10"] {
            check_error(range(piece), &format!("`{piece}` is neither a number nor a range such as 3-9"));
        }
        check_error(range("8-0"), "`8-0` is reversed: write 0-8");
        check_error(range("4294967296"), "`4294967296` is too large: the maximum is 4294967295");
        check_error(range("0-99999999999"), "`99999999999` is too large: the maximum is 4294967295");
        check_error(pieces("  "), "the list is empty: write numbers and ranges such as 0-8,15");
        for list in ["1,,2", "1,", ","] {
            check_error(pieces(list), &format!("`{list}` has an empty item between commas"));
        }
    }
}
