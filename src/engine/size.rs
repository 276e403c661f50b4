//! Sizes as people write them.

use crate::error::{Error, Result};

const UNITS: &[(&str, u64)] = &[
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("b", 1),
    ("", 1),
];

/// A size such as `1GB`, `512MiB`, `1.5 GiB` or `65536`, in bytes; `flag` is what an error names.
///
/// # Errors
/// [`Error::Params`] when it is none, or less than `least`.
pub fn size(flag: &str, text: &str, least: u64) -> Result<u64> {
    let lower = text.trim().to_lowercase();
    let end = lower.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(lower.len());
    let (number, unit) = lower.split_at(end);
    let factor = UNITS.iter().find(|(name, _)| *name == unit.trim()).map(|(_, factor)| *factor);
    let bytes = match (factor, number.parse::<u64>(), number.parse::<f64>()) {
        (Some(factor), Ok(whole), _) => whole.checked_mul(factor),
        // A fraction of a unit: exact as long as it stays below 2^53 bytes, which is checked next.
        (Some(factor), _, Ok(float)) => Some((float * factor as f64) as u64),
        _ => None,
    };
    match bytes {
        Some(bytes) if (least..1 << 53).contains(&bytes) => Ok(bytes),
        _ => {
            let text: String = text.chars().take(40).collect();
            Err(Error::params(
                flag,
                format!("{text:?} is not a size of at least {least} bytes (such as 512MiB or 1GB)"),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_decimal_and_binary_units() {
        let ok = |text| size("--pack", text, 1).unwrap();
        assert_eq!(ok("65536"), 65_536);
        assert_eq!(ok("1GB"), 1_000_000_000);
        assert_eq!(ok("1 GiB"), 1_073_741_824);
        assert_eq!(ok("1.5MiB"), 1_572_864);
        for wrong in
            ["", "0", "GB", "-1", "1XB", "1e30", "nan", "99999999999999999999", "9000000TB", "1..2"]
        {
            assert!(size("--pack", wrong, 1).is_err(), "{wrong} was taken");
        }
        assert!(size("--pack", "1kB", 1 << 16).is_err());
    }
}
