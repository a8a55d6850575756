//! Lines as JavaScript counts them.

/// The lines of a text, without their ends.
pub(in crate::js) fn of(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let split = text.find(['\n', '\r', '\u{2028}', '\u{2029}']).and_then(|end| text.split_at_checked(end));
        rest = split.map(|(_, after)| {
            after.strip_prefix("\r\n").unwrap_or_else(|| {
                let mut chars = after.chars();
                chars.next();
                chars.as_str()
            })
        });
        Some(split.map_or(text, |(line, _)| line))
    })
}
