//! Values of a column as codes: a dictionary for each batch, made on any thread, and one for all that they are merged into,
//! in order.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use crate::distribution::Words;
use crate::error::{Error, Result};
use crate::manifest::{Batch, Kind, NULL};

/// A column of one batch: its words, and for each row the word's place among them, or [`NULL`].
pub struct Coded {
    /// The words, in the order in which they were met.
    pub words: Vec<String>,
    /// The place of each row's.
    pub codes: Vec<u32>,
}

impl Coded {
    /// A column of text, integers or booleans. An empty text is no value.
    ///
    /// # Errors
    /// What reading gives; [`Error::Bug`] for a column of floats.
    pub fn of(batch: &Batch, kind: Kind, name: &str) -> Result<Self> {
        let rows = batch.rows();
        Ok(match kind {
            Kind::Text => {
                let values = batch.text(name)?.iter();
                let values = values.map(|text| text.filter(|text| !text.is_empty()));
                Self::from_values(rows, values, |text| text.to_string())
            }
            Kind::Int => Self::from_values(rows, batch.ints(name)?, |number| number.to_string()),
            Kind::Bool => Self::from_values(rows, batch.bools(name)?, |value| value.to_string()),
            Kind::Float => {
                return Err(Error::Bug { message: format!("`{name}` is a column of floats") });
            }
        })
    }

    fn from_values<T: Copy + Eq + Hash>(
        rows: usize,
        values: impl Iterator<Item = Option<T>>,
        word: impl Fn(T) -> String,
    ) -> Self {
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
        Self { words, codes }
    }
}

/// A column of all rows, merged from those of the batches.
#[derive(Default)]
pub struct Merged {
    /// The words.
    pub words: Words,
    /// The code of each row's; [`NULL`] where it has none.
    pub codes: Vec<u32>,
}

impl Merged {
    /// With room for so many rows.
    pub fn with_room(rows: usize) -> Self {
        Self { words: Words::default(), codes: Vec::with_capacity(rows) }
    }

    /// Takes the rows of the next batch.
    pub fn push(&mut self, coded: &Coded) {
        let codes: Vec<u32> = coded.words.iter().map(|w| self.words.code(Some(w))).collect();
        let code = |place: &u32| codes.get(*place as usize).copied().unwrap_or(NULL);
        self.codes.extend(coded.codes.iter().map(code));
    }

    /// Numbers words in the order of their bytes: which was met first no longer shows.
    pub fn sorted(self) -> Classes {
        let Self { words, mut codes } = self;
        let sorted = words.sorted();
        let mut numbers = vec![0; sorted.len()];
        for (number, code) in (0..).zip(&sorted) {
            numbers[*code as usize] = number;
        }
        for code in &mut codes {
            *code = numbers.get(*code as usize).copied().unwrap_or(NULL);
        }
        let names = sorted.iter().map(|code| words.all()[*code as usize].clone()).collect();
        Classes { names, codes }
    }
}

/// A column of classes of all rows.
pub struct Classes {
    /// Names of the classes, in the order of their bytes.
    pub names: Vec<Arc<str>>,
    /// Class of each row; [`NULL`] where it has none.
    pub codes: Vec<u32>,
}
