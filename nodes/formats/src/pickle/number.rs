//! The forms of integers and floats.

use super::Value;

/// The two's complement, little-endian integer of `LONG1` and `LONG4`.
pub(super) fn long(bytes: &[u8]) -> Value<'static> {
    let sign = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
    let (low, high) = bytes.split_at(bytes.len().min(16));
    let mut wide = [sign; 16];
    wide[..low.len()].copy_from_slice(low);
    let value = i128::from_le_bytes(wide);
    let fits = high.iter().all(|byte| *byte == sign) && (value < 0) == (sign != 0);
    if fits { Value::Int(value) } else { Value::Huge }
}

/// The decimal integer of `INT` and `LONG`, where `00` and `01` are the booleans of protocol 0.
pub(super) fn decimal(line: &[u8]) -> Option<Value<'static>> {
    let text = std::str::from_utf8(line).ok()?.trim();
    match text {
        "00" => return Some(Value::Bool(false)),
        "01" => return Some(Value::Bool(true)),
        _ => {}
    }
    let text = text.strip_suffix('L').unwrap_or(text);
    if let Ok(value) = text.parse() {
        return Some(Value::Int(value));
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then_some(Value::Huge)
}

/// The float of protocol 0, as `repr` writes it.
pub(super) fn float(line: &[u8]) -> Option<f64> {
    std::str::from_utf8(line).ok()?.trim().parse().ok()
}
