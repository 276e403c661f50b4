//! Counts, classes and values as people read them.

use indicatif::HumanCount;
use serde_json::Value;

use super::ClassChange;
use crate::lineage::show::value;

/// `1234567` as `1,234,567`.
pub(super) fn n(count: u64) -> String {
    HumanCount(count).to_string()
}

/// `1 row`, `2 rows`.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", n(count), if count == 1 { one } else { many })
}

/// Names of splits in words.
pub(super) fn splits(names: &[String]) -> String {
    let word = |name: &String| match name.as_str() {
        "" => "no split".to_string(),
        name => value(&name.into()),
    };
    names.iter().map(word).collect::<Vec<_>>().join(" + ")
}

/// A value of a row in words.
pub(super) fn word(of: &Value) -> String {
    match of {
        Value::Null => "nothing".into(),
        Value::String(_) => format!("`{}`", value(of)),
        other => value(other),
    }
}

/// `class tumor in train fell from 5,120 to 2,004 rows (−61 %)`.
pub(super) fn class_words(class: &ClassChange) -> String {
    let (a, b) = (class.left.unwrap_or(0), class.right.unwrap_or(0));
    let name = match &class.class {
        Some(name) => format!("class `{}`", value(&name.as_str().into())),
        None => "rows without a class".into(),
    };
    let place = match class.split.as_deref() {
        None => String::new(),
        Some("") => " outside of all splits".into(),
        Some(split) => format!(" in {}", value(&split.into())),
    };
    let rows = if b == 1 { "row" } else { "rows" };
    match (a, b) {
        (0, b) => format!("{name}{place} is new: {} {rows}", n(b)),
        (a, 0) => format!("{name}{place} is gone: it had {}", counted(a, "row", "rows")),
        (a, b) => {
            let verb = if b < a { "fell" } else { "rose" };
            format!("{name}{place} {verb} from {} to {} {rows} ({})", n(a), n(b), percent(a, b))
        }
    }
}

/// `−61 %`, `+4 %`, `+0.3 %`, `×12`.
pub(super) fn percent(a: u64, b: u64) -> String {
    let change = (b as f64 - a as f64) / a.max(1) as f64 * 100.0;
    let sign = if change < 0.0 { "−" } else { "+" };
    match change.abs() {
        _ if change >= 900.0 => format!("×{:.0}", b as f64 / a.max(1) as f64),
        size if size < 9.95 => format!("{sign}{size:.1} %"),
        size => format!("{sign}{size:.0} %"),
    }
}

/// A ratio in words: `1.0`, `10.4`, `1,234`.
pub(super) fn ratio(of: f64) -> String {
    if of < 99.95 { format!("{of:.1}") } else { n(of.round() as u64) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A class that changed.
    pub fn class(split: Option<&str>, left: u64, right: u64) -> ClassChange {
        ClassChange {
            split: split.map(String::from),
            class: Some("tumor".into()),
            left: Some(left),
            right: Some(right),
            difference: Some(right as i64 - left as i64),
        }
    }

    #[test]
    fn a_class_is_told_as_people_tell_it() {
        let words = |left, right| class_words(&class(Some("train"), left, right));
        assert_eq!(
            words(5120, 2004),
            "class `tumor` in train fell from 5,120 to 2,004 rows (−61 %)"
        );
        assert_eq!(words(0, 1), "class `tumor` in train is new: 1 row");
        assert_eq!(words(40, 0), "class `tumor` in train is gone: it had 40 rows");
        assert_eq!(words(100, 104), "class `tumor` in train rose from 100 to 104 rows (+4.0 %)");
        assert_eq!(words(3, 300), "class `tumor` in train rose from 3 to 300 rows (×100)");
    }
}
