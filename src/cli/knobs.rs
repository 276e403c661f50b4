//! The flags that cannot change a pixel: how a run goes, and how it is shown.

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::engine::{Knobs, Layout, size};
use crate::error::Result;
use crate::slide::Limits;

/// Heading of the knobs in the help.
pub const RUNS: &str = "How it runs";

/// How progress is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// Bars on a terminal, JSON lines otherwise.
    Auto,
    /// Lines for people.
    Text,
    /// JSON lines.
    Json,
}

/// What is shown, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Show {
    /// Only warnings and errors.
    pub quiet: bool,
    /// How progress is told.
    pub log: Log,
    /// Results as JSON.
    pub json: bool,
}

/// The INPUT argument.
pub fn input(help: &str) -> Arg {
    Arg::new("INPUT").required(true).help(help.to_string()).help_heading("Arguments")
}

/// The place for results: `-o OUT`.
pub fn output() -> Arg {
    Arg::new("output")
        .short('o')
        .long("output")
        .value_name("OUT")
        .required(true)
        .help("Dataset to make or to go on with: a folder, or an az://, abfss://, s3:// or gs:// prefix")
        .help_heading(RUNS)
}

/// `--threads N`.
pub fn threads() -> Arg {
    Arg::new("threads")
        .long("threads")
        .value_name("N")
        .value_parser(clap::value_parser!(u16).range(1..=4096))
        .help("Threads that do work [default: one per core]")
        .help_heading(RUNS)
}

/// `--leg K:STEP,…`.
pub fn leg() -> Arg {
    Arg::new("leg")
        .long("leg")
        .value_name("K:STEP,…")
        .help("Be the K-th step of this chain, whose steps run one by one in one dataset")
        .long_help(
            "Be the K-th step of this chain, whose steps run one by one in one dataset: the way of a cluster. The first reads INPUT; \
             those behind it take the output as INPUT too and go on from what the leg before left. What all of them leave is what \
             `microtome run` leaves. Shards of a leg are joined by `microtome merge OUT -o OUT --leg K:STEP,…`",
        )
        .help_heading(RUNS)
}

/// `--json`, `--quiet`, `--log`.
pub fn show(command: Command) -> Command {
    command
        .arg(
            Arg::new("quiet")
                .short('q')
                .long("quiet")
                .action(ArgAction::SetTrue)
                .help("Say nothing but warnings and errors while it runs")
                .help_heading(RUNS),
        )
        .arg(
            Arg::new("log")
                .long("log")
                .value_name("FORMAT")
                .value_parser(["text", "json"])
                .help("Progress on stderr [default: bars on a terminal, otherwise json]")
                .help_heading(RUNS),
        )
        .arg(json())
}

/// `--json`.
pub fn json() -> Arg {
    Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help("Give the result on stdout as JSON")
        .help_heading(RUNS)
}

/// All knobs of a run.
pub fn add(command: Command) -> Command {
    let knob = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help).help_heading(RUNS)
    };
    let command = command
        .arg(output())
        .arg(knob("shard", "I/N", "Do part I of N (I from 0): disjoint, complete, balanced"))
        .arg(leg())
        .arg(threads())
        .arg(
            knob(
                "pack",
                "SIZE",
                "Lay outputs down in tars (WebDataset shards) of about this size (512MiB, 1GB)",
            )
            .conflicts_with("loose"),
        )
        .arg(
            Arg::new("loose")
                .long("loose")
                .action(ArgAction::SetTrue)
                .help("Lay outputs down as a file each [this is the default]")
                .help_heading(RUNS),
        )
        .arg(knob("max-failures", "N|P%", "Failed units that still exit with 0 [default: 0]"))
        .arg(
            knob("max-decoded", "SIZE", "Largest decoded source tile or photo that is accepted")
                .long_help(format!(
                    "Largest decoded source tile or photo that is accepted [default: {}MiB]",
                    Limits::default().decoded_bytes >> 20
                )),
        )
        .arg(knob(
            "partition-by",
            "COLUMNS",
            "Lay the manifest down once more by these columns (split,label), Hive-style under partitions/: for split, sample and other steps over whole manifests",
        ));
    show(command)
}

/// The knobs as given.
///
/// # Errors
/// [`Error::Params`] naming the flag.
pub fn knobs(matches: &ArgMatches) -> Result<Knobs> {
    let mut knobs = Knobs::default();
    let text = |name: &str| matches.get_one::<String>(name);
    knobs.threads = thread_count(matches);
    knobs.shard = text("shard").map(|t| t.parse()).transpose()?;
    knobs.leg = text("leg").map(|t| t.parse()).transpose()?;
    if let Some(failures) = text("max-failures") {
        knobs.max_failures = failures.parse()?;
    }
    if let Some(pack) = text("pack") {
        knobs.layout = Layout::Packs { bytes: size("--pack", pack, 1 << 16)? };
    }
    if let Some(decoded) = text("max-decoded") {
        knobs.limits.decoded_bytes = size("--max-decoded", decoded, 1)?;
    }
    if let Some(columns) = text("partition-by") {
        knobs.partition_by = columns.split(',').map(|name| name.trim().to_string()).collect();
    }
    Ok(knobs)
}

/// `--threads`, or one per core.
pub fn thread_count(matches: &ArgMatches) -> usize {
    matches.get_one::<u16>("threads").map_or_else(|| Knobs::default().threads, |n| usize::from(*n))
}

/// What is shown.
pub fn shown(matches: &ArgMatches) -> Show {
    let flag = |name: &str| matches.get_flag(name);
    let log = match matches.get_one::<String>("log").map(String::as_str) {
        Some("text") => Log::Text,
        Some("json") => Log::Json,
        _ => Log::Auto,
    };
    Show { quiet: flag("quiet"), log, json: flag("json") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{MaxFailures, Shard};
    use crate::error::Error;

    #[test]
    fn knobs_are_read_and_wrong_ones_are_named() {
        let read = |flags: &[&str]| {
            let command = add(Command::new("step").arg(input("")));
            let line = ["step", "in", "-o", "out"].iter().chain(flags);
            knobs(&command.try_get_matches_from(line).unwrap())
        };
        let all = read(&[
            "--shard",
            "1/4",
            "--threads",
            "3",
            "--pack",
            "1MB",
            "--max-failures",
            "2.5%",
            "--max-decoded",
            "1GiB",
            "--partition-by",
            "split, label",
            "--leg",
            "2:scan,tile",
        ]);
        let all = all.unwrap();
        assert_eq!(all.shard, Some(Shard { index: 1, count: 4 }));
        assert_eq!(all.threads, 3);
        assert_eq!(all.layout, Layout::Packs { bytes: 1_000_000 });
        assert_eq!(all.max_failures, MaxFailures::Percent(2.5));
        assert_eq!(all.limits.decoded_bytes, 1 << 30);
        assert_eq!(all.partition_by, ["split", "label"]);
        assert_eq!(all.leg.unwrap().to_string(), "2:scan,tile");
        let defaults = read(&["--loose"]).unwrap();
        assert_eq!(defaults, Knobs::default());
        for (flag, value) in [("--shard", "4/4"), ("--max-failures", "-1"), ("--pack", "big")] {
            let given = format!("{flag}={value}");
            match read(&[&given]) {
                Err(Error::Params { field, .. }) => assert_eq!(field, flag),
                other => panic!("{given}: {other:?}"),
            }
        }
    }
}
