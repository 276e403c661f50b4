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

/// Text as a scalar on one line, which every reader of YAML 1.1 and 1.2 takes for that text and nothing else. Plain where
/// no reader could see more in it than a word; in double quotes otherwise.
pub fn scalar(text: &str) -> String {
    if is_plain(text) {
        return text.to_string();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if is_shown(c) => quoted.push(c),
            c if u32::from(c) <= 0xff => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) <= 0xffff => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

/// Text of several lines as a block (`|`) below a line, indented by so many spaces; `None` where a block would not give
/// the same text back.
pub fn literal(text: &str, indent: usize) -> Option<String> {
    let lines = text.strip_suffix('\n')?;
    let first = lines.split('\n').next()?;
    let as_it_is = lines.chars().all(|c| c == '\n' || is_shown(c));
    // A first line that is empty or indented would be taken for the indentation.
    if !as_it_is || first.is_empty() || first.starts_with(' ') || lines.ends_with('\n') {
        return None;
    }
    let mut block = String::from("|\n");
    for line in lines.split('\n') {
        if !line.is_empty() {
            block.push_str(&" ".repeat(indent));
            block.push_str(line);
        }
        block.push('\n');
    }
    Some(block)
}

/// Whether a character stands for itself within YAML: printable, and no line break of any version.
fn is_shown(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Whether text is a word: nothing that a reader takes for a number, a time, a truth, null or a sign of YAML.
fn is_plain(text: &str) -> bool {
    const TRUTHS: &[&str] = &["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let begins = |c: char| c.is_ascii_alphabetic() || c == '/';
    // A colon that ends a word, or stands before a space, would make a map of it.
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | ':');
    // A flag is a word too: `--mpp=0.5`.
    let (word, inside): (&str, &dyn Fn(char) -> bool) = match text.strip_prefix("--") {
        Some(flag) => (flag, &|c| inside(c) || matches!(c, '=' | '%')),
        None => (text, &inside),
    };
    word.starts_with(begins)
        && word.chars().all(inside)
        && !word.ends_with(':')
        && !TRUTHS.iter().any(|truth| word.eq_ignore_ascii_case(truth))
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

    #[test]
    fn text_comes_back_as_it_was() {
        let plain = [
            "a",
            "batch/v1",
            "app.kubernetes.io/name",
            "/data/in",
            "--mpp=0.5",
            "az://in/a",
            "h:1/i:2",
        ];
        for text in plain {
            assert_eq!(scalar(text), text);
        }
        let quoted = [
            "",
            "no",
            "Yes",
            "NULL",
            "~",
            "1",
            "1.0.0",
            "1e3",
            "0x1f",
            "1:30",
            "2026-01-01",
            ".inf",
            "-1",
            "-",
            "a b",
            "a: b",
            "a #b",
            "#a",
            "- a",
            "'",
            "\"",
            "\\",
            "\\n",
            "{a}",
            "[a]",
            "a,b",
            "a:",
            "--a:",
            "&a",
            "*a",
            "!a",
            "%a",
            "@a",
            "`a",
            "=",
            "<<",
            "a\nb",
            "a\r\nb",
            "\ta",
            " a",
            "a ",
            "\0",
            "\u{7f}",
            "\u{85}",
            "\u{2028}",
            "\u{feff}",
            "é",
            "漢",
            "😀",
            "--no#",
            "--a=b: c",
            "--a=1,2",
            "---",
            "...",
            "$(A)",
        ];
        for text in quoted {
            assert!(scalar(text).starts_with('"'), "{text:?}: {}", scalar(text));
        }
        for text in plain.iter().chain(&quoted) {
            let read = document("p", format!("- {}\n", scalar(text)).as_bytes()).unwrap();
            assert_eq!(read[0], **text, "{text:?}");
            let read = document("p", format!("{}: 1\n", scalar(text)).as_bytes()).unwrap();
            assert_eq!(read[*text], 1, "{text:?}");
        }
    }

    #[test]
    fn blocks_come_back_as_they_were_or_are_none() {
        for text in ["a\n", "a: 1\n  b\n\nc \n", "# é\n- 'x'\n", "a\n\n  b\n"] {
            let block = literal(text, 2).unwrap();
            let read = document("p", format!("x: {block}y: 1\n").as_bytes()).unwrap();
            assert_eq!((&read["x"], &read["y"]), (&text.into(), &1.into()));
        }
        for text in ["", "a", "\n", " a\n", "a\n\n", "a\tb\n", "a\r\n", "\u{2028}\n", "\u{7f}\n"] {
            assert_eq!(literal(text, 2), None, "{text:?}");
        }
    }
}
