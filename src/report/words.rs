//! Numbers as people read them.

/// `1234567` as `1,234,567`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 patch`, `2 patches`: a count with its noun.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// Bytes in decimal units: `999 B`, `1.5 kB`, `364 MB`.
pub fn bytes(n: u64) -> String {
    let units = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    let decimals = usize::from(value < 9.95);
    format!("{value:.decimals$} {}", units.get(unit).unwrap_or(&"EB"))
}

/// Seconds: `0.42 s`, `12.3 s`, `3 min 5 s`, `2 h 7 min`.
pub fn seconds(s: f64) -> String {
    let whole = s.max(0.0).round() as u64;
    match whole {
        _ if s < 9.995 => format!("{:.2} s", s.max(0.0)),
        0..60 => format!("{s:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A share of a whole: `50 %`, `0.3 %`, `100 %`; never `100 %` or `0 %` for what only nearly is.
pub fn percent(part: f64, whole: f64) -> String {
    if whole <= 0.0 {
        return "–".into();
    }
    let value = part / whole * 100.0;
    match value {
        v if v <= 0.0 => "0 %".into(),
        v if v >= 100.0 => format!("{v:.0} %"),
        v if v < 0.1 => "< 0.1 %".into(),
        v if v > 99.9 => "> 99.9 %".into(),
        v if !(10.0..=99.0).contains(&v) => format!("{v:.1} %"),
        v => format!("{v:.0} %"),
    }
}

/// A number without needless zeros, at most `decimals` of them: `0.25`, `0.4990`→`0.499`, `1`.
pub fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}

/// How many times one number is another: `1.25`, `12.3`, `1,234`.
pub fn ratio(value: f64) -> String {
    match value {
        v if v < 10.0 => number(v, 2),
        v if v < 1000.0 => number(v, 1),
        v => count(v.round() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1000, 1234567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(counted(1, "patch", "patches"), "1 patch");
        assert_eq!(
            [999, 1000, 9949, 9950, 363_757_522, 999_600_000].map(bytes),
            ["999 B", "1.0 kB", "9.9 kB", "10 kB", "364 MB", "1.0 GB"]
        );
        assert_eq!(
            [0.424, 9.994, 12.34, 59.99, 185.0, 7620.0].map(seconds),
            ["0.42 s", "9.99 s", "12.3 s", "1 min 0 s", "3 min 5 s", "2 h 7 min"]
        );
        assert_eq!([1.0, 1.256, 12.34, 1234.5].map(ratio), ["1", "1.26", "12.3", "1,235"]);
        assert_eq!(percent(1.0, 3.0), "33 %");
        assert_eq!(percent(9_999_999.0, 10_000_000.0), "> 99.9 %");
        assert_eq!(percent(1.0, 10_000_000.0), "< 0.1 %");
        assert_eq!(
            (percent(3.0, 3.0), percent(0.0, 3.0), percent(1.0, 0.0)),
            ("100 %".into(), "0 %".into(), "–".into())
        );
        assert_eq!(
            (number(0.499, 4), number(1.0, 4), number(100.0, 0)),
            ("0.499".into(), "1".into(), "100".into())
        );
    }
}
