//! Progress as lines: JSON for machines, text for people.
//!
//! However much happens, few lines are written: units are told one by one as long as they come
//! slowly, and otherwise in a `progress` line every few seconds.

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::print;
use super::tally::Tally;
use crate::engine::{Event, Watch};

/// Least time between two `progress` lines.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);
/// Least time between two `unit` lines; units that are done sooner are only counted.
const UNIT_EVERY: Duration = Duration::from_millis(200);
/// Most failures that are told one by one; all of them stand in `failures.jsonl`.
const MOST_FAILURES: u64 = 1000;

/// Writes lines on stderr.
pub struct Lines {
    json: bool,
    quiet: bool,
    state: Mutex<State>,
}

struct State {
    tally: Tally,
    progress: Instant,
    unit: Option<Instant>,
}

impl Lines {
    /// JSON or text; when quiet, only what went wrong.
    pub fn new(json: bool, quiet: bool) -> Self {
        let state = State { tally: Tally::default(), progress: Instant::now(), unit: None };
        Self { json, quiet, state: Mutex::new(state) }
    }

    /// Writes a line.
    pub fn say(&self, level: &str, event: &str, fields: &Value) {
        if self.quiet && level == "info" {
            return;
        }
        let time = timestamp(SystemTime::now());
        print::line(&if self.json {
            json_line(&time, level, event, fields)
        } else {
            text_line(&time, level, event, fields)
        });
    }
}

fn json_line(time: &str, level: &str, event: &str, fields: &Value) -> String {
    let mut line = Map::new();
    line.insert("ts".into(), time.into());
    line.insert("level".into(), level.into());
    line.insert("event".into(), event.into());
    if let Value::Object(fields) = fields {
        line.extend(fields.clone());
    }
    Value::Object(line).to_string()
}

fn text_line(time: &str, level: &str, event: &str, fields: &Value) -> String {
    let mut line = format!("{time} {level:<5} {event}");
    for (name, value) in fields.as_object().into_iter().flatten() {
        match value.as_str() {
            Some(text) if !text.contains(' ') => line.push_str(&format!(" {name}={text}")),
            _ => line.push_str(&format!(" {name}={value}")),
        }
    }
    line
}

impl Watch for Lines {
    fn event(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(|e| e.into_inner());
        state.tally.count(&event);
        let now = Instant::now();
        match event {
            Event::StepBegun { step, version, units, bytes } => {
                state.progress = now;
                let fields =
                    json!({"step": step, "version": version, "units": units, "bytes": bytes});
                self.say("info", "step_begun", &fields);
            }
            Event::UnitDone { id, hit, items, bytes_in, bytes_out, seconds } => {
                if state.unit.is_none_or(|last| now - last >= UNIT_EVERY) {
                    state.unit = Some(now);
                    let fields = json!({
                        "step": state.tally.step, "id": id, "hit": hit, "items": items,
                        "bytes_in": bytes_in, "bytes_out": bytes_out, "seconds": round(seconds),
                    });
                    self.say("info", "unit_done", &fields);
                }
            }
            Event::Failed(failure) => {
                if state.tally.failed <= MOST_FAILURES {
                    let fields = serde_json::to_value(&failure).unwrap_or_default();
                    self.say("error", "unit_failed", &fields);
                }
            }
            Event::Note { message } => self.say("info", "note", &json!({"message": message})),
            Event::Warning { message } => {
                self.say("warn", "note", &json!({"message": message}));
            }
            Event::StepDone(done) => {
                let fields = json!({
                    "step": done.step, "units": done.units, "hits": done.hits, "made": done.made,
                    "failures": done.failures, "items": done.items,
                    "dropped": done.dropped, "bytes_written": done.bytes_written, "seconds": round(done.seconds),
                });
                self.say("info", "step_done", &fields);
            }
            Event::Hashed { .. } | Event::UnitBegun { .. } | Event::UnitProgress { .. } => {}
        }
        if now - state.progress >= PROGRESS_EVERY {
            state.progress = now;
            let tally = &state.tally;
            let (pieces, megabytes) = tally.rates();
            let fields = json!({
                "step": tally.step, "units_done": tally.done, "units": tally.units,
                "hits": tally.hits, "failures": tally.failed, "items": tally.items,
                "share": round(tally.share()), "patches_per_second": round(pieces),
                "megabytes_per_second": round(megabytes),
                "seconds_left": tally.seconds_left().map(round), "id": tally.current,
            });
            self.say("info", "progress", &fields);
        }
    }
}

/// To three places: a log is for reading.
fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// RFC 3339 in UTC with milliseconds.
fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let millis = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    // Counted from 0000-03-01, so that leap days end a year; 719,468 days before 1970-01-01.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        // Compared with `date -u -d @…`.
        let at = |seconds, millis| {
            timestamp(UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(millis))
        };
        assert_eq!(at(0, 0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_782_399, 0), "2000-02-28T23:59:59.000Z");
        assert_eq!(at(951_782_400, 5), "2000-02-29T00:00:00.005Z");
        assert_eq!(at(951_868_800, 0), "2000-03-01T00:00:00.000Z");
        assert_eq!(at(1_735_689_599, 999), "2024-12-31T23:59:59.999Z");
        assert_eq!(at(4_107_542_400, 0), "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn lines_carry_their_fields() {
        let fields = json!({"id": "a b.svs", "items": 3, "step": "tile"});
        let line: Value =
            serde_json::from_str(&json_line("T", "info", "unit_done", &fields)).unwrap();
        assert_eq!(line["event"], "unit_done");
        assert_eq!(line["id"], "a b.svs");
        assert_eq!(
            text_line("T", "info", "unit_done", &fields),
            "T info  unit_done id=\"a b.svs\" items=3 step=tile"
        );
    }
}
