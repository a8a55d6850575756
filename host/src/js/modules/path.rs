//! Specifiers as paths.

/// As [`Resolver::normalize`](super::Resolver::normalize) says.
pub(super) fn normalize(base: &str, specifier: &str) -> Result<String, String> {
    let refused = if specifier.contains('\\') {
        "a backslash is refused: paths are written with /"
    } else if specifier.starts_with('/') {
        "an absolute path is refused"
    } else if is_relative(specifier) {
        match join(base, specifier) {
            Some(path) => return Ok(path),
            None => "it leads above the root",
        }
    } else if specifier.split('/').any(|segment| matches!(segment, "." | "..")) {
        "a . or .. within a bare name is refused"
    } else {
        return Ok(specifier.to_owned());
    };
    Err(refused.to_owned())
}

/// Whether a specifier is a path from where its importer lies.
pub(super) fn is_relative(specifier: &str) -> bool {
    matches!(specifier, "." | "..") || specifier.starts_with("./") || specifier.starts_with("../")
}

/// The path of a relative specifier; `None`: it leads above the root. That is the beginning of a path, or the host of a
/// URL.
pub(super) fn join(base: &str, specifier: &str) -> Option<String> {
    let rest = below_root(base);
    let root = base.strip_suffix(rest).unwrap_or_default();
    let mut segments: Vec<&str> = rest.split('/').filter(|segment| !segment.is_empty()).collect();
    if !rest.ends_with('/') {
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

/// What comes after `https://host/`, or after the `/` that an absolute path begins with.
fn below_root(path: &str) -> &str {
    match path.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => rest.split_once('/').map_or("", |(_, below)| below),
        _ => path.trim_start_matches('/'),
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

    #[test]
    fn a_bare_name_is_itself_unless_it_is_a_path() {
        for specifier in ["a", "@scope/a/b.js", "a..b", "...", ".a", "https://example.com/a.js", "node:fs", "C:a", ""] {
            assert_eq!(normalize("lib/main.js", specifier).as_deref(), Ok(specifier));
        }
        for specifier in ["a/../../../etc/passwd", "a/./b", "a/..", "https://example.com/../a.js"] {
            assert_eq!(normalize("main.js", specifier).unwrap_err(), "a . or .. within a bare name is refused");
        }
        for specifier in ["a\\..\\..\\secret", ".\\a.js", "./lib\\..\\..\\secret", "\\\\server\\share"] {
            let reason = "a backslash is refused: paths are written with /";
            assert_eq!(normalize("main.js", specifier).unwrap_err(), reason);
        }
        for specifier in ["/etc/passwd", "//server/share"] {
            assert_eq!(normalize("main.js", specifier).unwrap_err(), "an absolute path is refused");
        }
    }
}
