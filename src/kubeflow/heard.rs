//! Who listens to a run and remembers its first failures.

use std::sync::{Mutex, PoisonError};

use crate::engine::{Event, Watch};
use crate::summary::Failure;

/// Failures that are remembered: for a page and the last words.
const MOST: usize = 100;

/// Passes everything on, and remembers the first failures.
pub struct Heard<'a> {
    to: &'a dyn Watch,
    failures: Mutex<Vec<Failure>>,
}

impl<'a> Heard<'a> {
    /// Passes on to `to`.
    pub fn new(to: &'a dyn Watch) -> Self {
        Self { to, failures: Mutex::default() }
    }

    /// The failures that were heard of, by step and id: in the order in which they came, no two runs agree.
    pub fn failures(self) -> Vec<Failure> {
        let mut all = self.failures.into_inner().unwrap_or_else(PoisonError::into_inner);
        all.sort_by(|a, b| (&a.step, &a.id).cmp(&(&b.step, &b.id)));
        all
    }
}

impl Watch for Heard<'_> {
    fn event(&self, event: Event) {
        if let Event::Failed(failure) = &event {
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            if failures.len() < MOST {
                failures.push(failure.clone());
            }
        }
        self.to.event(event);
    }
}
