//! `--executor-input`: a component under Kubeflow Pipelines ([`crate::kubeflow`]).

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use serde_json::json;

use super::codes::{class, code, code_of};
use super::log::Lines;
use super::signals::Signals;
use crate::error::{Error, Result};
use crate::kubeflow::{self, ExecutorInput, Outcome, Places, Work, words};
use crate::step::{Crew, Entry};

const INPUT: &str = "executor-input";
const LAST_WORDS: &str = "termination-log";

/// The flag, in place of all others. `needed` are those that are required without it.
pub fn add(command: Command, needed: &[&'static str]) -> Command {
    let command = command
        .arg(
            Arg::new(INPUT)
                .long(INPUT)
                .value_name("JSON|@FILE")
                .help("Be a component under Kubeflow Pipelines: inputs and outputs are those of this executor input")
                .help_heading(super::knobs::RUNS),
        )
        .arg(
            Arg::new(LAST_WORDS)
                .long(LAST_WORDS)
                .value_name("FILE")
                .requires(INPUT)
                .default_value(words::TERMINATION_LOG)
                .hide(true)
                .help("Where Kubernetes looks for what ended a container, if not in its usual place"),
        );
    needed.iter().fold(command, |command, name| {
        command.mut_arg(*name, |arg| arg.required(false).required_unless_present(INPUT))
    })
}

/// What is to be done.
#[derive(Clone, Copy)]
pub enum What {
    /// A step.
    Step(&'static Entry),
    /// The merge of its shards.
    Merge,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Step(entry) => entry.name,
            Self::Merge => "merge",
        }
    }
}

/// Runs a component, if that is asked for; gives the exit code.
///
/// # Errors
/// [`Error::Params`] when another flag is given beside.
pub fn asked(what: What, matches: &ArgMatches) -> Result<Option<u8>> {
    let Some(text) = matches.get_one::<String>(INPUT) else { return Ok(None) };
    let given = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let ids = matches.ids().map(clap::Id::as_str);
    if let Some(other) = ids.filter(given).find(|id| ![INPUT, LAST_WORDS].contains(id)) {
        return Err(Error::params(
            kubeflow::FLAG,
            format!("it says everything: {other} has no place beside it"),
        ));
    }
    let place =
        matches.get_one::<String>(LAST_WORDS).map_or(words::TERMINATION_LOG, String::as_str);
    Ok(Some(Component { what, place, lines: Lines::new(true, false) }.run(text)))
}

struct Component<'a> {
    what: What,
    /// Where the last words go.
    place: &'a str,
    lines: Lines,
}

impl Component<'_> {
    fn run(&self, text: &str) -> u8 {
        let places = Places::default();
        let given = match ExecutorInput::read(text) {
            Ok(given) => given,
            Err(error) => return self.ended(&error, None),
        };
        let mut signals = None;
        let done = self.done(&given, &places, &mut signals);
        let stopped = signals.as_ref().and_then(Signals::exit_code);
        match (done, stopped) {
            (Ok(code), _) => code,
            (Err(error), stopped) => {
                if let Err(other) = kubeflow::write_error(&given, &places, self.what.name(), &error)
                {
                    self.lines.say(
                        "warn",
                        "note",
                        &json!({"message": format!("no report: {other}")}),
                    );
                }
                self.ended(&error, stopped)
            }
        }
    }

    /// Signals ask the run to stop; one that does not in time is ended, and the reason is told all the same.
    fn watch(&self, stop: Arc<AtomicBool>) -> Result<Signals> {
        let (place, name) = (self.place.to_string(), self.what.name());
        Signals::watch(stop, move || {
            words::write(&place, &words::of_error(name, "stopped", &Error::Stopped));
        })
    }

    fn done(
        &self,
        given: &ExecutorInput,
        places: &Places,
        signals: &mut Option<Signals>,
    ) -> Result<u8> {
        kubeflow::check_outputs(given, places)?;
        let outcome = match self.what {
            What::Step(entry) => {
                let work = Work::of(entry, given, places)?;
                work.check()?;
                let crew = Crew::new(work.knobs.threads)?;
                *signals = Some(self.watch(crew.stop_flag())?);
                work.run(given, &crew, &self.lines)?
            }
            What::Merge => {
                *signals = Some(self.watch(Arc::default())?);
                kubeflow::merge(given, places)?
            }
        };
        outcome.write(given, places)?;
        Ok(self.told(&outcome))
    }

    /// Says what was done, and how many failed where those are too many.
    fn told(&self, outcome: &Outcome) -> u8 {
        let (name, summary) = (self.what.name(), &outcome.summary);
        let manifest = outcome.manifest().map(|digest| digest.to_string());
        let fields = json!({
            "component": name, "items": outcome.items(), "failures": summary.failures, "manifest_digest": manifest,
            "root": outcome.out.uri(), "manifest": outcome.knobs.manifest_path(), "seconds": summary.seconds,
        });
        self.lines.say("info", "done", &fields);
        // A merge joins what was tolerated, or ended otherwise, shard by shard.
        let code = match self.what {
            What::Step(_) => code_of(summary, &outcome.knobs),
            What::Merge => 0,
        };
        if code != 0 {
            let (inputs, failed) = (summary.inputs(), summary.failures);
            let fields = json!({
                "component": name, "class": class(code), "kind": "units",
                "message": format!("{failed} of {inputs} inputs failed, more than `max_failures` tolerates"),
                "remedy": format!("{}/{} says why each did, and what to do", outcome.out.uri(), outcome.knobs.failures_path()),
            });
            self.lines.say("error", "failed", &fields);
            let text = words::of_failures(name, class(code), inputs, failed, &outcome.failures);
            words::write(self.place, &text);
        }
        code
    }

    /// Says what kept it from being done: an error, or the signal that has this exit code.
    fn ended(&self, error: &Error, stopped: Option<u8>) -> u8 {
        let name = self.what.name();
        let code = stopped.unwrap_or_else(|| code(error));
        let fields = json!({
            "component": name, "class": class(code), "kind": error.kind(), "message": error.to_string(), "remedy": error.remedy(),
        });
        self.lines.say("error", "failed", &fields);
        words::write(self.place, &words::of_error(name, class(code), error));
        code
    }
}
