//! The params of a step as its command line takes them: flags where a flag can say it, and a file for the rest.

use serde_json::{Map, Value};

use crate::describe::{self, Param, Shape};
use crate::error::Result;
use crate::step::Entry;

/// Longest value that stands in the arguments: what is longer is no line that a person reads.
const MOST_FLAG: usize = 256;

/// The params of a step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    /// As flags: `--mpp=0.5`.
    pub flags: Vec<String>,
    /// For the file of `--params`: contents of files, lists that a comma would cut apart, text of several lines.
    pub file: Map<String, Value>,
}

/// Params as the command line of their step takes them.
///
/// # Errors
/// As [`describe::params`].
pub fn said(entry: &Entry, params: &Map<String, Value>) -> Result<Said> {
    let mut said = Said::default();
    for param in describe::params(entry)? {
        let Some(value) = params.get(&param.name) else { continue };
        match flag(&param, value).filter(|text| text.len() <= MOST_FLAG) {
            Some(text) => said.flags.push(format!("{}={text}", param.flag())),
            None => {
                said.file.insert(param.name, value.clone());
            }
        }
    }
    Ok(said)
}

/// A value as the text of its flag; `None` where no flag gives this very value.
fn flag(param: &Param, value: &Value) -> Option<String> {
    match (&param.shape, value) {
        (Shape::List(_), Value::Array(list)) if !list.is_empty() => {
            let list: Option<Vec<String>> = list.iter().map(word).collect();
            list.filter(|list| list.iter().all(|word| !word.contains(',')))
                .map(|list| list.join(","))
        }
        (Shape::List(_), _) => None,
        // A file that containers read themselves is named; a content is no text.
        (_, value) => word(value),
    }
}

/// A single value as text; `None` where a command line cannot carry it, or a person would not find it there.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::Bool(bool) => Some(bool.to_string()),
        // `32`, not `32.0`: what a number is for, the schema says.
        Value::Number(number) => Some(number.to_string().trim_end_matches(".0").to_string()),
        Value::String(text) if !text.is_empty() && !text.contains(char::is_control) => {
            Some(text.clone())
        }
        _ => None,
    }
}

/// Text that comes out as it is when Kubernetes has put the values of `$(NAME)` into it.
pub fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        literal.push(c);
        if c == '$' && matches!(rest.peek(), Some('$' | '(')) {
            literal.push('$');
        }
    }
    literal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::probe;
    use proptest::prelude::*;
    use serde_json::json;

    fn of(params: Value) -> Said {
        said(&probe::STEPS[1], params.as_object().unwrap()).unwrap()
    }

    #[test]
    fn flags_where_a_flag_can_say_it() {
        let made = of(json!({
            "mpp": 0.5, "size_px": 64, "min_tissue": 1.0, "edge": "pad", "loud": true,
            "include": ["*.svs", "-x"], "note": "a, b = 'c'",
        }));
        let flags = [
            "--edge=pad",
            "--include=*.svs,-x",
            "--loud=true",
            "--min-tissue=1",
            "--mpp=0.5",
            "--note=a, b = 'c'",
            "--size-px=64",
        ];
        assert_eq!((made.flags, made.file), (flags.map(String::from).to_vec(), Map::new()));
        // A file that containers read by its name.
        assert_eq!(of(json!({"classes": "s3://b/c.csv"})).flags, ["--classes=s3://b/c.csv"]);
    }

    #[test]
    fn a_file_for_the_rest() {
        let rest = json!({
            "note": "two\nlines",
            "include": ["a,b", "c"],
            "classes": [{"name": "tumor"}],
        });
        let made = of(rest.clone());
        assert_eq!((made.flags, Value::Object(made.file)), (Vec::new(), rest));
        for file in [
            json!({"include": ["a", ""]}),
            json!({"include": []}),
            json!({"note": ""}),
            json!({"note": "x".repeat(257)}),
            json!({"mpp": null}),
        ] {
            assert_eq!(
                (of(file.clone()).flags, Value::Object(of(file.clone()).file)),
                (vec![], file)
            );
        }
    }

    /// What a kubelet makes of an argument: `$$` is `$`, `$(NAME)` the value of a variable that there is, all else as
    /// it is.
    fn expanded(text: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
        let (mut out, mut rest) = (String::new(), text);
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                out.push('$');
                rest = after;
            } else if let Some((name, after)) =
                rest.strip_prefix('(').and_then(|inside| inside.split_once(')'))
            {
                out.push_str(&value(name).unwrap_or_else(|| format!("$({name})")));
                rest = after;
            } else {
                out.push('$');
            }
        }
        out + rest
    }

    proptest! {
        #[test]
        fn no_value_is_put_into_a_param(text in "[$()A\\\\ab]{0,12}") {
            prop_assert_eq!(expanded(&literal(&text), &|_| Some("!".into())), text);
        }
    }
}
