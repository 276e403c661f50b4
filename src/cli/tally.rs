//! What has happened so far in the step that is running: bars and log lines are drawn from it.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::engine::Event;

/// Counts of the running step.
pub struct Tally {
    /// Name of the step.
    pub step: String,
    /// Units of this run.
    pub units: u64,
    /// Bytes of their inputs.
    pub bytes: u64,
    /// Units that are done, found done, or failed.
    pub done: u64,
    /// Of these, found done.
    pub hits: u64,
    /// Of these, failed.
    pub failed: u64,
    /// Items of the units that are done.
    pub items: u64,
    /// Bytes read and hashed.
    pub hashed: u64,
    /// Input bytes of the units that were made.
    pub made_bytes: u64,
    /// Input bytes of the units that were found done.
    pub hit_bytes: u64,
    /// Bytes written.
    pub bytes_out: u64,
    /// Pieces (patches) made, those of unfinished units included.
    pub pieces: u64,
    /// The unit that moved last.
    pub current: String,
    /// Whether a unit was begun: a listing hashes its files before it has units at work.
    at_work: bool,
    begun: Instant,
    working: BTreeMap<String, (u64, u64)>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            step: String::new(),
            units: 0,
            bytes: 0,
            done: 0,
            hits: 0,
            failed: 0,
            items: 0,
            hashed: 0,
            made_bytes: 0,
            hit_bytes: 0,
            bytes_out: 0,
            pieces: 0,
            current: String::new(),
            at_work: false,
            begun: Instant::now(),
            working: BTreeMap::new(),
        }
    }
}

impl Tally {
    /// Counts an event in.
    pub fn count(&mut self, event: &Event) {
        match event {
            Event::StepBegun { step, units, bytes, .. } => {
                *self =
                    Self { step: step.clone(), units: *units, bytes: *bytes, ..Self::default() };
            }
            Event::Hashed { bytes } => self.hashed += bytes,
            Event::UnitBegun { id } => {
                self.at_work = true;
                self.current.clone_from(id);
                self.working.insert(id.clone(), (0, 0));
            }
            Event::UnitProgress { id, done, total } => {
                self.current.clone_from(id);
                let before = self.working.insert(id.clone(), (*done, *total)).map_or(0, |w| w.0);
                self.pieces += done.saturating_sub(before);
            }
            Event::UnitDone { id, hit, items, bytes_in, bytes_out, .. } => {
                self.working.remove(id);
                let bytes = if *hit { &mut self.hit_bytes } else { &mut self.made_bytes };
                *bytes = bytes.saturating_add(*bytes_in);
                self.done += 1;
                self.hits += u64::from(*hit);
                self.items += items;
                self.bytes_out += bytes_out;
            }
            Event::Failed(failure) => {
                self.working.remove(&failure.id);
                self.done += 1;
                self.failed += 1;
            }
            Event::Note { .. } | Event::Warning { .. } | Event::StepDone(_) => {}
        }
    }

    /// How many units the unfinished ones make up, by their pieces.
    fn in_work(&self) -> f64 {
        self.working.values().map(|(done, total)| part(*done as f64, *total).min(1.0)).sum()
    }

    /// How much of the step is done, 0 to 1: units, unfinished ones by their pieces; where no unit
    /// is at work yet, hashed bytes if they are further.
    pub fn share(&self) -> f64 {
        let by_units = part(self.done as f64 + self.in_work(), self.units);
        let by_bytes = if self.at_work { 0.0 } else { part(self.hashed as f64, self.bytes) };
        by_units.max(by_bytes).min(1.0)
    }

    /// Input bytes that were worked on: of units that are made all, of unfinished ones by their
    /// pieces. How long an unfinished unit is nobody says here: it counts as the mean of what is
    /// left. A listing only hashes.
    fn bytes_worked(&self) -> f64 {
        if !self.at_work {
            return self.hashed as f64;
        }
        let left = self.bytes.saturating_sub(self.made_bytes.saturating_add(self.hit_bytes));
        let waiting = self.units.saturating_sub(self.done - self.failed);
        self.made_bytes as f64 + self.in_work() * part(left as f64, waiting)
    }

    /// Seconds since the step began.
    pub fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// Seconds that are left if it goes on like this; `None` while nobody can say. What was found
    /// done took no time and says nothing about the rest.
    pub fn seconds_left(&self) -> Option<f64> {
        let share = self.share();
        let made = share - part(self.hits as f64, self.units);
        (made > 0.001 && self.seconds() > 1.0).then(|| self.seconds() * (1.0 - share) / made)
    }

    /// Pieces and input megabytes per second.
    pub fn rates(&self) -> (f64, f64) {
        let seconds = self.seconds().max(0.001);
        (self.pieces as f64 / seconds, self.bytes_worked() / 1e6 / seconds)
    }
}

fn part(part: f64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_counts_unfinished_units_by_their_pieces() {
        let mut tally = Tally::default();
        let begun =
            Event::StepBegun { step: "tile".into(), version: "1.0.0".into(), units: 4, bytes: 400 };
        tally.count(&begun);
        assert_eq!(tally.share(), 0.0);
        tally.count(&Event::Hashed { bytes: 100 });
        assert_eq!(tally.share(), 0.25);
        tally.count(&Event::UnitBegun { id: "a".into() });
        tally.count(&Event::UnitProgress { id: "a".into(), done: 30, total: 60 });
        assert_eq!(tally.share(), 0.125);
        tally.count(&Event::UnitProgress { id: "a".into(), done: 60, total: 60 });
        let done = Event::UnitDone {
            id: "a".into(),
            hit: false,
            items: 50,
            bytes_in: 100,
            bytes_out: 9,
            seconds: 1.0,
        };
        tally.count(&done);
        assert_eq!((tally.share(), tally.pieces, tally.items), (0.25, 60, 50));
    }

    #[test]
    fn bytes_count_as_they_are_worked_on_not_as_they_are_hashed() {
        let begun = |units, bytes| Event::StepBegun {
            step: "tile".into(),
            version: "1.0.0".into(),
            units,
            bytes,
        };
        let done = |id: &str, hit, bytes_in| Event::UnitDone {
            id: id.into(),
            hit,
            items: 1,
            bytes_in,
            bytes_out: 0,
            seconds: 0.0,
        };
        let mut tally = Tally::default();
        tally.count(&begun(3, 1000));
        tally.count(&done("hit", true, 300));
        assert_eq!(tally.bytes_worked(), 0.0);
        tally.count(&Event::UnitBegun { id: "a".into() });
        tally.count(&Event::Hashed { bytes: 500 });
        assert_eq!(tally.bytes_worked(), 0.0);
        // Two units of 700 bytes are left: a fifth of the mean of 350.
        tally.count(&Event::UnitProgress { id: "a".into(), done: 2, total: 10 });
        assert_eq!(tally.bytes_worked(), 70.0);
        tally.count(&done("a", false, 500));
        assert_eq!(tally.bytes_worked(), 500.0);
        // A listing has no units at work while it hashes.
        tally.count(&begun(3, 1000));
        tally.count(&Event::Hashed { bytes: 500 });
        assert_eq!((tally.bytes_worked(), tally.share()), (500.0, 0.5));
        tally.count(&done("a", false, 500));
        assert_eq!(tally.bytes_worked(), 500.0);
    }
}
