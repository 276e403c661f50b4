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
    pub bytes_in: u64,
    /// Bytes written.
    pub bytes_out: u64,
    /// Pieces (patches) made, those of unfinished units included.
    pub pieces: u64,
    /// The unit that moved last.
    pub current: String,
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
            bytes_in: 0,
            bytes_out: 0,
            pieces: 0,
            current: String::new(),
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
            Event::Hashed { bytes } => self.bytes_in += bytes,
            Event::UnitBegun { id } => {
                self.current.clone_from(id);
                self.working.insert(id.clone(), (0, 0));
            }
            Event::UnitProgress { id, done, total } => {
                self.current.clone_from(id);
                let before = self.working.insert(id.clone(), (*done, *total)).map_or(0, |w| w.0);
                self.pieces += done.saturating_sub(before);
            }
            Event::UnitDone { id, hit, items, bytes_out, .. } => {
                self.working.remove(id);
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
            Event::Note { .. } | Event::StepDone(_) => {}
        }
    }

    /// How much of the step is done, 0 to 1: units, unfinished ones by their pieces; where nothing
    /// is known of the units yet, bytes.
    pub fn share(&self) -> f64 {
        let of = |part: f64, whole: u64| if whole == 0 { 0.0 } else { part / whole as f64 };
        let working: f64 =
            self.working.values().map(|(done, total)| of(*done as f64, *total)).sum();
        let by_units = of(self.done as f64 + working, self.units);
        let share = if by_units == 0.0 { of(self.bytes_in as f64, self.bytes) } else { by_units };
        share.min(1.0)
    }

    /// Seconds since the step began.
    pub fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// Seconds that are left if it goes on like this; `None` while nobody can say.
    pub fn seconds_left(&self) -> Option<f64> {
        let share = self.share();
        (share > 0.001 && self.seconds() > 1.0).then(|| self.seconds() * (1.0 - share) / share)
    }

    /// Pieces and input megabytes per second.
    pub fn rates(&self) -> (f64, f64) {
        let seconds = self.seconds().max(0.001);
        (self.pieces as f64 / seconds, self.bytes_in as f64 / 1e6 / seconds)
    }
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
}
