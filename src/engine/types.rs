//! What a run is asked for, and what it tells while it goes. What it answers is in [`crate::summary`].

use crate::error::{Error, Result};
use crate::slide::Limits;
use crate::summary::{Failure, StepSummary};

/// Knobs: what cannot change a pixel, and so never meets the key.
#[derive(Debug, Clone, PartialEq)]
pub struct Knobs {
    /// Threads that do work; at least 1.
    pub threads: usize,
    /// The part of the units that this run does.
    pub shard: Option<Shard>,
    /// How outputs are laid down.
    pub layout: Layout,
    /// How many failed units are still a success.
    pub max_failures: MaxFailures,
    /// How much a file may ask for.
    pub limits: Limits,
    /// Columns by whose values the last manifest is laid down once more, Hive-style; none: it is not.
    pub partition_by: Vec<String>,
    /// Which step of a chain this run is; `None`: the whole of it.
    pub leg: Option<Leg>,
}

impl Default for Knobs {
    /// All cores, everything, loose files, no failure tolerated, no partitions.
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            shard: None,
            layout: Layout::Loose,
            max_failures: MaxFailures::Count(0),
            limits: Limits::default(),
            partition_by: Vec::new(),
            leg: None,
        }
    }
}

/// Part `index` of `count`: disjoint, complete, balanced by bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// 0-based.
    pub index: u32,
    /// At least 1.
    pub count: u32,
}

impl Shard {
    /// Most shards.
    pub const MOST: u32 = 100_000;
}

impl std::str::FromStr for Shard {
    type Err = Error;

    /// `I/N`, 0-based: `0/4` to `3/4`.
    fn from_str(text: &str) -> Result<Self> {
        let parsed =
            text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match parsed {
            Some((index, count)) if index < count && count <= Self::MOST => {
                Ok(Self { index, count })
            }
            _ => Err(Error::params(
                "--shard",
                format!(
                    "{text:?} is not I/N with I from 0 to N-1 and N at most {} (such as 0/4)",
                    Self::MOST
                ),
            )),
        }
    }
}

/// One leg of a chain whose steps run one by one, a process each, all in one dataset: the way of a cluster. What
/// all legs leave is what one run of the whole chain leaves, byte for byte.
///
/// Written `K:STEP,STEP,…`: `2:scan,tile,split` is `tile`, which reads `manifests/1-scan.parquet` and gives
/// `manifests/2-tile.parquet`; the last leg gives `manifest.parquet`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// 1-based.
    pub number: usize,
    /// The names of all steps of the chain, in order.
    pub chain: Vec<String>,
}

impl std::str::FromStr for Leg {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            let text: String = text.chars().take(200).collect();
            Error::params(
                "--leg",
                format!(
                    "{text:?} is not K:STEP,STEP,… with K from 1 to the number of steps (such as 2:scan,tile)"
                ),
            )
        };
        let (number, chain) = text.split_once(':').ok_or_else(wrong)?;
        let chain: Vec<String> = chain.split(',').map(str::to_string).collect();
        let named = |name: &String| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        };
        match number.parse() {
            Ok(number) if (1..=chain.len()).contains(&number) && chain.len() <= 64 => {
                if chain.iter().all(named) { Ok(Self { number, chain }) } else { Err(wrong()) }
            }
            _ => Err(wrong()),
        }
    }
}

impl std::fmt::Display for Leg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.number, self.chain.join(","))
    }
}

/// How outputs are laid down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A file an item, under `items/`.
    Loose,
    /// WebDataset tars under `packs/`; a new one is begun when this many bytes are passed.
    Packs {
        /// Size at which a pack is closed, in bytes.
        bytes: u64,
    },
}

/// How many failures are still a success (exit code 0).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxFailures {
    /// A number.
    Count(u64),
    /// A share of the inputs, in percent.
    Percent(f64),
}

impl MaxFailures {
    /// Whether this many failures among this many inputs are tolerated.
    pub fn tolerates(self, failures: u64, inputs: u64) -> bool {
        match self {
            Self::Count(most) => failures <= most,
            Self::Percent(percent) => failures as f64 * 100.0 <= percent * inputs as f64,
        }
    }
}

impl std::str::FromStr for MaxFailures {
    type Err = Error;

    /// `N` or `P%`.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::params(
                "--max-failures",
                format!("{text:?} is not a number (3) or a percentage (2.5%)"),
            )
        };
        match text.strip_suffix('%') {
            None => text.parse().map(Self::Count).map_err(|_| wrong()),
            Some(number) => match number.parse::<f64>() {
                Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Self::Percent(percent)),
                _ => Err(wrong()),
            },
        }
    }
}

/// What a run tells while it goes. Sent from many threads; a watcher must be quick.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A step begins.
    StepBegun {
        /// Its name.
        step: String,
        /// Its version.
        version: String,
        /// Units in this run (this shard).
        units: u64,
        /// Bytes of their inputs.
        bytes: u64,
    },
    /// Some bytes of inputs were read and hashed.
    Hashed {
        /// How many.
        bytes: u64,
    },
    /// A unit is being worked on.
    UnitBegun {
        /// The item's id.
        id: String,
    },
    /// How far a unit is.
    UnitProgress {
        /// The item's id.
        id: String,
        /// Done, of total (patches).
        done: u64,
        /// Total.
        total: u64,
    },
    /// A unit is done: made now, or found done.
    UnitDone {
        /// The item's id.
        id: String,
        /// Whether a record was there already.
        hit: bool,
        /// Items it gave.
        items: u64,
        /// Bytes of its input.
        bytes_in: u64,
        /// Bytes of its outputs that were written now.
        bytes_out: u64,
        /// Seconds it took (0 for a hit).
        seconds: f64,
    },
    /// A unit failed.
    Failed(Failure),
    /// Something that a person should know.
    Note {
        /// What.
        message: String,
    },
    /// Something that a person must know before the data are used.
    Warning {
        /// What.
        message: String,
    },
    /// A step ended.
    StepDone(Box<StepSummary>),
}

/// Whoever listens to a run: progress bars, log lines, nobody.
pub trait Watch: Sync {
    /// Takes an event.
    fn event(&self, event: Event);
}

/// Nobody listens.
pub struct Silent;

impl Watch for Silent {
    fn event(&self, _: Event) {}
}
