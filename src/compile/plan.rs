//! What all targets share: the legs of a chain, and where each runs.

use serde_json::{Map, Value};

use super::cluster::{Cluster, Node};
use super::{check, syntax};
use crate::dataset::is_url;
use crate::describe::{self, Shape, interface};
use crate::engine::{self, Leg};
use crate::error::{Error, Result};
use crate::pipeline::{self, Read};
use crate::step::{AnyStep, Entry, Grain};
use crate::yaml;

/// Most bytes of a leg's params: all of them travel in one word of a command line, which is 128 KiB at most.
const MOST_PARAMS: usize = 64 << 10;

/// The image that a registry has for a step by its name (or `merge`), pinned; `None` when it has none.
pub type Pins<'a> = &'a dyn Fn(&str) -> Result<Option<String>>;

/// A pipeline, ready to be written down for a cluster.
#[derive(Clone)]
pub struct Plan {
    /// A name made of the pipeline file's: a DNS label of at most 40 characters.
    pub name: String,
    /// What the first leg reads: a prefix, or a folder of a claim.
    pub input: String,
    /// The root in which all legs work: a prefix, or a folder of a claim.
    pub output: String,
    /// In order; at least one.
    pub legs: Vec<PlannedLeg>,
    /// What a merge of shards may use.
    pub merge: Node,
    /// The image of a merge: the one that has every step.
    pub merge_image: String,
    /// Claims, variables, secrets, labels, and what only one target has.
    pub cluster: Cluster,
}

/// A step of the pipeline, on its own.
#[derive(Clone)]
pub struct PlannedLeg {
    /// The step.
    pub entry: &'static Entry,
    /// Unique among the legs: the step's name, with the leg's number behind it where the step comes twice.
    pub name: String,
    /// Which leg it is; its text form is what `--leg` takes.
    pub leg: Leg,
    /// The params that are not their defaults. Files are inlined as JSON, or, where that is too large and containers can
    /// read them by the same name, named as the pipeline file names them.
    pub params: Map<String, Value>,
    /// In how many parts the units are dealt; a merge follows where they are more than one.
    pub shards: u32,
    /// What it may use: the cluster file's defaults under the step's own.
    pub node: Node,
    /// Its image.
    pub image: String,
}

impl PlannedLeg {
    /// Whether this is the last leg.
    pub fn is_last(&self) -> bool {
        self.leg.number == self.leg.chain.len()
    }
}

/// Checks a pipeline file and a cluster file as a whole, and says what each leg is.
///
/// `place` is the path or URL of the pipeline file; files that its params name are read beside it.
///
/// # Errors
/// As [`pipeline::parse`]; [`Error::Params`] with the path of what is wrong in the cluster file; [`Error::Schema`] where a
/// step reads a column that none before it makes; [`Error::Limit`] for params that are too large for a command line; as
/// `pins`.
pub fn plan(
    place: &str,
    text: &[u8],
    steps: &'static [Entry],
    cluster: &Cluster,
    pins: Option<Pins>,
    read: Read,
) -> Result<Plan> {
    check::cluster(cluster, steps)?;
    let (input, output) = places(cluster)?;
    let chain = pipeline::parse(place, text, steps, read)?;
    engine::check_chain(&chain)?;
    let given = yaml::document(place, text)?;
    let names: Vec<String> = chain.iter().map(|step| step.entry().name.to_string()).collect();
    let legs = chain.iter().enumerate().map(|(index, step)| {
        let entry = step.entry();
        let node = merged(&cluster.defaults, cluster.steps.get(entry.name));
        let name = match names.iter().filter(|name| *name == entry.name).count() {
            1 => entry.name.to_string(),
            _ => format!("{}-{}", entry.name, index + 1),
        };
        let at = format!("steps[{index}].{}", entry.name);
        let image = image(cluster, &node, entry.name, entry.version, pins)?;
        Ok(PlannedLeg {
            entry,
            name,
            leg: Leg { number: index + 1, chain: names.clone() },
            params: params(&at, &**step, &given["steps"][index])?,
            shards: shards(&**step, cluster)?,
            image: image.unwrap_or_else(|| interface::image(entry)),
            node,
        })
    });
    let legs = legs.collect::<Result<Vec<_>>>()?;
    let merge = merged(&cluster.defaults, cluster.steps.get(interface::MERGE));
    // A registry without it will do where nothing is merged.
    let pins = pins.filter(|_| legs.iter().any(|leg| leg.shards > 1));
    let version = env!("CARGO_PKG_VERSION");
    let merge_image = image(cluster, &merge, interface::MERGE, version, pins)?
        .unwrap_or_else(interface::image_of_all);
    Ok(Plan {
        name: name(place),
        input: input.into(),
        output: output.into(),
        legs,
        merge_image,
        merge,
        cluster: cluster.clone(),
    })
}

/// Where the chain begins, and where it ends.
fn places(cluster: &Cluster) -> Result<(&str, &str)> {
    let missing = |what: &str, why: &str, flag: &str| {
        let message = format!("missing: say {why} in the cluster file, or with {flag}");
        Error::params(what, message)
    };
    let input = cluster.input.as_deref();
    let input =
        input.ok_or_else(|| missing("input", "where the images or the dataset are", "--input"))?;
    let output = cluster.output.as_deref();
    let output =
        output.ok_or_else(|| missing("output", "where the dataset is made", "--output-uri"))?;
    if trimmed(input) == trimmed(output) {
        return Err(Error::params("output", "it is the input itself: choose another place"));
    }
    Ok((input, output))
}

fn trimmed(place: &str) -> &str {
    place.strip_prefix("file://").unwrap_or(place).trim_end_matches('/')
}

/// The file's name as a DNS label.
fn name(place: &str) -> String {
    let file = place.rsplit('/').next().unwrap_or_default();
    let stem = file.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let letters = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    let dashed: String = letters.take(40).collect();
    let parts: Vec<&str> = dashed.split('-').filter(|part| !part.is_empty()).collect();
    let name = parts.join("-");
    match name.chars().next() {
        Some(first) if first.is_ascii_alphabetic() && syntax::is_label(&name) => name,
        Some(_) => format!("pipeline-{name}"),
        None => "pipeline".into(),
    }
}

/// Defaults under a step's own. `shards` of the defaults are not taken over: not every step has any.
fn merged(defaults: &Node, own: Option<&Node>) -> Node {
    let own = own.cloned().unwrap_or_default();
    let or = |own: Option<String>, default: &Option<String>| own.or_else(|| default.clone());
    let mut node_selector = defaults.node_selector.clone();
    node_selector.extend(own.node_selector);
    // One list or the other: to name the same taint twice says nothing new.
    let tolerations =
        if own.tolerations.is_empty() { defaults.tolerations.clone() } else { own.tolerations };
    let cpu = or(own.cpu, &defaults.cpu);
    let cpu_limit = or(own.cpu_limit, &defaults.cpu_limit);
    let threads = own.threads.or(defaults.threads).or_else(|| threads_of(&cpu, &cpu_limit));
    Node {
        image: own.image,
        shards: own.shards,
        cpu,
        memory: or(own.memory, &defaults.memory),
        cpu_limit,
        memory_limit: or(own.memory_limit, &defaults.memory_limit),
        scratch: or(own.scratch, &defaults.scratch),
        node_selector,
        tolerations,
        retries: own.retries.or(defaults.retries),
        cache: own.cache.or(defaults.cache),
        max_failures: or(own.max_failures, &defaults.max_failures),
        threads,
        pack: or(own.pack, &defaults.pack),
    }
}

/// A thread for each core that is asked for (or is the limit), begun ones too: a container sees all cores of its node, and
/// memory goes by threads. `None` where nothing is asked for.
fn threads_of(cpu: &Option<String>, cpu_limit: &Option<String>) -> Option<u16> {
    let thousandths = syntax::quantity(cpu_limit.as_ref().or(cpu.as_ref())?)?;
    u16::try_from(thousandths.div_ceil(1000)).ok().filter(|threads| *threads <= 4096)
}

/// In how many parts a step's units are dealt. A listing is quick and hashes where it lists: it is dealt out only where
/// the file says so for it alone.
fn shards(step: &dyn AnyStep, cluster: &Cluster) -> Result<u32> {
    let entry = step.entry();
    let own = cluster.steps.get(entry.name).and_then(|node| node.shards);
    let whole = match entry.grain {
        Grain::Manifest => Some("it looks at all rows at once"),
        Grain::Group if step.joins() => Some("its params look at all groups at once"),
        _ => None,
    };
    match (whole, own) {
        (Some(why), Some(shards)) if shards > 1 => Err(Error::params(
            format!("steps.{}.shards", entry.name),
            format!("{shards} shards, and `{}` has none here: {why}", entry.name),
        )),
        (Some(_), _) => Ok(1),
        (None, Some(own)) => Ok(own),
        (None, None) if entry.grain == Grain::Listing => Ok(1),
        (None, None) => Ok(cluster.defaults.shards.or(cluster.shards).unwrap_or(1)),
    }
}

/// The image that the cluster file or the registry names.
fn image(
    cluster: &Cluster,
    node: &Node,
    step: &str,
    version: &str,
    pins: Option<Pins>,
) -> Result<Option<String>> {
    if let Some(image) = &node.image {
        return Ok(Some(image.clone()));
    }
    if let Some(template) = &cluster.image {
        let named = match step {
            interface::MERGE => template.replace("-{step}", "").replace("{step}", "microtome"),
            step => template.replace("{step}", step),
        };
        return Ok(Some(named.replace("{version}", version)));
    }
    let Some(image) = pins.map_or(Ok(None), |pins| pins(step))? else { return Ok(None) };
    match syntax::is_image(&image) {
        true => Ok(Some(image)),
        false => {
            let message = "the registry's name of its image is none that a cluster takes";
            Err(Error::format(step, message))
        }
    }
}

/// The params that are not their defaults, as few bytes as they can be.
fn params(at: &str, step: &dyn AnyStep, given: &Value) -> Result<Map<String, Value>> {
    let entry = step.entry();
    let given = &given[entry.name];
    let defaults = (entry.default_params)();
    let mut params = Map::new();
    let mut inlined = Vec::new();
    for param in describe::params(entry)? {
        let value = &step.params()[&param.name];
        if *value == defaults[&param.name] {
            continue;
        }
        if value.is_null() {
            let message = "null is not its default here, and a component has no word for it";
            return Err(Error::params(format!("{at}.{}", param.name), message));
        }
        if matches!(param.shape, Shape::File(_)) {
            inlined.push(param.name.clone());
        }
        params.insert(param.name, value.clone());
    }
    said_again(at, step, &params)?;
    // The largest first, until the rest will do.
    inlined.sort_by_key(|name| std::cmp::Reverse(bytes(&params[name])));
    let mut left = params.values().map(bytes).sum::<usize>();
    for name in &inlined {
        if left <= MOST_PARAMS {
            break;
        }
        let Some(place) = given[name].as_str().filter(|place| is_url(place)) else { continue };
        left = left - bytes(&params[name]) + place.len();
        params.insert(name.clone(), place.into());
    }
    if left > MOST_PARAMS {
        let field = inlined.first().map_or_else(|| at.to_string(), |name| format!("{at}.{name}"));
        return Err(Error::limit(
            format!("{field}, written into the cluster's file,"),
            format!("{left} bytes"),
            format!("{MOST_PARAMS} bytes"),
            "name the file in the pipeline by a URL (az://, abfss://, s3://, gs://) that containers can read: it is then read there",
        ));
    }
    Ok(params)
}

fn bytes(value: &Value) -> usize {
    value.to_string().len()
}

/// Holds what is written to what was read: it must make the same step.
fn said_again(at: &str, step: &dyn AnyStep, params: &Map<String, Value>) -> Result<()> {
    let unread = |path: &str| Err(Error::store(path, "is read where it is inlined, not again"));
    let named = |field: &str| format!("{at}.{field}");
    let again = pipeline::make(step.entry(), params.clone(), &named, &unread)?;
    if again.params() != step.params() {
        return Err(Error::Bug {
            message: format!("{at}: its params say something else when read again"),
        });
    }
    Ok(())
}
