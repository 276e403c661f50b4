//! Values as codes: a dictionary for each batch, made on any thread, and one for all that they are merged into.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use super::Split;
use crate::error::{Error, Result};
use crate::manifest::{Batch, Kind, NULL, Schema};
use crate::step::Step;

/// A column of one batch: its words, and for each row the word's place among them, or [`NULL`].
pub(super) struct Coded {
    pub words: Vec<String>,
    pub codes: Vec<u32>,
}

/// The kind of a column that may be coded.
///
/// # Errors
/// [`Error::Schema`] naming the column, and those that there are.
pub(super) fn kind_of(schema: &Schema, param: &str, name: &str) -> Result<Kind> {
    let message = match schema.kind(name) {
        Some(Kind::Float) => format!(
            "`{param}` names it, and it holds numbers with fractions: text, integers and booleans can be told apart"
        ),
        Some(kind) => return Ok(kind),
        None => absent(schema, param),
    };
    let column = name.chars().take(80).collect();
    Err(Error::Schema { step: Split::NAME.into(), column, message })
}

/// What is said of a column that is not there.
pub(super) fn absent(schema: &Schema, param: &str) -> String {
    let mut facts: Vec<&str> = schema.facts.iter().map(|field| field.name.as_str()).collect();
    let more = facts.len().saturating_sub(40);
    facts.truncate(40);
    let mut names: Vec<String> =
        ["label", "group"].iter().chain(&facts).map(|n| n.chars().take(80).collect()).collect();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    format!("`{param}` names it; there are: {}", names.join(", "))
}

/// The codes of a column.
pub(super) fn coded(batch: &Batch, kind: Kind, name: &str) -> Result<Coded> {
    Ok(match kind {
        Kind::Text => code(batch.rows(), batch.text(name)?.iter(), |text| text.to_string()),
        Kind::Int => code(batch.rows(), batch.ints(name)?, |number| number.to_string()),
        Kind::Bool => code(batch.rows(), batch.bools(name)?, |value| value.to_string()),
        Kind::Float => {
            return Err(Error::Bug { message: format!("`{name}` is a column of floats") });
        }
    })
}

fn code<T: Copy + Eq + Hash>(
    rows: usize,
    values: impl Iterator<Item = Option<T>>,
    word: impl Fn(T) -> String,
) -> Coded {
    let mut places: HashMap<T, u32> = HashMap::new();
    let (mut words, mut codes) = (Vec::new(), Vec::with_capacity(rows));
    // Rows of one slide follow each other.
    let mut before: Option<(T, u32)> = None;
    for value in values {
        let Some(value) = value else {
            codes.push(NULL);
            continue;
        };
        let place = match before {
            Some((held, place)) if held == value => place,
            _ => *places.entry(value).or_insert_with(|| {
                words.push(word(value));
                words.len() as u32 - 1
            }),
        };
        before = Some((value, place));
        codes.push(place);
    }
    Coded { words, codes }
}

/// Words in the order in which they were met, each with its place.
#[derive(Default)]
pub(super) struct Dictionary {
    places: HashMap<Arc<str>, u32>,
    words: Vec<Arc<str>>,
}

impl Dictionary {
    /// The place of a word, which may be new, and whether it is.
    pub fn place(&mut self, word: &str) -> (u32, bool) {
        if let Some(place) = self.places.get(word) {
            return (*place, false);
        }
        let (word, place): (Arc<str>, _) = (word.into(), self.words.len() as u32);
        self.words.push(word.clone());
        self.places.insert(word, place);
        (place, true)
    }

    /// The place of a word that is there.
    pub fn get(&self, word: &str) -> Option<u32> {
        self.places.get(word).copied()
    }

    /// Number of words.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// A word by its place.
    pub fn word(&self, place: u32) -> &Arc<str> {
        &self.words[place as usize]
    }

    /// Places in the order of their words, by bytes.
    pub fn sorted(&self) -> Vec<u32> {
        let mut places: Vec<u32> = (0..self.words.len() as u32).collect();
        places.sort_unstable_by(|a, b| self.word(*a).cmp(self.word(*b)));
        places
    }
}

/// A column of classes over all rows.
#[derive(Default)]
pub(super) struct Classes {
    dictionary: Dictionary,
    /// Names of the classes, once [`Classes::finish`] was called.
    pub names: Vec<Arc<str>>,
    /// Class of each row; [`NULL`] where it has none.
    pub codes: Vec<u32>,
}

impl Classes {
    /// Takes the rows of the next batch.
    pub fn push(&mut self, coded: &Coded) {
        let places: Vec<u32> =
            coded.words.iter().map(|word| self.dictionary.place(word).0).collect();
        let place = |code: &u32| places.get(*code as usize).copied().unwrap_or(NULL);
        self.codes.extend(coded.codes.iter().map(place));
    }

    /// Numbers classes in the order of their names: which was met first no longer shows.
    pub fn finish(&mut self) {
        let dictionary = std::mem::take(&mut self.dictionary);
        let sorted = dictionary.sorted();
        let mut numbers = vec![0; sorted.len()];
        for (number, place) in (0..).zip(&sorted) {
            numbers[*place as usize] = number;
        }
        self.names = sorted.iter().map(|place| dictionary.word(*place).clone()).collect();
        for code in &mut self.codes {
            *code = numbers.get(*code as usize).copied().unwrap_or(NULL);
        }
    }
}
