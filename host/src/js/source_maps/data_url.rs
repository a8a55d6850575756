//! The URL that a text ends with.

/// Bytes of the comment, but for its URL.
const MARK: usize = "//# sourceMappingURL=".len();

/// The URL of the source map that a text brings with it: `data:...`, from the comment in its last line.
pub(super) fn of(text: &str) -> Option<&str> {
    let text = text.trim_end();
    let line = text.rsplit_once('\n').map_or(text, |(_, line)| line);
    // Every source is looked at, and to make ready for a search takes longer than most of them are.
    if line.len() < MARK {
        return None;
    }
    let (_, url) = line.rsplit_once("//# sourceMappingURL=").or_else(|| line.rsplit_once("//@ sourceMappingURL="))?;
    (url.starts_with("data:") && !url.contains(char::is_whitespace)).then_some(url)
}

/// The JSON in such a URL. `None`: it is of another kind, or malformed.
pub(super) fn json(url: &str) -> Option<String> {
    let (kind, data) = url.strip_prefix("data:")?.split_once(',')?;
    let mut parameters = kind.split(';');
    if !parameters.next()?.eq_ignore_ascii_case("application/json") {
        return None;
    }
    let mut is_base64 = false;
    for parameter in parameters {
        match parameter.to_ascii_lowercase().as_str() {
            "base64" => is_base64 = true,
            "charset=utf-8" | "charset=utf8" => {}
            _ => return None,
        }
    }
    let bytes = percent(data)?;
    String::from_utf8(if is_base64 { base64(&bytes)? } else { bytes }).ok()
}

/// A text without its `%41`.
fn percent(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        bytes.push(*first);
        if *first == b'%' {
            let ([high, low], after) = rest.split_first_chunk()?;
            let digit = |byte: u8| char::from(byte).to_digit(16);
            rest = after;
            bytes.pop();
            bytes.push((digit(*high)? << 4 | digit(*low)?) as u8);
        }
    }
    Some(bytes)
}

fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let digits = text.get(..text.len().saturating_sub(padding))?;
    // One digit alone has too few bits for a byte.
    if digits.len() % 4 == 1 || (padding > 0 && !text.len().is_multiple_of(4)) || padding > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len().div_ceil(4).saturating_mul(3));
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in digits {
        bits = bits << 6 | digit(*byte)?;
        count = count.saturating_add(6);
        if let Some(rest) = count.checked_sub(8) {
            count = rest;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

/// The value of a base64 digit.
pub(super) fn digit(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte.saturating_sub(b'A'),
        b'a'..=b'z' => byte.saturating_sub(b'a' - 26),
        b'0'..=b'9' => byte.saturating_add(52 - b'0'),
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}
