//! Columns as fingerprints: 8 bytes a value, enough to tell values apart, whatever they are.

use std::collections::HashMap;

use serde_json::Value;

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::{Batch, Kind, Schema, names_file};

/// Most different values of a column that are told apart by name; with more, its changes are only counted.
pub(super) const MOST_WORDS: usize = 10_000;

/// Print of a null, which no finite number has.
const NOTHING: u64 = 0xfff8_5a5a_0000_0001;

/// How the values of a column that two manifests have are made comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As they are: both are of one kind.
    Same,
    /// As floats: `512` is `512.0`.
    Number,
    /// As JSON text: one is a number and one is text.
    Text,
}

impl Form {
    /// The form in which columns of these kinds can be compared.
    pub fn of(left: Kind, right: Kind) -> Self {
        let number = |kind| matches!(kind, Kind::Int | Kind::Float);
        match () {
            () if left == right => Self::Same,
            () if number(left) && number(right) => Self::Number,
            () => Self::Text,
        }
    }
}

/// Values by their prints.
pub(super) type Words = HashMap<u64, Value>;

/// A print for each row of a batch; and, where `words` are wanted and there are not too many, what the prints stand
/// for.
pub(super) fn prints(
    batch: &Batch,
    schema: &Schema,
    name: &str,
    form: Form,
    words: bool,
) -> Result<(Vec<u64>, Option<Words>)> {
    if name == "digest" {
        let first = |digest: [u8; 32]| digest.iter().take(8).fold(0, |n, b| n << 8 | u64::from(*b));
        return Ok((batch.digests()?.into_iter().map(first).collect(), None));
    }
    let mut out = Prints {
        prints: Vec::with_capacity(batch.rows()),
        words: words.then(HashMap::new),
        text: form == Form::Text,
    };
    match (schema.kind(name), form) {
        (Some(Kind::Text), _) => {
            // Rows of one slide follow each other.
            let mut before: Option<(&str, u64)> = None;
            for value in batch.text(name)?.iter() {
                let value = value.map(|text| if names_file(name) { made_part(text) } else { text });
                match (value, before) {
                    (Some(text), Some((held, print))) if held == text => out.prints.push(print),
                    (Some(text), _) => {
                        let print = out.value(&|| text.into(), of_bytes(text.as_bytes()));
                        before = Some((text, print));
                    }
                    (None, _) => out.null(),
                }
            }
        }
        (Some(Kind::Int), Form::Number) => {
            for value in batch.ints(name)? {
                out.float(value.map(|v| v as f64));
            }
        }
        (Some(Kind::Int), _) => {
            for value in batch.ints(name)? {
                match value {
                    Some(v) => drop(out.value(&|| v.into(), v as u64)),
                    None => out.null(),
                }
            }
        }
        (Some(Kind::Float), _) => batch.floats(name)?.for_each(|value| out.float(value)),
        (Some(Kind::Bool), _) => {
            for value in batch.bools(name)? {
                match value {
                    Some(v) => drop(out.value(&|| v.into(), u64::from(v))),
                    None => out.null(),
                }
            }
        }
        (None, _) => return Err(Error::Bug { message: format!("there is no column `{name}`") }),
    }
    Ok((out.prints, out.words))
}

struct Prints {
    prints: Vec<u64>,
    words: Option<Words>,
    text: bool,
}

impl Prints {
    fn value(&mut self, value: &dyn Fn() -> Value, print: u64) -> u64 {
        let print = match (self.text, value) {
            // A number and the text of it are the same to whoever reads a CSV.
            (true, value) => match value() {
                Value::String(text) => of_bytes(text.as_bytes()),
                other => of_bytes(other.to_string().as_bytes()),
            },
            (false, _) => print,
        };
        self.prints.push(print);
        self.name(print, value);
        print
    }

    fn name(&mut self, print: u64, value: &dyn Fn() -> Value) {
        if let Some(words) = &mut self.words {
            words.entry(print).or_insert_with(value);
            if words.len() > MOST_WORDS {
                self.words = None;
            }
        }
    }

    fn null(&mut self) {
        self.prints.push(NOTHING);
        self.name(NOTHING, &|| Value::Null);
    }

    fn float(&mut self, value: Option<f64>) {
        match value {
            // −0.0 + 0.0 is 0.0.
            Some(v) => drop(self.value(&|| v.into(), (v + 0.0).to_bits())),
            None => self.null(),
        }
    }
}

fn of_bytes(bytes: &[u8]) -> u64 {
    let digest = Digest::of(bytes);
    digest.as_bytes().iter().take(8).fold(0, |n, b| n << 8 | u64::from(*b))
}

/// The part of a file's name that says what it is: its folder (`<unit>@<key12>` for what a step made) and its own
/// name. Where the dataset lies is no difference.
fn made_part(path: &str) -> &str {
    let mut slashes = path.rmatch_indices('/').map(|(at, _)| at + 1);
    slashes.nth(1).map_or(path, |at| &path[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_file_lies_is_no_part_of_it() {
        assert_eq!(made_part("/a/b/unit@key/mask.png"), "unit@key/mask.png");
        assert_eq!(made_part("az://c/items/unit@key/mask.png"), "unit@key/mask.png");
        assert_eq!(made_part("masks/a.png"), "masks/a.png");
        assert_eq!(made_part("a.png"), "a.png");
    }

    #[test]
    fn kinds_meet_in_a_form_that_both_have() {
        assert_eq!(Form::of(Kind::Int, Kind::Int), Form::Same);
        assert_eq!(Form::of(Kind::Int, Kind::Float), Form::Number);
        assert_eq!(Form::of(Kind::Text, Kind::Float), Form::Text);
        assert_eq!(Form::of(Kind::Bool, Kind::Int), Form::Text);
    }
}
