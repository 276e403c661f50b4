//! What each command does.

use std::io::IsTerminal;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::bars::Bars;
use super::codes::{SOME_FAILED, code_of};
use super::executor::{self, What};
use super::knobs::{self, Log, Show};
use super::log::Lines;
use super::signals::{STOPPED, Signals};
use super::{flags, index, print, shown};
use crate::dataset::{self, Root, read_file};
use crate::engine::{self, Event, Knobs, Plan, Summary, Watch};
use crate::error::{Error, Result};
use crate::step::{AnyStep, Crew, Entry, Grain};
use crate::steps::STEPS;
use crate::{lineage, pipeline, report as page};

/// The commands that are no steps.
pub fn all() -> Vec<Command> {
    let dataset = || {
        Arg::new("dataset")
            .short('d')
            .long("dataset")
            .value_name("DATASET")
            .help("The dataset that holds it [default: the one around ITEM if that is a file, or else the current folder]")
    };
    let run = Command::new("run")
        .about("Run a chain of steps from a pipeline file")
        .long_about(
            "Run a chain of steps from a pipeline file.\n\nThe file is checked as a whole before \
             anything starts: steps, params, ranges, versions, and that each step finds the columns it reads.",
        )
        .arg(Arg::new("PIPELINE").required(true).help("YAML file: `microtome: 1` and a list of `steps:`"))
        .arg(knobs::input(
            "A dataset; anything else (a folder of images, a list, one file, a prefix) is scanned first",
        ))
        .after_help(
            "EXAMPLES\n  microtome run pipeline.yaml slides/ -o out\n  \
             microtome run pipeline.yaml s3://bucket/slides -o s3://bucket/patches --pack 1GB\n\n\
             A PIPELINE\n  microtome: 1\n  steps:\n    - scan\n    - tile: {mpp: 0.5}\n  \
             versions: {tile: ^1.0}   # which versions will do; any, if not said",
        );
    let listed = Command::new("steps")
        .about("List the steps, or show one with its params and columns")
        .arg(Arg::new("NAME").help("A step"))
        .arg(
            Arg::new("registry")
                .long("registry")
                .value_name("URL")
                .help("List what an index of components has, and how the steps of this program differ: a file, or a URL (https, az, abfss, s3, gs)"),
        )
        .after_help("EXAMPLES\n  microtome steps\n  microtome steps tile --json\n  microtome steps --registry components/index.json")
        .arg(knobs::json());
    let why = Command::new("why")
        .about("Say why an item exists, or what differs between two items or datasets")
        .arg(
            Arg::new("ITEM")
                .required(true)
                .help("An item's id, a record's key, or a file of the dataset; or a dataset"),
        )
        .arg(Arg::new("OTHER").help("Another one, to compare with"))
        .after_help(
            "EXAMPLES\n  microtome why slide.svs/y001024_x002048.png -d out\n  \
             microtome why out/items/slide.svs@3f9a01bc77e2/y001024_x002048.png\n  \
             microtome why 3f9a01bc77e2 -d out\n  microtome why out-a out-b",
        )
        .arg(dataset())
        .arg(knobs::threads())
        .arg(knobs::json());
    let check = Command::new("check")
        .about("Read every file of a dataset again and compare its digest")
        .arg(Arg::new("DATASET").required(true).help("A dataset"))
        .arg(
            Arg::new("sources")
                .long("sources")
                .action(ArgAction::SetTrue)
                .help("Read the source files again too, wherever they lie"),
        )
        .arg(knobs::threads());
    let merge = Command::new("merge")
        .about("Join the parts that shards made to one dataset")
        .arg(Arg::new("PART").required(true).num_args(1..).help("Datasets of the shards"))
        .arg(knobs::output())
        .arg(
            knobs::leg()
                .help("Join the shards of one leg, all of which lie in OUT")
                .long_help(None),
        )
        .arg(
            Arg::new("shards")
                .long("shards")
                .value_name("N")
                .requires("leg")
                .value_parser(clap::value_parser!(u32).range(1..=i64::from(engine::Shard::MOST)))
                .help("How many shards the leg has [default: as many as lie there]")
                .help_heading(knobs::RUNS),
        )
        .arg(knobs::json())
        .after_help(
            "EXAMPLES\n  microtome merge part-0 part-1 part-2 part-3 -o out\n  \
             microtome merge out -o out --leg 2:scan,tile,split --shards 8",
        );
    let merge = executor::add(merge, &["PART", "output"]);
    let report = Command::new("report")
        .about("Write report.html and report.json of a dataset again")
        .arg(Arg::new("DATASET").required(true).help("A dataset"))
        .arg(
            Arg::new("output")
                .short('o')
                .long("output")
                .value_name("FOLDER|FILE.html")
                .help("Where to write them [default: into the dataset]"),
        )
        .after_help(
            "EXAMPLES\n  microtome report out\n  microtome report s3://bucket/patches -o patches.html",
        );
    vec![knobs::add(run), super::compile::command(), listed, why, knobs::show(check), merge, report]
}

/// Runs the command that was asked for; gives the exit code.
///
/// # Errors
/// What kept it from being done.
pub fn dispatch(matches: &ArgMatches) -> Result<u8> {
    let Some((name, matches)) = matches.subcommand() else {
        return Err(Error::params("command", "there is none"));
    };
    match name {
        "run" => run(matches),
        "compile" => super::compile::run(matches),
        "steps" => list(matches),
        "why" => why(matches),
        "check" => check(matches),
        "merge" => merge(matches),
        "report" => report(matches),
        name => {
            let found = pipeline::find(STEPS, name);
            step(found.map_err(|message| Error::params(name, message))?, matches)
        }
    }
}

fn text<'a>(matches: &'a ArgMatches, name: &str) -> &'a str {
    matches.get_one::<String>(name).map_or("", String::as_str)
}

/// Runs one step.
///
/// # Errors
/// As [`dispatch`].
pub fn step(entry: &'static Entry, matches: &ArgMatches) -> Result<u8> {
    if let Some(code) = executor::asked(What::Step(entry), matches)? {
        return Ok(code);
    }
    let step = flags::step_of(entry, matches, &read_file)?;
    carry_out(vec![step], matches)
}

fn run(matches: &ArgMatches) -> Result<u8> {
    let place = text(matches, "PIPELINE");
    carry_out(pipeline::parse(place, &read_file(place)?, STEPS, &read_file)?, matches)
}

/// What clears the terminal before a process that is asked to end does so.
type Farewell = Box<dyn FnOnce() + Send>;

/// What shows progress.
fn watch(show: Show) -> (Box<dyn Watch>, Farewell) {
    let terminal = std::io::stderr().is_terminal();
    let json = match show.log {
        Log::Auto if terminal && !show.quiet => {
            let bars = Bars::new();
            let clearing = bars.clearing();
            return (Box::new(bars), Box::new(clearing));
        }
        Log::Auto => !terminal,
        Log::Text => false,
        Log::Json => true,
    };
    (Box::new(Lines::new(json, show.quiet)), Box::new(|| {}))
}

/// What to say when a signal came, and how to end.
fn stopped(error: &Error, code: u8) -> u8 {
    match error {
        Error::Stopped => print::line(STOPPED),
        other => print::error(other),
    }
    code
}

fn carry_out(steps: Vec<Box<dyn AnyStep>>, matches: &ArgMatches) -> Result<u8> {
    let knobs = knobs::knobs(matches)?;
    let show = knobs::shown(matches);
    let input = text(matches, "INPUT").to_string();
    let (watch, farewell) = watch(show);
    // A leg is one step of a chain that says whether it lists.
    let steps = if knobs.leg.is_none() { scanned_first(&input, steps, &*watch)? } else { steps };
    let plan = Plan { input, steps, out: Root::open(text(matches, "output"))? };
    engine::check(&plan, &knobs)?;
    let crew = Crew::new(knobs.threads)?;
    let signals = Signals::watch(crew.stop_flag(), farewell)?;
    let outcome = engine::run(&plan, &knobs, &crew, &*watch);
    // The bars are gone before anything else is printed.
    drop(watch);
    match (outcome, signals.exit_code()) {
        (Ok(summary), _) => told(&summary, &plan, &knobs, show),
        (Err(error), Some(code)) => Ok(stopped(&error, code)),
        (Err(error), None) => Err(error),
    }
}

fn told(summary: &Summary, plan: &Plan, knobs: &Knobs, show: Show) -> Result<u8> {
    if show.json {
        print::json(summary)?;
    } else {
        print::result(&shown::summary(summary, &plan.out))?;
    }
    let code = code_of(summary, knobs);
    if code == 0 {
        return Ok(code);
    }
    print::line(&format!(
        "error: {} of {} failed\nremedy: {} says why each did, and what to do; --max-failures \
         tolerates some",
        summary.failures,
        shown::counted(summary.inputs(), "input"),
        shown::below(&plan.out, &knobs.failures_path()),
    ));
    Ok(code)
}

/// Whether a place is a dataset. A single file is none.
fn is_dataset(place: &str) -> Result<bool> {
    let is_file = !dataset::is_url(place) && std::path::Path::new(place).is_file();
    Ok(!is_file && Root::open(place)?.is_dataset()?)
}

/// Puts `scan` in front of a chain that begins with images, where the input is no dataset yet.
fn scanned_first(
    input: &str,
    steps: Vec<Box<dyn AnyStep>>,
    watch: &dyn Watch,
) -> Result<Vec<Box<dyn AnyStep>>> {
    let begins_with_images = steps.first().is_some_and(|s| s.entry().grain != Grain::Listing);
    if !begins_with_images || is_dataset(input)? {
        return Ok(steps);
    }
    watch.event(Event::Note {
        message: format!("{input} is no dataset: `scan` with its defaults goes first"),
    });
    pipeline::scanned_first(steps)
}

fn list(matches: &ArgMatches) -> Result<u8> {
    let json = matches.get_flag("json");
    let name = matches.get_one::<String>("NAME");
    if let Some(place) = matches.get_one::<String>("registry") {
        return index::list(place, name.map(String::as_str), json);
    }
    match name {
        None if json => print::json(&STEPS.iter().map(shown::line).collect::<Vec<_>>())?,
        None => print::result(&shown::steps(STEPS))?,
        Some(name) => {
            let found = pipeline::find(STEPS, name);
            let entry = found.map_err(|message| Error::params(name, message))?;
            if json {
                print::json(&shown::declaration(entry))?;
            } else {
                print::result(&shown::step(entry)?)?;
            }
        }
    }
    Ok(0)
}

fn why(matches: &ArgMatches) -> Result<u8> {
    let dataset = matches.get_one::<String>("dataset").map(String::as_str);
    let json = matches.get_flag("json");
    let item = text(matches, "ITEM");
    let Some(other) = matches.get_one::<String>("OTHER") else {
        show(&lineage::why(&holding(dataset, &[item])?, item)?, json)?;
        return Ok(0);
    };
    // Two datasets name themselves; items need to be told where they lie, and need be no path at all.
    let names_dataset = |place: &str| match (dataset, is_dataset(place)) {
        (Some(_), _) => Ok(false),
        // An id may look like no place at all; a store that is named and cannot be asked is another matter.
        (None, Err(error)) if dataset::is_url(place) => Err(error),
        (None, found) => Ok(found.unwrap_or(false)),
    };
    match (names_dataset(item)?, names_dataset(other)?) {
        (true, true) => {
            let crew = Crew::new(knobs::thread_count(matches))?;
            show(&lineage::differ(&Root::open(item)?, &Root::open(other)?, &crew)?, json)?;
        }
        (false, false) => {
            show(&lineage::contrast(&holding(dataset, &[item, other])?, item, other)?, json)?;
        }
        (one, _) => {
            let (set, none) = if one { (item, other.as_str()) } else { (other.as_str(), item) };
            let found = match std::path::Path::new(none).is_dir() {
                true => "is a folder without a manifest.parquet, so no dataset",
                false => "is no dataset",
            };
            return Err(Error::params(
                none,
                format!("{found}, and {set} is one: compare two datasets, or two items"),
            ));
        }
    }
    Ok(0)
}

/// The dataset that holds what is asked for: the given one, the one around a file that is asked
/// for, or that of the current folder.
///
/// # Errors
/// [`Error::Params`] naming what was asked for when there is none of the three.
fn holding(given: Option<&str>, queries: &[&str]) -> Result<Root> {
    if let Some(given) = given {
        return Root::open(given);
    }
    let local = |query: &&&str| !dataset::is_url(query) && std::path::Path::new(query).exists();
    for query in queries.iter().filter(local) {
        let Ok(path) = std::path::absolute(query) else { continue };
        for folder in path.ancestors().filter(|folder| folder.is_dir()) {
            let root = Root::open(&folder.to_string_lossy())?;
            if root.is_dataset()? {
                return Ok(root);
            }
        }
    }
    let here = Root::open(".")?;
    if here.is_dataset()? {
        return Ok(here);
    }
    let missing = queries.iter().find(|query| !local(query)).or(queries.first());
    let query = missing.copied().unwrap_or_default();
    let found = if local(&&query) { "lies in no dataset" } else { "is no file or folder" };
    Err(Error::params(
        query,
        format!("{found}, and the current folder is no dataset: say with -d where to look"),
    ))
}

fn show<T: serde::Serialize + std::fmt::Display>(value: &T, json: bool) -> Result<()> {
    if json {
        print::json(value)
    } else {
        print::result(&format!("{}\n", value.to_string().trim_end()))
    }
}

fn check(matches: &ArgMatches) -> Result<u8> {
    let root = Root::open(text(matches, "DATASET"))?;
    let crew = Crew::new(knobs::thread_count(matches))?;
    let (watch, farewell) = watch(knobs::shown(matches));
    let signals = Signals::watch(crew.stop_flag(), farewell)?;
    let mut before = lineage::Progress { records: 0, of_records: 0, bytes: 0 };
    let mut progress = |now: lineage::Progress| {
        if before.records == 0 {
            watch.event(Event::StepBegun {
                step: "check".into(),
                version: env!("CARGO_PKG_VERSION").into(),
                units: now.of_records,
                bytes: 0,
            });
        }
        watch.event(Event::Hashed { bytes: now.bytes - before.bytes });
        watch.event(Event::UnitDone {
            id: format!("record {} of {}", now.records, now.of_records),
            hit: false,
            items: 0,
            bytes_in: now.bytes - before.bytes,
            bytes_out: 0,
            seconds: 0.0,
        });
        before = now;
    };
    let outcome = lineage::check(&root, &crew, matches.get_flag("sources"), &mut progress);
    drop(watch);
    match (outcome, signals.exit_code()) {
        (Ok(report), _) => {
            show(&report, matches.get_flag("json"))?;
            Ok(if report.is_sound() { 0 } else { SOME_FAILED })
        }
        (Err(error), Some(code)) => Ok(stopped(&error, code)),
        (Err(error), None) => Err(error),
    }
}

fn merge(matches: &ArgMatches) -> Result<u8> {
    if let Some(code) = executor::asked(What::Merge, matches)? {
        return Ok(code);
    }
    let parts = matches.get_many::<String>("PART").into_iter().flatten();
    let parts = parts.map(|part| Root::open(part)).collect::<Result<Vec<_>>>()?;
    let out = Root::open(text(matches, "output"))?;
    let merged = match matches.get_one::<String>("leg") {
        None => engine::merge(&parts, &out)?,
        Some(_) if parts.len() != 1 || !parts.iter().all(|part| part.is(&out)) => {
            return Err(Error::params(
                "--leg",
                "the shards of a leg lie in one dataset: give it as PART and as OUT",
            ));
        }
        Some(leg) => {
            let shards = matches.get_one::<u32>("shards").copied().unwrap_or(0);
            engine::merge_leg(&out, &leg.parse()?, shards, &[])?
        }
    };
    if matches.get_flag("json") {
        print::json(&merged)?;
    } else {
        print::result(&shown::merged(&merged, &out))?;
    }
    Ok(0)
}

fn report(matches: &ArgMatches) -> Result<u8> {
    let root = Root::open(text(matches, "DATASET"))?;
    let asked = matches.get_one::<String>("output").map(String::as_str);
    let (folder, name) = match asked.map(|place| (place, place.rsplit_once('/'))) {
        None => (root.clone(), page::REPORT),
        Some((place, parts)) if place.ends_with(".html") => match parts {
            Some((folder, name)) => {
                (Root::open(if folder.is_empty() { "/" } else { folder })?, name)
            }
            None => (Root::open(".")?, place),
        },
        Some((folder, _)) => (Root::open(folder)?, page::REPORT),
    };
    let numbers = format!("{}.json", name.trim_end_matches(".html"));
    let to = asked.map(|_| (&folder, name, numbers.as_str()));
    page::again(&root, to)?;
    print::result(&format!(
        "{}\n{}\n",
        shown::below(&folder, name),
        shown::below(&folder, &numbers)
    ))?;
    Ok(0)
}
