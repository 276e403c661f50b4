//! The command line: `microtome` and the binaries of single steps.
//!
//! Flags are built from the schemas when the program starts, so that a param's name, range, default
//! and words stand once. Results go to stdout, everything else to stderr; this is the only part of
//! the house that prints and exits. Exit codes are in [`codes`].

mod bars;
pub mod codes;
mod commands;
mod compile;
mod executor;
mod flags;
mod index;
mod knobs;
mod log;
mod print;
mod shown;
mod signals;
mod tally;

use std::process::ExitCode;

use clap::{ArgMatches, Command};

use crate::error::{Error, Result};
use crate::steps::{self, STEPS};

/// `microtome`: every step and every command.
pub fn main() -> ExitCode {
    finish(whole().and_then(|command| go(command, &commands::dispatch)))
}

/// `microtome-<step>`: the same flags as `microtome <step>`.
pub fn main_step(name: &str) -> ExitCode {
    let binary = format!("microtome-{name}");
    let one = || {
        let entry = steps::find(name)
            .ok_or_else(|| Error::Bug { message: format!("there is no step {name}") })?;
        let command = flags::step_command(entry, &binary)?.name(binary.clone());
        go(command, &|matches| commands::step(entry, matches))
    };
    finish(one())
}

/// The whole command line.
fn whole() -> Result<Command> {
    let mut command = Command::new("microtome")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Reproducible preprocessing of pathology slides and wildlife photos, in small versioned steps")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand_help_heading("Steps and commands")
        .after_help(
            "EXAMPLES\n  microtome run pipeline.yaml slides/ -o out\n  microtome scan slides/ -o scanned\n  \
             microtome steps\n\nExit codes: 0 all done; 1 some units failed, listed in failures.jsonl; \
             nothing was done: 2 usage, 3 data, 4 storage (some units, too), 5 a fault of ours.",
        );
    for entry in STEPS {
        let binary = format!("microtome {}", entry.name);
        command = command.subcommand(flags::step_command(entry, &binary)?);
    }
    Ok(command.subcommands(commands::all()))
}

fn go(command: Command, what: &dyn Fn(&ArgMatches) -> Result<u8>) -> Result<u8> {
    match command.try_get_matches() {
        Ok(matches) => what(&matches),
        Err(error) => {
            let printed = error.print();
            if error.use_stderr() {
                // There is nobody left to tell.
                return Ok(codes::USAGE);
            }
            // Help and version are results.
            print::written(printed).and_then(|()| print::result("")).map(|()| 0)
        }
    }
}

fn finish(outcome: Result<u8>) -> ExitCode {
    match outcome {
        Ok(code) => code.into(),
        Err(error) => {
            print::error(&error);
            codes::code(&error).into()
        }
    }
}

/// The names that the command line gives to its own commands.
pub fn command_names() -> Vec<String> {
    commands::all().iter().map(|c| c.get_name().to_string()).collect()
}

/// Names of the flags that every step has beside its params.
pub fn reserved_flags() -> Vec<String> {
    flags::reserved()
}
