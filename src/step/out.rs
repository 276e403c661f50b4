//! What a step gives back.

use std::marker::PhantomData;

use serde_json::{Map, Value};

use super::{Crew, Facts, Findings, Rows};
use crate::digest::{Digest, all_finite};
use crate::error::{Error, Result};

/// Something that a step made: bytes, and what it says about them.
///
/// Made on the thread that did the work, so that hashing is spread as the work is.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// Name within the unit, unique there, with its ending (`x1024_y2048.jpg`).
    pub name: String,
    /// The bytes of the file.
    pub bytes: Vec<u8>,
    /// Digest of the bytes.
    pub digest: Digest,
    /// `image/png`, `image/jpeg`, ….
    pub media_type: &'static str,
    /// Columns; 0 for what is no picture.
    pub width_px: u32,
    /// Rows.
    pub height_px: u32,
    /// Facts by their short names.
    pub facts: Map<String, Value>,
    /// Files that go with it (its mask), each under the column that will name it.
    pub beside: Vec<(&'static str, Made)>,
}

impl Made {
    /// Puts bytes and facts together, and hashes.
    ///
    /// # Errors
    /// [`Error::Bug`] when the facts are no flat struct of finite values.
    pub fn new<F: Facts>(
        name: String,
        bytes: Vec<u8>,
        media_type: &'static str,
        (width_px, height_px): (u32, u32),
        facts: &F,
    ) -> Result<Self> {
        let digest = Digest::of(&bytes);
        let (facts, beside) = (map(facts)?, Vec::new());
        Ok(Self { name, bytes, digest, media_type, width_px, height_px, facts, beside })
    }

    /// A file that goes with an item and has no facts of its own.
    pub fn companion(
        name: String,
        bytes: Vec<u8>,
        media_type: &'static str,
        (width_px, height_px): (u32, u32),
    ) -> Self {
        let (digest, facts, beside) = (Digest::of(&bytes), Map::new(), Vec::new());
        Self { name, bytes, digest, media_type, width_px, height_px, facts, beside }
    }

    /// The same with a file beside it, which the column of this name will point at: one of
    /// [`super::Step::COMPANIONS`].
    #[must_use]
    pub fn beside(mut self, column: &'static str, made: Self) -> Self {
        self.beside.push((column, made));
        self
    }
}

fn map<F: Facts>(facts: &F) -> Result<Map<String, Value>> {
    if !all_finite(facts) {
        return Err(Error::Bug { message: "a fact is not a finite number".into() });
    }
    match serde_json::to_value(facts) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(Value::Null) => Ok(Map::new()),
        _ => Err(Error::Bug { message: "facts must be a flat struct".into() }),
    }
}

/// A file that a listing step found: the row of a source item.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// As in the listing.
    pub id: String,
    /// As in the listing.
    pub path: String,
    /// Bytes.
    pub length: u64,
    /// Digest of the bytes.
    pub digest: Digest,
    /// What the bytes are.
    pub media_type: String,
    /// Columns of the image.
    pub width_px: Option<u32>,
    /// Rows of the image.
    pub height_px: Option<u32>,
    /// Class.
    pub label: Option<String>,
    /// What must stay together.
    pub group: Option<String>,
    /// Facts by their short names.
    pub facts: Map<String, Value>,
}

/// One thing on its way from a step to the engine.
#[derive(Debug, Clone, PartialEq)]
pub enum Emitted {
    /// An item.
    Item(Made),
    /// A picture for people, which is no item.
    Preview(Made),
    /// A row of a source file.
    Found(Found),
    /// A file of a listing that cannot be read: (id, why).
    Failed(String, Error),
    /// The items of a group stay as they are, and all have these facts.
    Kept {
        /// Facts by their short names.
        facts: Map<String, Value>,
        /// Whether what comes of putting all groups together stands over these facts.
        joins: bool,
    },
    /// A file that waits for all groups to be put together.
    Left(Made),
    /// What becomes of the next batch of rows of a manifest.
    Rows(Rows),
    /// What a step says of the whole manifest.
    Findings(Findings),
    /// Something that a person should know.
    Note(String),
    /// What became of one member of a group.
    Member {
        /// Its place among [`super::Group::members`].
        index: usize,
        /// What became of it.
        what: MemberWhat,
    },
}

/// What became of one member of a group.
#[derive(Debug, Clone, PartialEq)]
pub enum MemberWhat {
    /// The item stays as it is, with these facts (by their short names).
    Kept(Map<String, Value>),
    /// A new item was made of it.
    Made(Made),
    /// The item goes no further, for the reason that these facts give.
    Dropped(Map<String, Value>),
    /// It could not be done; the others go on.
    Failed(Error),
}

/// Where a step's results go. The engine's stages what it is given; [`Collected`] keeps it.
pub trait Sink {
    /// Takes the next result. Slow sinks make the step wait.
    ///
    /// # Errors
    /// [`Error::Store`] when it cannot be kept.
    fn take(&mut self, emitted: Emitted) -> Result<()>;

    /// How far the unit is, of a total that the step knows: for progress only.
    fn progress(&mut self, _done: u64, _total: u64) {}
}

/// A sink that keeps everything in memory.
#[derive(Debug, Default)]
pub struct Collected {
    /// Items, in order.
    pub items: Vec<Made>,
    /// Pictures for people.
    pub previews: Vec<Made>,
    /// Rows of source files.
    pub found: Vec<Found>,
    /// Files that could not be read.
    pub failed: Vec<(String, Error)>,
    /// Facts of a group whose items stay, and whether it joins.
    pub kept: Vec<(Map<String, Value>, bool)>,
    /// What was left for a join.
    pub left: Vec<Made>,
    /// What became of the members of a group.
    pub members: Vec<(usize, MemberWhat)>,
    /// What becomes of the batches of a manifest.
    pub rows: Vec<Rows>,
    /// What was said of the whole manifest.
    pub findings: Findings,
    /// What a person should know.
    pub notes: Vec<String>,
}

impl Sink for Collected {
    fn take(&mut self, emitted: Emitted) -> Result<()> {
        match emitted {
            Emitted::Item(made) => self.items.push(made),
            Emitted::Preview(made) => self.previews.push(made),
            Emitted::Found(found) => self.found.push(found),
            Emitted::Failed(id, error) => self.failed.push((id, error)),
            Emitted::Kept { facts, joins } => self.kept.push((facts, joins)),
            Emitted::Left(made) => self.left.push(made),
            Emitted::Member { index, what } => self.members.push((index, what)),
            Emitted::Rows(rows) => self.rows.push(rows),
            Emitted::Findings(findings) => self.findings.extend(findings),
            Emitted::Note(note) => self.notes.push(note),
        }
        Ok(())
    }
}

/// A step's way out: results in order, work spread over the crew.
pub struct Out<'a, F> {
    sink: &'a mut dyn Sink,
    crew: &'a Crew,
    facts: PhantomData<F>,
}

impl<'a, F: Facts> Out<'a, F> {
    /// A way into this sink, with this crew to do the work.
    pub fn new(sink: &'a mut dyn Sink, crew: &'a Crew) -> Self {
        Self { sink, crew, facts: PhantomData }
    }

    /// Gives an item.
    ///
    /// # Errors
    /// [`Error::Store`] when it cannot be kept; [`Error::Stopped`] when the run is to end.
    pub fn put(&mut self, made: Made) -> Result<()> {
        self.crew.check()?;
        self.sink.take(Emitted::Item(made))
    }

    /// Gives a picture for people (an overlay, a thumbnail). Not an item.
    ///
    /// # Errors
    /// As [`Out::put`].
    pub fn preview(&mut self, made: Made) -> Result<()> {
        self.sink.take(Emitted::Preview(made))
    }

    /// Gives the row of a source file; its facts are added here.
    ///
    /// # Errors
    /// As [`Out::put`].
    pub fn found(&mut self, mut found: Found, facts: &F) -> Result<()> {
        self.crew.check()?;
        found.facts = map(facts)?;
        self.sink.take(Emitted::Found(found))
    }

    /// Says that one file of a listing cannot be read. The others go on.
    ///
    /// # Errors
    /// As [`Out::put`].
    pub fn failed(&mut self, id: String, error: Error) -> Result<()> {
        self.sink.take(Emitted::Failed(id, error))
    }

    /// Says that the items of the group stay as they are, each with these facts: once for a group.
    /// With `joins`, the facts that come of putting together what all groups left (those that are not
    /// null) stand over these.
    ///
    /// # Errors
    /// As [`Out::put`].
    pub fn keep(&mut self, facts: &F, joins: bool) -> Result<()> {
        self.crew.check()?;
        self.sink.take(Emitted::Kept { facts: map(facts)?, joins })
    }

    /// Leaves a file for the time when all groups are put together ([`super::Of::Left`]).
    ///
    /// # Errors
    /// As [`Out::put`].
    pub fn leave(&mut self, made: Made) -> Result<()> {
        self.crew.check()?;
        self.sink.take(Emitted::Left(made))
    }

    fn member(&mut self, index: usize, what: MemberWhat) -> Result<()> {
        self.crew.check()?;
        self.sink.take(Emitted::Member { index, what })
    }

    /// Says that one member of a group stays as it is, with facts of its own. A step that speaks of
    /// members speaks of each of them, in the order of their index.
    ///
    /// # Errors
    /// As [`Out::put`].
    pub fn keep_member(&mut self, index: usize, facts: &F) -> Result<()> {
        let facts = map(facts)?;
        self.member(index, MemberWhat::Kept(facts))
    }

    /// Gives an item that was made of one member of a group and takes its place; several may be.
    ///
    /// # Errors
    /// As [`Out::put`].
    pub fn put_member(&mut self, index: usize, made: Made) -> Result<()> {
        self.member(index, MemberWhat::Made(made))
    }

    /// Says that one member of a group goes no further, and by its facts why.
    ///
    /// # Errors
    /// As [`Out::put`].
    pub fn drop_member(&mut self, index: usize, facts: &F) -> Result<()> {
        let facts = map(facts)?;
        self.member(index, MemberWhat::Dropped(facts))
    }

    /// Says that one member of a group could not be done. The others go on.
    ///
    /// # Errors
    /// As [`Out::put`].
    pub fn fail_member(&mut self, index: usize, error: Error) -> Result<()> {
        self.member(index, MemberWhat::Failed(error))
    }

    /// Says what becomes of the next batch of rows of a manifest: once for each batch, in their order.
    ///
    /// # Errors
    /// As [`Out::put`].
    pub fn rows(&mut self, rows: Rows) -> Result<()> {
        self.crew.check()?;
        self.sink.take(Emitted::Rows(rows))
    }

    /// Says something of the whole manifest: a flat or nested struct whose fields are kept by their names in the
    /// record, in `run.json` and in the report.
    ///
    /// # Errors
    /// As [`Out::put`]; [`Error::Bug`] when it is no struct or holds a number that is not finite.
    pub fn findings<T: serde::Serialize>(&mut self, findings: &T) -> Result<()> {
        if !all_finite(findings) {
            return Err(Error::Bug { message: "a finding is not a finite number".into() });
        }
        match serde_json::to_value(findings) {
            Ok(Value::Object(map)) => self.sink.take(Emitted::Findings(map)),
            _ => Err(Error::Bug { message: "findings must be a struct".into() }),
        }
    }

    /// Says something of the whole manifest that a person should know: a skew, a target that was not met. It is shown, and
    /// kept with the run.
    ///
    /// # Errors
    /// As [`Out::put`].
    pub fn note(&mut self, note: impl Into<String>) -> Result<()> {
        self.sink.take(Emitted::Note(note.into()))
    }

    /// How far the unit is: for progress only.
    pub fn progress(&mut self, done: u64, total: u64) {
        self.sink.progress(done, total);
    }

    /// Makes `count` pieces on the crew's threads and takes them on this one in the order of their
    /// index, whatever order they were made in. A bounded number is in flight, counted over all
    /// units at work; a slow `take` holds back the making.
    ///
    /// # Errors
    /// The first error by index, of `make` or `take`; [`Error::Stopped`] when the run is to end;
    /// [`Error::Bug`] when `make` panics.
    pub fn ordered<T: Send>(
        &mut self,
        count: usize,
        make: impl Fn(usize) -> Result<T> + Sync,
        mut take: impl FnMut(&mut Self, usize, T) -> Result<()>,
    ) -> Result<()> {
        let crew = self.crew;
        crew.ordered(count, make, |index, made| take(self, index, made))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize, schemars::JsonSchema)]
    struct Share {
        fraction: Option<f64>,
    }

    #[test]
    fn a_fact_that_is_no_number_is_a_bug_not_a_null() {
        let made =
            |fraction| Made::new("a.png".into(), vec![1], "image/png", (1, 1), &Share { fraction });
        assert!(matches!(made(Some(f64::NAN)), Err(Error::Bug { .. })));
        assert_eq!(made(None).unwrap().facts["fraction"], Value::Null);
        assert_eq!(made(Some(0.5)).unwrap().facts["fraction"], 0.5);
    }
}
