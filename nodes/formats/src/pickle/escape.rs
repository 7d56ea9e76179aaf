//! The text forms of protocol 0.

/// `raw-unicode-escape`: Latin-1, with `\uXXXX` and `\UXXXXXXXX`. Surrogates become U+FFFD.
pub(super) fn raw_unicode(line: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let [first, tail @ ..] = rest {
        let digits = match (first, tail.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => 0,
        };
        if digits == 0 {
            text.push(char::from(*first));
            rest = tail;
        } else {
            let code = hexadecimal(tail.get(1..=digits)?)?;
            text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            rest = tail.get(1 + digits..)?;
        }
    }
    Some(text)
}

/// What `repr` made of a string in Python 2, in its quotes.
pub(super) fn quoted(line: &[u8]) -> Option<Vec<u8>> {
    let line = line.trim_ascii();
    let (quote, line) = line.split_first()?;
    let (last, mut rest) = line.split_last()?;
    if quote != last || !matches!(quote, b'\'' | b'"') {
        return None;
    }
    let mut bytes = Vec::with_capacity(rest.len());
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let (escape, tail) = rest.split_first()?;
        rest = tail;
        match escape {
            b'n' => bytes.push(b'\n'),
            b't' => bytes.push(b'\t'),
            b'r' => bytes.push(b'\r'),
            b'a' => bytes.push(7),
            b'b' => bytes.push(8),
            b'f' => bytes.push(12),
            b'v' => bytes.push(11),
            b'\\' | b'\'' | b'"' => bytes.push(*escape),
            b'x' => {
                bytes.push(u8::try_from(hexadecimal(rest.get(..2)?)?).ok()?);
                rest = rest.get(2..)?;
            }
            b'0'..=b'7' => {
                let more = rest.iter().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let digits = rest.iter().take(more).map(|byte| u32::from(byte - b'0'));
                let code = digits.fold(u32::from(escape - b'0'), |code, digit| code * 8 + digit);
                bytes.push(u8::try_from(code).ok()?);
                rest = rest.get(more..)?;
            }
            _ => bytes.extend([b'\\', *escape]),
        }
    }
    Some(bytes)
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        u32::from_str_radix(digits, 16).ok()
    } else {
        None
    }
}
