//! The rows of a step over groups: those that stay, each with the facts of its group or its own, and
//! those of what was made of them.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::grouping::Share;
use super::groups::{Joined, Outcome, Outcomes, kept};
use super::images::{self, Tally};
use super::packed;
use super::rows::{ORDER, RowsOut};
use super::unit::Bench;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::{Field, Item, ManifestReader};
use crate::record::{DROPPED_MEMBER, KEPT, KEPT_JOINED, KEPT_MEMBER, Output, Record};

/// Most groups whose records are held at once, for manifests whose groups lie among each other.
const GROUPS_HELD: usize = 64;

/// What is needed to write the rows.
pub(super) struct Writing<'a> {
    pub bench: &'a Bench<'a>,
    pub share: &'a Share,
    pub outcomes: &'a Outcomes,
    pub joined: Option<Joined>,
    /// How paths of items are written, seen from the output.
    pub place: &'a dyn Fn(&str) -> String,
}

/// What a record says of its group.
enum Said {
    /// These facts of all items.
    Whole(Map<String, Value>),
    /// Of each member, by its place: (name without the place, output).
    Members(BTreeMap<usize, Vec<(String, Output)>>),
}

impl Writing<'_> {
    /// Writes all rows of this run's groups in their order.
    pub fn all(
        &self,
        mut reader: ManifestReader,
        rows: &mut RowsOut,
        tally: &mut Tally,
    ) -> Result<()> {
        let order_at = reader.schema().fact(ORDER);
        let mut held: HashMap<u32, Said> = HashMap::new();
        let mut row = 0_u64;
        while let Some(batch) = reader.next_batch()? {
            self.bench.crew.check()?;
            for mut item in batch {
                let group = self.share.of_row.get(row as usize).copied().unwrap_or(u32::MAX);
                let seat = self.outcomes.place.get(row as usize).copied().unwrap_or(u32::MAX);
                let order = match order_at {
                    Some(at) => item.facts.remove(at).as_u64().unwrap_or(row),
                    None => row,
                };
                let is_lost = self.outcomes.lost.contains(&row);
                row += 1;
                let outcome = self.outcomes.of.get(group as usize);
                let Some(Some(Outcome::Done { key, joins })) = outcome else { continue };
                if is_lost {
                    continue;
                }
                if !held.contains_key(&group) {
                    if held.len() >= GROUPS_HELD {
                        held.clear();
                    }
                    held.insert(group, self.said(key)?);
                }
                let Some(said) = held.get(&group) else { continue };
                let made = match said {
                    Said::Whole(facts) => vec![self.kept(item, key, facts, *joins, rows)],
                    Said::Members(of) => {
                        let outputs = of.get(&(seat as usize)).ok_or_else(|| {
                            Error::format(Record::path(key), "it does not speak of all members")
                        })?;
                        self.member(item, key, outputs, rows)
                    }
                };
                for item in made {
                    tally.items += 1;
                    tally.bytes_out = tally.bytes_out.saturating_add(item.length);
                    rows.push(item, order)?;
                }
            }
        }
        Ok(())
    }

    fn said(&self, key: &Digest) -> Result<Said> {
        let record = self.bench.out.record(key)?.ok_or_else(|| {
            let message = "the record vanished while the manifest was written";
            Error::store(Record::path(key), message)
        })?;
        if record.outputs.iter().any(|o| o.name == KEPT || o.name == KEPT_JOINED) {
            return Ok(Said::Whole(kept(&record)?));
        }
        let mut members: BTreeMap<usize, Vec<(String, Output)>> = BTreeMap::new();
        for output in record.outputs {
            let (place, name) = packed::origin(usize::MAX, true, &output.name)
                .ok_or_else(|| Error::format(Record::path(key), "an output is of no member"))?;
            let name = name.to_string();
            members.entry(place).or_default().push((name, output));
        }
        Ok(Said::Members(members))
    }

    /// What became of one member.
    fn member(
        &self,
        item: Item,
        key: &Digest,
        outputs: &[(String, Output)],
        rows: &RowsOut,
    ) -> Vec<Item> {
        let mut made = Vec::new();
        for (name, output) in outputs {
            if name == DROPPED_MEMBER {
                continue;
            }
            made.push(if name == KEPT_MEMBER {
                self.kept(item.clone(), key, &output.facts, false, rows)
            } else {
                let output = (output, name.as_str());
                images::row(self.bench, rows.schema(), &item, key, output, self.place)
            });
        }
        made
    }

    /// An item that stays, with these facts, and over them those of all groups together.
    fn kept(
        &self,
        mut item: Item,
        key: &Digest,
        facts: &Map<String, Value>,
        joins: bool,
        rows: &RowsOut,
    ) -> Item {
        let prefix = format!("{}.", self.bench.step.entry().name);
        let of_all = self.joined.as_ref().filter(|_| joins);
        let fact = |field: &Field| -> Value {
            let short = field.name.strip_prefix(&prefix);
            let from =
                |facts: &Map<String, Value>| facts.get(short.unwrap_or(&field.name)).cloned();
            let own = of_all.and_then(|(_, facts)| from(facts)).or_else(|| from(facts));
            match own {
                Some(value) => value,
                None if short.is_some() => Value::Null,
                None => {
                    images::inherited(item.value(self.bench.schema, &field.name), field, self.place)
                }
            }
        };
        let facts = rows.schema().facts.iter().map(fact).collect();
        for key in std::iter::once(key).chain(of_all.map(|(key, _)| key)) {
            let gap = if item.trail.is_empty() { "" } else { " " };
            item.trail.push_str(&format!("{gap}{key}"));
        }
        item.path = (self.place)(&item.path);
        item.facts = facts;
        item
    }
}
