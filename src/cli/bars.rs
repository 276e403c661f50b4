//! Progress on a terminal: a bar for the step, a line for the unit at work.

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount, HumanDuration, MultiProgress, ProgressBar, ProgressStyle};

use super::tally::Tally;
use crate::engine::{Event, Watch};

/// Parts of the bar.
const PARTS: u64 = 1000;

/// Most failures that are shown one by one; all of them stand in `failures.jsonl`.
const MOST_FAILURES: u64 = 50;

/// Draws bars on stderr.
pub struct Bars {
    all: MultiProgress,
    step: ProgressBar,
    unit: ProgressBar,
    tally: Mutex<Tally>,
}

impl Bars {
    /// Bars, not yet drawn.
    pub fn new() -> Self {
        let all = MultiProgress::new();
        let style = |template: &str| {
            // A template that does not parse would only cost the looks.
            ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("━╸ ")
        };
        let step = all.add(ProgressBar::new(PARTS));
        step.set_style(style("{prefix:>8} [{bar:28}] {percent:>3}% {msg}"));
        let unit = all.add(ProgressBar::new_spinner());
        unit.set_style(style("         {spinner} {wide_msg}"));
        Self { all, step, unit, tally: Mutex::default() }
    }

    fn draw(&self, tally: &Tally) {
        let (pieces, megabytes) = tally.rates();
        let mut message = format!("{}/{} units", tally.done, tally.units);
        if tally.pieces > 0 {
            message.push_str(&format!(" · {pieces:.0} patches/s"));
        }
        message.push_str(&format!(" · {megabytes:.1} MB/s"));
        if let Some(left) = tally.seconds_left() {
            let left = Duration::from_secs_f64(left.min(1e9));
            message.push_str(&format!(" · {} left", HumanDuration(left)));
        }
        self.step.set_message(message);
        self.step.set_position((tally.share() * PARTS as f64) as u64);
        self.unit.set_message(tally.current.clone());
    }
}

impl Watch for Bars {
    fn event(&self, event: Event) {
        let mut tally = self.tally.lock().unwrap_or_else(|e| e.into_inner());
        tally.count(&event);
        let say = |text: &str| {
            // A terminal that is gone needs no bars.
            let _ = self.all.println(text);
        };
        match event {
            Event::StepBegun { step, .. } => {
                self.step.reset();
                self.step.set_prefix(step);
                self.step.enable_steady_tick(Duration::from_millis(250));
                self.unit.enable_steady_tick(Duration::from_millis(250));
            }
            Event::Failed(failure) if tally.failed <= MOST_FAILURES => {
                say(&format!("failed: {}: {}", failure.id, failure.message));
            }
            Event::Note { message } => say(&message),
            Event::StepDone(done) => {
                self.unit.set_message("");
                say(&format!(
                    "{:>8} {} items from {} units, {} written, {}",
                    done.step,
                    HumanCount(done.items),
                    HumanCount(done.units),
                    HumanBytes(done.bytes_written),
                    HumanDuration(Duration::from_secs_f64(done.seconds.clamp(0.0, 1e9))),
                ));
            }
            _ => {}
        }
        self.draw(&tally);
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.step.finish_and_clear();
        self.unit.finish_and_clear();
    }
}
