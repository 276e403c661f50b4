//! YAML (and so JSON) that people wrote, as values: pipelines, params, policies; and values as YAML, for what reads
//! nothing else.

use serde_json::Value;

use crate::error::{Error, Result};

/// Most maps and lists within each other.
const MOST_DEPTH: usize = 64;

/// Most anchors, and most aliases.
const MOST_ALIASES: usize = 100;

/// A YAML (or JSON) document as a JSON value, within a budget.
///
/// # Errors
/// [`Error::Params`] with the file and line: no YAML, a key that stands twice, NaN, or more nodes,
/// depth or aliases than the budget allows.
pub fn document(place: &str, text: &[u8]) -> Result<Value> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MOST_DEPTH,
            max_documents: 1,
            max_nodes: 1_000_000,
            max_events: 2_000_000,
            max_anchors: MOST_ALIASES,
            max_aliases: MOST_ALIASES,
        },
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_slice_with_options(text, options).map_err(|e| {
        let e = e.without_snippet();
        let field = match e.location() {
            Some(at) if at.line() > 0 => {
                format!("{place}, line {}, column {}", at.line(), at.column())
            }
            _ => place.to_string(),
        };
        Error::params(field, unusable(e))
    })
}

/// A value as YAML that a reader of YAML 1.1 takes as it is meant: `no`, `1:30` and `2026-01-01` are quoted, numbers have
/// their point. Maps are in the order of their keys.
///
/// # Errors
/// [`Error::Bug`] when it cannot be written, which no JSON value is known to bring about.
pub fn text(value: &Value) -> Result<String> {
    // Blocks (`>`, `|`) would be folded by rules that readers differ in.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(value, options)
        .map_err(|e| Error::Bug { message: format!("no YAML can be made of a value: {e}") })
}

/// What is wrong with a YAML document, in words for whoever wrote it.
fn unusable(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error as Yaml;
    use serde_saphyr::budget::BudgetBreach as Breach;
    match error {
        Yaml::AliasError { error, .. } => unusable(error),
        Yaml::DuplicateMappingKey { key: Some(key), .. } => {
            format!(
                "duplicate key: `{}` stands here for the second time",
                key.chars().take(80).collect::<String>()
            )
        }
        Yaml::DuplicateMappingKey { key: None, .. } => {
            "duplicate key: the same one stands in this map twice".into()
        }
        Yaml::NonFiniteFloat { .. } => {
            "NaN and infinity are no numbers that a param can have".into()
        }
        Yaml::MultipleDocuments { .. } | Yaml::Budget { breach: Breach::Documents { .. }, .. } => {
            "a second YAML document begins here (`---`); one file holds one".into()
        }
        Yaml::Budget { breach: Breach::Depth { .. }, .. } => {
            format!("maps and lists within each other deeper than {MOST_DEPTH}")
        }
        Yaml::Budget { breach: Breach::Anchors { .. } | Breach::Aliases { .. }, .. }
        | Yaml::Budget { breach: Breach::AliasAnchorRatio { .. }, .. } => {
            format!("more than {MOST_ALIASES} anchors (`&a`) or aliases (`*a`)")
        }
        Yaml::Budget {
            breach: Breach::RecordedAnchorEvents { .. } | Breach::RecordedAnchorBytes { .. },
            ..
        }
        | Yaml::AliasReplayLimitExceeded { .. }
        | Yaml::AliasExpansionLimitExceeded { .. }
        | Yaml::AliasReplayStackDepthExceeded { .. } => {
            "aliases (`*a`) that make the file much larger than it is written".into()
        }
        Yaml::Budget { .. } => "more values than such a file can need".into(),
        Yaml::UnknownAnchor { .. } => {
            "an alias (`*a`) of an anchor (`&a`) that there is not".into()
        }
        Yaml::Eof { .. } => "the file ends before the value does, or is empty".into(),
        Yaml::InvalidUtf8Input => "not UTF-8 text".into(),
        other => {
            let words = other.render_with_formatter(&serde_saphyr::UserMessageFormatter);
            format!("no YAML: {}", words.lines().next().unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_yaml_hides_is_refused() {
        let deep = "[".repeat(80) + &"]".repeat(80);
        let row = |n: u32| vec![format!("*a{}", n - 1); 8].join(", ");
        let aliases = "a0: &a0 [x, x]\n".to_string()
            + &(1..12).map(|n| format!("a{n}: &a{n} [{}]\n", row(n))).collect::<String>();
        let many = (0..200).map(|n| format!("- &a{n} x\n")).collect::<String>();
        let cases = [
            ("b: 1\na: 1\na: 2\n", "p, line 3, column 1", "duplicate key: `a`"),
            ("a: .nan\n", "p, line 1, column 4", "NaN and infinity"),
            ("- 1\n--- \n- 2\n", "p, line 2", "a second YAML document"),
            (&deep, "p, line 1", "deeper than 64"),
            (&aliases, "p, line ", "aliases (`*a`)"),
            (&many, "p, line 101", "more than 100 anchors"),
            ("a: *b\n", "p, line 1", "an alias"),
            ("a: {b: [\n", "p", ""),
            ("a: 'x\n", "p", ""),
            ("a: b: c\n", "p, line 1", "no YAML: "),
        ];
        for (text, place, words) in cases {
            match document("p", text.as_bytes()) {
                Err(Error::Params { field, message }) => {
                    assert!(field.starts_with(place), "{text}: {field}: {message}");
                    assert!(message.contains(words), "{text}: {field}: {message}");
                    assert!(
                        !message.contains("Options") && !message.contains("budget"),
                        "{message}"
                    );
                }
                other => panic!("{text}: {other:?}"),
            }
        }
        assert_eq!(document("p", b"a: no\n").unwrap()["a"], "no");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let words = [
            "",
            " ",
            "no",
            "y",
            "null",
            "~",
            "1",
            "1.0",
            "1e3",
            "0x1f",
            "1_000",
            "1:30",
            "2026-01-01",
            "=",
            "<<",
            "{{$}}",
            "- a",
            "a: b",
            "a #b",
            "#a",
            "'",
            "\"",
            "\\",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a`",
            "|",
            ">",
            "a\nb",
            "\n",
            "\t",
            "\u{7f}",
            "\u{85}",
            "\u{2028}",
            "\u{feff}",
            "é",
            "µm",
            "---",
            "...",
            "a\r\n b ",
        ];
        let long = "word ".repeat(60);
        let numbers = serde_json::json!([
            0,
            -1,
            1.0,
            0.1,
            1e16,
            1e-7,
            9_007_199_254_740_993_i64,
            u64::MAX,
            true,
            null
        ]);
        let words: Vec<Value> =
            words.iter().map(|w| Value::from(*w)).chain([long.into()]).collect();
        let mut keys = serde_json::Map::new();
        for word in words.iter().filter_map(Value::as_str) {
            keys.insert(word.into(), serde_json::json!({"empty": {}, "list": [[], {}]}));
        }
        let value = serde_json::json!({"words": words, "numbers": numbers, "keys": keys});
        let written = text(&value).unwrap();
        assert_eq!(document("p", written.as_bytes()).unwrap(), value, "{written}");
        assert_eq!(text(&value).unwrap(), written);
    }
}
