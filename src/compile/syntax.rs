//! How Kubernetes writes names, quantities and labels.

/// A quantity in thousandths (`2` is 2000, `500m` is 500, `8Gi` is 8 · 2³⁰ · 1000); `None` when it is none, or not more
/// than zero. Signs, exponents and fractions below a thousandth are left to Kubernetes' own files.
pub fn quantity(text: &str) -> Option<u128> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || whole.len() > 15 || fraction.len() > 3 || number.ends_with('.') {
        return None;
    }
    let thousandths: u128 = format!("{whole}{fraction:0<3}").parse().ok()?;
    let factor: u128 = match unit {
        "m" if fraction.is_empty() => return (thousandths > 0).then_some(thousandths / 1000),
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        _ => return None,
    };
    (thousandths > 0).then_some(thousandths * factor)
}

/// A DNS label (RFC 1123): lower-case letters, digits and dashes, at most 63.
pub fn is_label(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(inside)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// The name of most objects: DNS labels with dots between them, at most 253.
pub fn is_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

/// The key of a label: `[prefix/]name`.
pub fn is_label_key(text: &str) -> bool {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    prefix.is_none_or(is_name) && !name.is_empty() && is_label_value(name)
}

/// The value of a label: empty, or letters, digits, `-`, `_` and `.`, at most 63, letters or digits at the ends.
pub fn is_label_value(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let ends = [text.bytes().next(), text.bytes().last()];
    text.len() <= 63
        && text.bytes().all(inside)
        && ends.iter().flatten().all(u8::is_ascii_alphanumeric)
}

/// The name of an environment variable, as every shell and language takes it.
pub fn is_variable(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=253).contains(&text.len())
        && text.bytes().all(inside)
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// The key of a secret.
pub fn is_key(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=253).contains(&text.len()) && text.bytes().all(inside) && !text.starts_with("..")
}

/// The name of an image: a repository path with an optional tag and digest.
pub fn is_image(text: &str) -> bool {
    let (text, digest) = match text.split_once('@') {
        Some((text, digest)) => (text, Some(digest)),
        None => (text, None),
    };
    let hex = |digest: &str| {
        digest.strip_prefix("sha256:").is_some_and(|hex| {
            hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        })
    };
    // A colon in the first part is a port, in the last one a tag.
    let (path, last) = text.rsplit_once('/').map_or((None, text), |(p, l)| (Some(p), l));
    let (name, tag) = match last.split_once(':') {
        Some((name, tag)) => (name, Some(tag)),
        None => (last, None),
    };
    let part = |part: &str| {
        let inside =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-');
        let ends = [part.bytes().next(), part.bytes().last()];
        !part.is_empty()
            && part.bytes().all(inside)
            && ends.iter().flatten().all(u8::is_ascii_alphanumeric)
    };
    let host = |host: &str| match host.split_once(':') {
        Some((host, port)) => {
            part(host) && !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit())
        }
        None => part(host),
    };
    let tagged = |tag: &str| {
        let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        (1..=128).contains(&tag.len()) && tag.bytes().all(inside) && !tag.starts_with(['.', '-'])
    };
    let path = path.is_none_or(|path| {
        let mut parts = path.split('/');
        parts.next().is_some_and(host) && parts.all(part)
    });
    text.len() <= 255 && path && part(name) && tag.is_none_or(tagged) && digest.is_none_or(hex)
}

/// An absolute path without `.`, `..`, empty parts and what a mount cannot have; `/` itself is none.
pub fn is_folder(text: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part != "." && part != "..";
    text.len() <= 1024
        && !text.contains(|c: char| c.is_control() || c == ':' || c == '$')
        && text.strip_prefix('/').is_some_and(|below| below.split('/').all(part))
}

/// Whether a folder is another one or lies below it.
pub fn lies_in(folder: &str, other: &str) -> bool {
    folder.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_by_hand() {
        assert_eq!(quantity("2"), Some(2000));
        assert_eq!(quantity("500m"), Some(500));
        assert_eq!(quantity("0.5"), Some(500));
        assert_eq!(quantity("1.25"), Some(1250));
        assert_eq!(quantity("8Gi"), Some(8 * 1000 * (1 << 30)));
        assert_eq!(quantity("1M"), Some(1_000_000_000));
        for wrong in
            ["", "0", "0m", "-1", "1.", ".5", "1gb", "8GB", "1e3", "1.5m", "0.0001", "1 Gi", "NaN"]
        {
            assert_eq!(quantity(wrong), None, "{wrong}");
        }
        assert_eq!(quantity(&"9".repeat(400)), None);
    }

    #[test]
    fn names_as_kubernetes_takes_them() {
        assert!(is_label("ml-1") && !is_label("Ml") && !is_label("-a") && !is_label("a."));
        assert!(is_name("a.b-c") && !is_name("a..b") && !is_name(""));
        assert!(is_label_key("azure.workload.identity/use") && is_label_key("pool"));
        assert!(!is_label_key("/use") && !is_label_key("a/b/c") && !is_label_key("a/"));
        assert!(is_label_value("") && is_label_value("True_1.x") && !is_label_value("a b"));
        assert!(is_variable("AWS_REGION") && !is_variable("1A") && !is_variable("A-B"));
        assert!(is_key("account.key") && !is_key("..data") && !is_key("a/b"));
        assert!(is_folder("/mnt/data") && !is_folder("/") && !is_folder("mnt"));
        assert!(!is_folder("/mnt/../etc") && !is_folder("/mnt//x") && !is_folder("/mnt/"));
        assert!(lies_in("/mnt/a", "/mnt") && lies_in("/mnt", "/mnt") && !lies_in("/mntx", "/mnt"));
    }

    #[test]
    fn images_by_tag_and_digest() {
        let digest = "a".repeat(64);
        for right in [
            "microtome",
            "localhost/microtome-tile:1.0.0",
            "host:5000/team/tile:1",
            &format!("host/tile@sha256:{digest}"),
            &format!("host/tile:1@sha256:{digest}"),
        ] {
            assert!(is_image(right), "{right}");
        }
        for wrong in [
            "",
            "a b",
            "Host/Tile",
            "host/tile:",
            "host//tile",
            "host/tile@sha256:12",
            "host/{step}",
            "a\nb",
        ] {
            assert!(!is_image(wrong), "{wrong}");
        }
    }
}
