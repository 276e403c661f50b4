//! The ledger of a step, `components/<step>/golden.lock`: what each released version gives, and how
//! far the version must move when that changes.
//!
//! A line is `<version> <kind> <name> <field>=<value> …`, kinds being `case`, `param`, `fact` and
//! `reads`. Each time lines are appended, a `seal` closes them: the digest of everything above it, so
//! that a released line that was changed is noticed.

use std::collections::BTreeMap;
use std::fmt;

use microtome::digest::Digest;

/// Semantic version of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|p| p.parse().ok());
        let version = Self(parts.next()??, parts.next()??, parts.next()??);
        parts.next().is_none().then_some(version)
    }

    /// The smallest version that is this far on.
    pub fn moved(self, bump: Bump) -> Self {
        match bump {
            Bump::None => self,
            Bump::Patch => Self(self.0, self.1, self.2 + 1),
            Bump::Minor => Self(self.0, self.1 + 1, 0),
            Bump::Major => Self(self.0 + 1, 0, 0),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// How far a version must move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bump {
    None,
    Patch,
    Minor,
    Major,
}

pub type Fields = BTreeMap<String, String>;

/// What a version gives: `case he-jpeg`, `param tile_px`, … to their fields.
pub type State = BTreeMap<String, Fields>;

const HEADER: &str = "\
# What each released version of this step gives on its fixtures. Lines are only ever appended:
#   BLESS=1 cargo test --release --test golden
# pixels: decoded images; bytes: files, previews included; facts: values of the columns.
";

/// The versions of a ledger, oldest first.
pub fn parse(text: &str) -> Result<Vec<(Version, State)>, String> {
    let mut versions: Vec<(Version, State)> = Vec::new();
    let mut above = 0;
    let mut sealed = true;
    for line in text.split_inclusive('\n') {
        let start = above;
        above += line.len();
        let words: Vec<&str> = line.split_whitespace().collect();
        if line.starts_with('#') || words.is_empty() {
            continue;
        }
        let broken = || format!("not a line of a ledger: {line}");
        let [version, kind, name, fields @ ..] = words.as_slice() else { return Err(broken()) };
        let version = Version::parse(version).ok_or_else(broken)?;
        sealed = *kind == "seal";
        if sealed {
            if *name != Digest::of(&text.as_bytes()[..start]).short() {
                return Err(format!(
                    "a line above `{}` was changed: released lines never change; restore them",
                    line.trim_end()
                ));
            }
            continue;
        }
        let state = match versions.iter_mut().find(|(v, _)| *v == version) {
            Some((_, state)) => state,
            None => {
                versions.push((version, State::new()));
                &mut versions.last_mut().unwrap().1
            }
        };
        let fields = fields
            .iter()
            .map(|f| f.split_once('=').map(|(k, v)| (k.to_string(), v.to_string())))
            .collect::<Option<Fields>>()
            .ok_or_else(broken)?;
        if state.insert(format!("{kind} {name}"), fields).is_some() {
            return Err(format!("{version} {kind} {name} stands twice"));
        }
    }
    if !sealed {
        return Err("the last lines have no seal: lines are appended with BLESS=1 only".into());
    }
    versions.sort_by_key(|(version, _)| *version);
    Ok(versions)
}

/// The ledger with lines appended and sealed.
pub fn append(text: &str, version: Version, lines: &State) -> String {
    let mut text = if text.is_empty() { HEADER.to_string() } else { text.to_string() };
    for (name, fields) in lines {
        let fields: String = fields.iter().map(|(k, v)| format!(" {k}={v}")).collect();
        text.push_str(&format!("{version} {name}{fields}\n"));
    }
    let seal = Digest::of(text.as_bytes()).short();
    text.push_str(&format!("{version} seal {seal}\n"));
    text
}

/// How far the version must move from `old` to `new`, and why.
pub fn bump(old: &State, new: &State) -> (Bump, Vec<String>) {
    let mut all: Vec<(Bump, String)> = Vec::new();
    for (name, before) in old {
        let kind = name.split(' ').next().unwrap_or_default();
        match (new.get(name), kind) {
            (Some(now), "case") => all.extend(case(name, before, now)),
            (Some(now), "param") => all.extend(param(name, before, now)),
            (Some(now), _) => all.extend(column(name, before, now)),
            (None, "reads") => all.push((Bump::Minor, format!("no longer {name}"))),
            (None, _) => all.push((Bump::Major, format!("no longer has {name}"))),
        }
    }
    for name in new.keys().filter(|name| !old.contains_key(*name)) {
        match name.split(' ').next().unwrap_or_default() {
            "case" => {}
            // A manifest that would do before is refused now.
            "reads" => all.push((Bump::Major, format!("now {name}"))),
            _ => all.push((Bump::Minor, format!("now has {name}"))),
        }
    }
    let most = all.iter().map(|(bump, _)| *bump).max().unwrap_or(Bump::None);
    let reasons = all.into_iter().filter(|(bump, _)| *bump == most && most > Bump::None);
    (most, reasons.map(|(_, reason)| reason).collect())
}

fn differs(before: &Fields, now: &Fields, field: &str) -> bool {
    before.get(field) != now.get(field)
}

fn case(name: &str, before: &Fields, now: &Fields) -> Option<(Bump, String)> {
    let found = [
        ("items", Bump::Major, "another number of items"),
        ("pixels", Bump::Major, "other pixels"),
        ("facts", Bump::Major, "other facts"),
        ("bytes", Bump::Patch, "the same pixels in other bytes"),
    ];
    let (_, bump, words) = found.iter().find(|(field, ..)| differs(before, now, field))?;
    Some((*bump, format!("gives {words} for {name}")))
}

fn param(name: &str, before: &Fields, now: &Fields) -> Vec<(Bump, String)> {
    let mut found = Vec::new();
    for (field, words) in [("type", "another type"), ("default", "another default")] {
        if differs(before, now, field) {
            found.push((Bump::Major, format!("has {words} for {name}")));
        }
    }
    let bound = |fields: &Fields, field: &str, open: f64| {
        fields.get(field).and_then(|v| v.parse().ok()).unwrap_or(open)
    };
    let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
    let ranges = [before, now].map(|f| (bound(f, "min", low), bound(f, "max", high)));
    let [(old_min, old_max), (min, max)] = ranges;
    if min > old_min || max < old_max {
        found.push((Bump::Major, format!("refuses values of {name} that were allowed")));
    } else if min < old_min || max > old_max {
        found.push((Bump::Minor, format!("allows more values of {name}")));
    }
    let words = |fields: &Fields| -> Vec<String> {
        fields.get("words").into_iter().flat_map(|w| w.split(',')).map(str::to_string).collect()
    };
    let (old_words, new_words) = (words(before), words(now));
    if old_words.iter().any(|w| !new_words.contains(w)) {
        found.push((Bump::Major, format!("refuses words of {name} that were allowed")));
    } else if new_words.len() > old_words.len() {
        found.push((Bump::Minor, format!("allows more words of {name}")));
    }
    found.extend(null(name, before, now, Bump::Minor, Bump::Major));
    found
}

fn column(name: &str, before: &Fields, now: &Fields) -> Vec<(Bump, String)> {
    let mut found = Vec::new();
    if differs(before, now, "type") {
        found.push((Bump::Major, format!("has another type for {name}")));
    }
    // Who reads a column that was never null may not expect null; for params it is the other way.
    found.extend(null(name, before, now, Bump::Major, Bump::Minor));
    found
}

fn null(
    name: &str,
    before: &Fields,
    now: &Fields,
    allowed: Bump,
    refused: Bump,
) -> Option<(Bump, String)> {
    let is_null = |fields: &Fields| fields.get("null").is_some_and(|v| v == "yes");
    match (is_null(before), is_null(now)) {
        (false, true) => Some((allowed, format!("allows null for {name}"))),
        (true, false) => Some((refused, format!("no longer has null for {name}"))),
        _ => None,
    }
}

/// What is to be done about a step's ledger.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// The ledger says what the code does.
    Kept,
    /// These lines may be appended under the code's version.
    Append(State),
    /// The version must move first: the message says how far.
    Move(String),
}

pub const BLESS: &str = "BLESS=1 cargo test --release --test golden";

/// Compares what the code gives with the last release. `comparable` is what the code gives as far as
/// the last release knows it (its facts only); `full` is all of it.
pub fn judge(
    step: &str,
    version: Version,
    released: Option<&(Version, State)>,
    comparable: &State,
    full: &State,
) -> Verdict {
    let Some((last, old)) = released else { return Verdict::Append(full.clone()) };
    let (bump, reasons) = bump(old, comparable);
    let least = last.moved(bump);
    if version < *last {
        return Verdict::Move(format!("{step} {version} is older than {last}, which is released"));
    }
    let far_enough = match bump {
        Bump::None => true,
        Bump::Patch => version > *last,
        Bump::Minor => (version.0, version.1) > (last.0, last.1),
        Bump::Major => version.0 > last.0,
    };
    if !far_enough {
        return Verdict::Move(format!(
            "{step} {last} {}: set VERSION to {least}, then {BLESS}",
            reasons.join(", and ")
        ));
    }
    if version > *last {
        return Verdict::Append(full.clone());
    }
    let added: State = full
        .iter()
        .filter(|(name, _)| !old.contains_key(*name))
        .map(|(name, fields)| (name.clone(), fields.clone()))
        .collect();
    if added.is_empty() { Verdict::Kept } else { Verdict::Append(added) }
}
