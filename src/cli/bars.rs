//! Progress on a terminal: a bar for the step, a line for the unit at work.

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{
    HumanBytes, HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle,
};

use super::shown::counted;
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
        // A line that wraps cannot be cleared: `wide_msg` is cut at the width of the terminal.
        step.set_style(style("{prefix:>8} {bar:12} {percent:>3}% {wide_msg}"));
        let unit = all.add(ProgressBar::new_spinner());
        unit.set_style(style("         {spinner} {wide_msg}"));
        Self { all, step, unit, tally: Mutex::default() }
    }

    /// What takes the bars away for good, from any thread: to be done before the process ends
    /// without dropping them.
    pub fn clearing(&self) -> impl FnOnce() + Send + 'static {
        let all = self.all.clone();
        move || {
            // A terminal that is gone shows no bars.
            let _ = all.clear();
            all.set_draw_target(ProgressDrawTarget::hidden());
        }
    }

    fn draw(&self, tally: &Tally) {
        self.step.set_message(line(tally));
        self.step.set_position((tally.share() * PARTS as f64) as u64);
        self.unit.set_message(tally.current.clone());
    }
}

/// `0/1 · 1249 patches/s · 76 MB/s · ETA 0:31`: short enough for 80 columns beside the bar.
fn line(tally: &Tally) -> String {
    let (pieces, megabytes) = tally.rates();
    let mut line = format!("{}/{}", tally.done, tally.units);
    if tally.pieces > 0 {
        line.push_str(&format!(" · {pieces:.0} patches/s"));
    }
    let decimals = usize::from(megabytes < 9.95);
    line.push_str(&format!(" · {megabytes:.decimals$} MB/s"));
    if let Some(left) = tally.seconds_left() {
        line.push_str(&format!(" · ETA {}", clock(left)));
    }
    line
}

/// Seconds as `0:31`, `12:05`, `3:00:00`.
fn clock(seconds: f64) -> String {
    let whole = seconds.clamp(0.0, 1e7).round() as u64;
    let (minutes, seconds) = (whole / 60, whole % 60);
    match minutes {
        0..60 => format!("{minutes}:{seconds:02}"),
        _ => format!("{}:{:02}:{seconds:02}", minutes / 60, minutes % 60),
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
            Event::Warning { message } => say(&format!("note: {message}")),
            Event::StepDone(done) => {
                self.unit.set_message("");
                let dropped = match done.dropped {
                    0 => String::new(),
                    n => format!(", {} dropped", counted(n, "item")),
                };
                say(&format!(
                    "{:>8} {} from {}{dropped}, {} written, {}",
                    done.step,
                    counted(done.items, "item"),
                    counted(done.units, "unit"),
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
        // A terminal that is gone shows no bars.
        let _ = self.all.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_fits_80_columns() {
        let mut tally = Tally::default();
        tally.count(&Event::StepBegun {
            step: "tile".into(),
            version: "1.0.0".into(),
            units: 123_456,
            bytes: 1 << 50,
        });
        tally.count(&Event::UnitBegun { id: "a".into() });
        tally.count(&Event::UnitProgress { id: "a".into(), done: 90_000, total: 100_000 });
        std::thread::sleep(Duration::from_millis(20));
        let words = line(&tally);
        assert!(words.starts_with("0/123456 · ") && words.contains(" patches/s · "), "{words}");
        // Beside the name (8), the bar (12) and the share (4), with a space between each.
        assert!(words.chars().count() <= 80 - 27, "{words}");
    }

    #[test]
    fn times_read_like_a_clock() {
        assert_eq!(
            [0.0, 31.2, 725.0, 10_800.0, f64::INFINITY].map(clock),
            ["0:00", "0:31", "12:05", "3:00:00", "2777:46:40"]
        );
    }
}
