//! Lines as JavaScript counts them.

/// The lines of a text, without their ends.
pub(super) fn of(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.find(['\n', '\r', '\u{2028}', '\u{2029}']);
        rest = end.map(|end| {
            let after = &text[end..];
            after.strip_prefix("\r\n").unwrap_or_else(|| {
                let mut chars = after.chars();
                chars.next();
                chars.as_str()
            })
        });
        Some(&text[..end.unwrap_or(text.len())])
    })
}
