//! `microtome compile`: a pipeline file, written down for a cluster.

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, ArgMatches, Command};

use super::{index, print};
use crate::compile::{self, Cluster, TARGETS, pinned};
use crate::dataset::{self, read_file};
use crate::error::{Error, Result};
use crate::steps::STEPS;

/// Where the flags stand that say where things lie.
const PLACES: &str = "Where things lie, and what they may use";

/// The command.
pub fn command() -> Command {
    let flag = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help).help_heading(PLACES)
    };
    let targets = TARGETS.iter().map(|target| PossibleValue::new(target.name).help(target.about));
    Command::new("compile")
        .about("Write a pipeline file down for a cluster")
        .long_about(
            "Write a pipeline file down for a cluster.\n\nThe same steps with the same params, each in its own \
             container and, where its units can be dealt out, in shards; all in one dataset, whose manifest has the \
             bytes of `microtome run`. Both files are checked as a whole before anything is written. Files that params \
             name are inlined.",
        )
        .arg(
            Arg::new("PIPELINE")
                .required(true)
                .help("YAML file: `microtome: 1` and a list of `steps:`")
                .help_heading("Arguments"),
        )
        .arg(
            Arg::new("to")
                .long("to")
                .value_name("TARGET")
                .required(true)
                .value_parser(PossibleValuesParser::new(targets))
                .help("What it is written down as"),
        )
        .arg(
            Arg::new("output")
                .short('o')
                .long("output")
                .value_name("FILE|-")
                .help("Where to [default: -, which is stdout]"),
        )
        .arg(flag(
            "cluster",
            "FILE",
            "Cluster file: `microtome-cluster: 1`, places, shards, resources, claims, secrets; flags win over it",
        ))
        .arg(flag(
            "input",
            "URI",
            "Where the images (or the dataset) are: a prefix, or a folder of a claim",
        ))
        .arg(flag("output-uri", "URI", "Where the dataset is made: a prefix, or a folder of a claim"))
        .arg(
            flag("shards", "N", "In how many parts units are dealt, for every step that can be dealt out and is not told `shards: 1`")
                .value_parser(clap::value_parser!(u32).range(1..=i64::from(compile::MOST_SHARDS))),
        )
        .arg(flag(
            "image",
            "TEMPLATE",
            "Names of images, with {step} and {version} in them [default: localhost/microtome-{step}:{version}]",
        ))
        .arg(flag(
            "registry",
            "URL",
            "Take images from an index of components, where the cluster file and --image name none: a file, or a URL (https, az, abfss, s3, gs)",
        ))
        .after_help(
            "EXAMPLES\n  \
             microtome compile pipeline.yaml --to kubeflow --input az://slides --output-uri az://patches/run-1 -o kfp.yaml\n  \
             microtome compile pipeline.yaml --to kubeflow --cluster fixtures/clusters/azure.yaml --shards 16\n  \
             microtome compile pipeline.yaml --to kubernetes --cluster cluster.yaml -o pipeline.k8s.yaml\n\n\
             A CLUSTER FILE\n  \
             microtome-cluster: 1\n  input: /data/slides\n  output: /data/patches\n  \
             claims: [{claim: slides, mount: /data}]\n  defaults: {cpu: 4, memory: 8Gi, retries: 3}\n  \
             steps:\n    tile: {shards: 8, memory: 16Gi}",
        )
}

/// Runs it.
///
/// # Errors
/// As [`compile::plan()`], and as the target.
pub fn run(matches: &ArgMatches) -> Result<u8> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let target = text("to").unwrap_or_default();
    let target = TARGETS
        .iter()
        .find(|known| known.name == target)
        .ok_or_else(|| Error::params("--to", format!("{target:?} is no target")))?;
    let mut cluster = match text("cluster") {
        Some(file) => Cluster::parse(file, &read_file(file)?, STEPS)?,
        None => Cluster::default(),
    };
    for (flag, place, is_written) in
        [("--input", text("input"), false), ("--output-uri", text("output-uri"), true)]
    {
        if let Some(place) = place {
            compile::place(flag, place, &cluster.claims, is_written)?;
            let field = if is_written { &mut cluster.output } else { &mut cluster.input };
            *field = Some(place.into());
        }
    }
    if let Some(shards) = matches.get_one::<u32>("shards") {
        cluster.deal(*shards);
    }
    if let Some(image) = text("image") {
        compile::template("--image", image)?;
        cluster.image = Some(image.into());
    }
    let pipeline = text("PIPELINE").unwrap_or_default();
    let bytes = read_file(pipeline)?;
    let registry = text("registry").map(index::read).transpose()?;
    let pins = |name: &str| match &registry {
        Some(registry) => pinned(registry, STEPS, name).map(Some),
        None => Ok(None),
    };
    let plan = compile::plan(pipeline, &bytes, STEPS, &cluster, Some(&pins), &read_file)?;
    let made = (target.compile)(&plan)?;
    match text("output") {
        None | Some("-") => print::result(&made)?,
        Some(place) => {
            written(place, made.as_bytes())?;
            print::result(&format!("{place}\n"))?;
        }
    }
    Ok(0)
}

/// Writes a file whole or not at all.
fn written(place: &str, bytes: &[u8]) -> Result<()> {
    if !dataset::is_url(place) && (place.ends_with('/') || std::path::Path::new(place).is_dir()) {
        return Err(Error::params("--output", format!("{place} is a folder: name a file in it")));
    }
    dataset::write_out(place, bytes)
}
