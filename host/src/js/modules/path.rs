//! Specifiers as paths.

/// As [`Resolver::normalize`](super::Resolver::normalize) says.
pub(super) fn normalize(base: &str, specifier: &str) -> Result<String, String> {
    if is_relative(specifier) {
        join(base, specifier).ok_or_else(|| "it leads above the root".to_owned())
    } else if specifier.starts_with('/') {
        Err("an absolute path is refused".to_owned())
    } else {
        Ok(specifier.to_owned())
    }
}

/// Whether a specifier is a path from where its importer lies.
pub(super) fn is_relative(specifier: &str) -> bool {
    matches!(specifier, "." | "..") || specifier.starts_with("./") || specifier.starts_with("../")
}

/// The path of a relative specifier; `None`: it leads above the root. That is the beginning of a path, or the host of a
/// URL.
pub(super) fn join(base: &str, specifier: &str) -> Option<String> {
    let (root, base) = base.split_at(root_of(base));
    let mut segments: Vec<&str> = base.split('/').filter(|segment| !segment.is_empty()).collect();
    if !base.ends_with('/') {
        segments.pop();
    }
    for segment in specifier.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop()?;
            }
            segment => segments.push(segment),
        }
    }
    if matches!(specifier.rsplit('/').next(), Some("" | "." | "..")) && !segments.is_empty() {
        // A folder.
        segments.push("");
    }
    Some(format!("{root}{}", segments.join("/")))
}

/// The length of `https://host/`, or of the `/` that an absolute path begins with.
fn root_of(path: &str) -> usize {
    match path.find("://") {
        Some(scheme) if !path[..scheme].contains('/') => {
            let host = scheme + 3;
            path[host..].find('/').map_or(path.len(), |slash| host + slash + 1)
        }
        _ => path.len() - path.trim_start_matches('/').len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined() {
        for (base, specifier, path) in [
            ("main.js", "./a.js", "a.js"),
            ("<eval>", "./a.js", "a.js"),
            ("", "./a.js", "a.js"),
            ("lib/main.js", "./a.js", "lib/a.js"),
            ("lib/main.js", "../a.js", "a.js"),
            ("lib/deep/main.js", "../.././a.js", "a.js"),
            ("lib/main.js", ".//a.js", "lib/a.js"),
            ("lib/main.js", "./deep/../a.js", "lib/a.js"),
            ("lib/main.js", "./deep/", "lib/deep/"),
            ("lib/main.js", "..", ""),
            ("/srv/main.js", "./a.js", "/srv/a.js"),
            ("https://example.com/lib/main.js", "../a.js", "https://example.com/a.js"),
            ("https://example.com/main.js", "./%2e%2e/a.js?b#c", "https://example.com/%2e%2e/a.js?b#c"),
        ] {
            assert_eq!(join(base, specifier).as_deref(), Some(path), "{base} {specifier}");
        }
    }

    #[test]
    fn no_path_leads_above_the_root() {
        for (base, specifier) in [
            ("main.js", "../a.js"),
            ("lib/main.js", "../../a.js"),
            ("lib/main.js", "./../../lib/a.js"),
            ("/main.js", "../a.js"),
            ("https://example.com/main.js", "../example.org/a.js"),
        ] {
            assert_eq!(join(base, specifier), None, "{base} {specifier}");
        }
    }
}
