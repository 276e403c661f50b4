//! What `stain-normalize` did, counted from the manifest that it made, and a few images before and
//! after.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fits::{Slides, status_words};
use super::sheet::Draw;
use super::words;
use crate::manifest::{Item, Schema};

/// Most slides of which images are shown before and after.
pub const MOST_SLIDES: usize = 24;
/// Most pairs of each.
pub const MOST_PAIRS: usize = 4;
/// Most rows of the table of outcomes; the code knows far fewer, a manifest may hold anything.
const MOST_OUTCOMES: usize = 64;

/// An image and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Its slide or group, or itself.
    pub slide: String,
    /// Row in the manifest.
    pub row: u64,
    /// Id of the image before.
    pub source_id: String,
    /// The image after.
    pub after: Item,
    /// From which profile, in words.
    pub from: String,
    /// What to say under it.
    pub caption: Vec<String>,
}

/// What was normalized, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairs {
    /// Images that were normalized, or left as they were.
    pub images: u64,
    /// How many, by (from which profile, why), in words.
    pub outcomes: BTreeMap<(String, String), u64>,
    /// Images whose outcome has no row of its own.
    pub others: u64,
    /// The images before, by their ids, as far as they were found.
    pub before: BTreeMap<String, Option<Item>>,
    drawn: Draw<Pair>,
    is_fixed: bool,
    is_cohort: bool,
}

/// Where the step's manifest keeps what is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairColumns {
    source_id: Option<usize>,
    shows: Option<usize>,
    used: Option<usize>,
    status: Option<usize>,
    fitted: Option<usize>,
    tissue: Option<usize>,
    corner: [Option<usize>; 2],
    slides: Slides,
}

impl PairColumns {
    /// In a manifest of these columns.
    pub fn of(schema: &Schema) -> Self {
        let own = |fact: &str| schema.fact(&format!("stain-normalize.{fact}"));
        Self {
            source_id: own("source_id"),
            shows: own("shows"),
            used: own("source"),
            status: own("status"),
            fitted: schema.fact("fit-stain.status"),
            tissue: own("tissue_fraction"),
            corner: ["tile.x_px", "tile.y_px"].map(|name| schema.fact(name)),
            slides: Slides::of(schema),
        }
    }
}

/// Whether an item is the amount of one stain and no picture of the tissue.
pub fn is_amount(shows: Option<&str>) -> bool {
    shows.is_some_and(|shows| shows != "rgb")
}

impl Pairs {
    /// None yet, of a step with these params; `is_cohort` tells that slides have the cohort's profile.
    pub fn new(params: &Value, is_cohort: bool) -> Self {
        Self {
            images: 0,
            outcomes: BTreeMap::new(),
            others: 0,
            before: BTreeMap::new(),
            drawn: Draw::new(MOST_SLIDES, MOST_PAIRS),
            is_fixed: params.get("source").and_then(Value::as_str) == Some("fixed"),
            is_cohort,
        }
    }

    /// Takes a row of the step's manifest.
    pub fn take(&mut self, columns: &PairColumns, item: &Item) {
        let fact = |at: Option<usize>| at.and_then(|at| item.facts.get(at));
        let word = |at: Option<usize>| fact(at).and_then(Value::as_str);
        if is_amount(word(columns.shows)) {
            return;
        }
        let row = self.images;
        self.images += 1;
        let used = word(columns.used).unwrap_or_default();
        let from = self.words_of(used);
        let why = self.why(used, word(columns.status), word(columns.fitted));
        let full = self.outcomes.len() >= MOST_OUTCOMES;
        let outcome = (from.clone(), why);
        match self.outcomes.get_mut(&outcome) {
            Some(count) => *count += 1,
            None if full => self.others += 1,
            None => {
                self.outcomes.insert(outcome, 1);
            }
        }
        let Some(source_id) = word(columns.source_id) else { return };
        let slide = columns.slides.name(item).unwrap_or(source_id);
        self.drawn.offer(slide, &item.digest, || {
            let number = |at: Option<usize>| fact(at).and_then(Value::as_f64);
            let mut caption = Vec::new();
            if let (Some(x), Some(y)) = (number(columns.corner[0]), number(columns.corner[1])) {
                caption.push(format!("x {}, y {}", words::number(x, 1), words::number(y, 1)));
            }
            let tissue = number(columns.tissue);
            caption.extend(tissue.map(|share| format!("{} stained", words::percent(share, 1.0))));
            let (slide, source_id) = (slide.to_string(), source_id.to_string());
            Pair { slide, row, source_id, after: item.clone(), from, caption }
        });
    }

    /// Begins to look for the images before: all rows were taken.
    pub fn look(&mut self) {
        let ids = self.drawn.sources().flatten().map(|pair| (pair.source_id.clone(), None));
        self.before = ids.collect();
    }

    /// Takes a row of the manifest that the step read.
    pub fn take_before(&mut self, item: &Item) {
        if let Some(place) = self.before.get_mut(&item.id) {
            *place = Some(item.clone());
        }
    }

    /// The pairs, slide by slide, both in the manifest's order.
    pub fn by_slide(&self) -> Vec<Vec<&Pair>> {
        let mut slides: Vec<Vec<&Pair>> = self.drawn.sources().map(Iterator::collect).collect();
        slides.iter_mut().for_each(|pairs| pairs.sort_by_key(|pair| pair.row));
        slides.sort_by_key(|pairs| pairs.first().map(|pair| pair.row));
        slides
    }

    fn words_of(&self, used: &str) -> String {
        match used {
            "image" => "from its own profile".into(),
            "slide" if self.is_cohort => "from the cohort's profile".into(),
            "slide" => "from its slide's profile".into(),
            "cohort" => "from the cohort's profile".into(),
            "fixed" => "from the profile given".into(),
            "reference" => "from the method's reference".into(),
            "none" => "left as it was".into(),
            other => other.into(),
        }
    }

    fn why(&self, used: &str, status: Option<&str>, fitted: Option<&str>) -> String {
        let fit = |whose: &str, status: &str| match status {
            "ok" => format!("{whose} fit passed all gates"),
            _ => format!("{whose} fit failed: {}", status_words(status)),
        };
        let slide = if self.is_cohort { "the cohort's" } else { "its slide's" };
        match (used, status, fitted) {
            _ if self.is_fixed => "asked for, the same for all images".into(),
            ("slide", Some("ok"), _) => fit(slide, "ok"),
            (_, Some(status), _) => fit("its own", status),
            (_, None, Some(fitted)) => fit(slide, fitted),
            (_, None, None) => "nothing was fitted for it".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::digest::Digest;
    use crate::manifest::{Field, Kind};

    fn schema() -> Schema {
        let names = ["tile.source_id", "fit-stain.status", "stain-normalize.source_id"];
        let own = ["stain-normalize.shows", "stain-normalize.source", "stain-normalize.status"];
        let field = |name: &str| Field { name: name.into(), kind: Kind::Text };
        Schema { facts: names.iter().chain(&own).map(|name| field(name)).collect() }
    }

    fn item(n: usize, slide: &str, facts: [Option<&str>; 4]) -> Item {
        let [fitted, shows, used, status] = facts.map(Value::from);
        Item {
            id: format!("{slide}/{n}/normalized.png"),
            path: "x".into(),
            offset: None,
            length: 1,
            digest: Digest::of(&n.to_le_bytes()),
            media_type: "image/png".into(),
            width_px: None,
            height_px: None,
            label: None,
            group: None,
            split: None,
            weight: None,
            trail: String::new(),
            facts: vec![slide.into(), fitted, format!("{slide}/{n}").into(), shows, used, status],
        }
    }

    #[test]
    fn images_are_counted_by_profile_and_reason() {
        let mut pairs = Pairs::new(&json!({"source": "slide"}), false);
        let columns = PairColumns::of(&schema());
        let ok = [Some("ok"), Some("rgb"), Some("slide"), Some("ok")];
        let failed = [Some("one-colour"), Some("rgb"), Some("reference"), None];
        let amount = [Some("ok"), Some("eosin"), Some("slide"), Some("ok")];
        for n in 0..9 {
            pairs.take(&columns, &item(n, "a", ok));
            pairs.take(&columns, &item(n, "a", amount));
        }
        pairs.take(&columns, &item(0, "b", failed));
        assert_eq!(pairs.images, 10);
        let one_colour = crate::stain::Status::OneColour.words();
        let counts: Vec<_> =
            pairs.outcomes.iter().map(|((from, why), n)| (&**from, &**why, *n)).collect();
        let expected = [
            ("from its slide's profile", "its slide's fit passed all gates", 9),
            ("from the method's reference", &format!("its slide's fit failed: {one_colour}"), 1),
        ];
        assert_eq!(counts, expected);
    }

    #[test]
    fn the_pairs_are_those_with_the_smallest_digests_of_each_slide() {
        let ok = [Some("ok"), Some("rgb"), Some("slide"), Some("ok")];
        let mut digests: Vec<_> =
            (0..100_usize).map(|n| (Digest::of(&n.to_le_bytes()), n)).collect();
        digests.sort();
        let mut smallest: Vec<_> = digests.iter().take(MOST_PAIRS).map(|(_, n)| *n).collect();
        smallest.sort_unstable();
        let mut pairs = Pairs::new(&json!({}), false);
        let columns = PairColumns::of(&schema());
        (0..100).for_each(|n| pairs.take(&columns, &item(n, "a", ok)));
        let ids = |pairs: &Pairs| -> Vec<String> {
            pairs.by_slide().concat().iter().map(|pair| pair.source_id.clone()).collect()
        };
        assert_eq!(ids(&pairs), smallest.iter().map(|n| format!("a/{n}")).collect::<Vec<_>>());
        pairs.look();
        (0..100).for_each(|n| {
            let before = Item { id: format!("a/{n}"), ..item(n, "a", ok) };
            pairs.take_before(&before);
        });
        assert_eq!(pairs.before.len(), MOST_PAIRS);
        assert!(pairs.before.values().all(Option::is_some));
        // Ten thousand slides: memory is that of a few.
        (0..10_000).for_each(|n| pairs.take(&columns, &item(n, &n.to_string(), ok)));
        assert_eq!(pairs.by_slide().len(), MOST_SLIDES);
    }

    #[test]
    fn endless_outcomes_do_not_take_endless_memory() {
        let mut pairs = Pairs::new(&json!({}), false);
        let columns = PairColumns::of(&schema());
        for n in 0..1000 {
            let used = n.to_string();
            pairs.take(&columns, &item(n, "a", [None, Some("rgb"), Some(&used), None]));
        }
        assert_eq!((pairs.outcomes.len(), pairs.others), (MOST_OUTCOMES, 1000 - 64));
    }
}
