//! Row groups of a Parquet file: encoded and compressed on threads of their own, written in their order.
//!
//! The bytes are those of polars' own writer for the same row groups, whatever the number of threads: each column
//! of each group is encoded for itself.

use std::any::Any;
use std::collections::VecDeque;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use polars::frame::DataFrame;
use polars::prelude::{CompatLevel, PolarsError, Schema as PolarsSchema, SchemaExt};
use polars_parquet::write::{
    CompressedPage, CompressionOptions, DynIter, DynStreamingIterator, Encoding, FileWriter,
    ParquetType, StatisticsOptions, Version, WriteOptions, array_to_columns, compress,
    fallible_streaming_iterator, get_dtype_encoding, to_parquet_schema,
};

use crate::error::{Error, Result};

/// The compressed pages of each column of a row group.
type Pages = Vec<Vec<CompressedPage>>;
/// Makes the columns of a row group: on the thread that encodes them.
type Make = Box<dyn FnOnce() -> Result<DataFrame> + Send>;
/// A row group, and where its pages go.
type Errand = (Make, SyncSender<Result<Pages>>);

/// What all row groups of a file share.
struct Shape {
    types: Vec<ParquetType>,
    encodings: Vec<Vec<Encoding>>,
    options: WriteOptions,
}

/// Writes a Parquet file, a row group at a time.
pub(super) struct Groups<W: Write> {
    file: FileWriter<W>,
    shape: Arc<Shape>,
    threads: usize,
    queue: Option<Sender<Errand>>,
    /// Row groups that are being encoded, oldest first.
    under_way: VecDeque<(u64, Receiver<Result<Pages>>)>,
}

impl<W: Write> Groups<W> {
    /// Begins a file with these columns.
    pub fn new(sink: W, columns: &PolarsSchema) -> Result<Self> {
        let options = WriteOptions {
            statistics: StatisticsOptions::default(),
            version: Version::V1,
            compression: CompressionOptions::Zstd(None),
            data_page_size: None,
        };
        let arrow = columns.to_arrow(CompatLevel::newest());
        let encodings = arrow.iter_values().map(|field| get_dtype_encoding(&field.dtype)).collect();
        let types = to_parquet_schema(&arrow).map_err(unwritten)?.fields().to_vec();
        let file = FileWriter::try_new(sink, arrow, options).map_err(unwritten)?;
        let shape = Arc::new(Shape { types, encodings, options });
        Ok(Self { file, shape, threads: 1, queue: None, under_way: VecDeque::new() })
    }

    /// Encodes on this many threads; on one: on the caller's own. As many row groups are held at once.
    pub fn set_threads(&mut self, threads: usize) {
        self.threads = threads.max(1);
    }

    /// Adds a row group: columns of one piece each.
    pub fn write(&mut self, group: DataFrame) -> Result<()> {
        self.write_made(group.height(), Box::new(move || Ok(group)))
    }

    /// Adds a row group of so many rows that is yet to be made.
    pub fn write_made(&mut self, rows: usize, group: Make) -> Result<()> {
        let rows = rows as u64;
        if rows == 0 {
            return Ok(());
        }
        if self.threads == 1 {
            let pages = encode(&self.shape, group)?;
            return self.put(rows, &pages);
        }
        let (done, pages) = mpsc::sync_channel(1);
        let queue = match &self.queue {
            Some(queue) => queue,
            None => self.queue.insert(workers(self.threads, &self.shape)?),
        };
        queue.send((group, done)).map_err(|_| gone())?;
        self.under_way.push_back((rows, pages));
        while self.under_way.len() > self.threads {
            self.put_next()?;
        }
        Ok(())
    }

    /// Writes what is under way, and the footer.
    pub fn finish(mut self) -> Result<()> {
        while !self.under_way.is_empty() {
            self.put_next()?;
        }
        // No Arrow schema beside the Parquet one: polars would put `string_view` there, with which
        // pyarrow and pandas can neither filter nor sort.
        self.file.end(Some(Vec::new())).map(drop).map_err(unwritten)
    }

    fn put_next(&mut self) -> Result<()> {
        let Some((rows, pages)) = self.under_way.pop_front() else { return Ok(()) };
        let pages = pages.recv().map_err(|_| gone())??;
        self.put(rows, &pages)
    }

    fn put(&mut self, rows: u64, pages: &Pages) -> Result<()> {
        let columns = pages.iter().map(|pages| {
            let pages = pages.iter().map(Ok::<_, PolarsError>);
            Ok(DynStreamingIterator::new(fallible_streaming_iterator::convert(pages)))
        });
        self.file.write(rows, DynIter::new(columns)).map_err(unwritten)
    }
}

fn unwritten(e: PolarsError) -> Error {
    Error::store("manifest", e)
}

fn gone() -> Error {
    Error::Bug { message: "a thread that encodes a manifest is gone".into() }
}

/// Threads that encode until nobody sends any more.
fn workers(threads: usize, shape: &Arc<Shape>) -> Result<Sender<Errand>> {
    let (queue, errands) = mpsc::channel::<Errand>();
    let errands = Arc::new(Mutex::new(errands));
    for _ in 0..threads {
        let (shape, errands) = (shape.clone(), errands.clone());
        let work = move || {
            loop {
                let next = errands.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok((group, done)) = next else { break };
                // Nobody waits for it any more where the writer was dropped.
                let _ = done.send(encode(&shape, group));
            }
        };
        let spawned = thread::Builder::new().name("encode".into()).spawn(work);
        spawned.map_err(|e| Error::store("threads", e))?;
    }
    Ok(queue)
}

fn encode(shape: &Shape, group: Make) -> Result<Pages> {
    catch_unwind(AssertUnwindSafe(|| pages(shape, &group()?))).unwrap_or_else(|panic| {
        Err(Error::Bug { message: format!("encoding a manifest: {}", words(&*panic)) })
    })
}

/// What a panic said.
pub(super) fn words(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().cloned();
    let words = words.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
    words.unwrap_or_default().chars().take(200).collect()
}

fn pages(shape: &Shape, group: &DataFrame) -> Result<Pages> {
    let bug = |e: &dyn std::fmt::Display| Error::Bug { message: e.to_string() };
    let mut pieces = group.iter_chunks(CompatLevel::newest(), false);
    let (Some(piece), None) = (pieces.next(), pieces.next()) else {
        return Err(bug(&"a row group in several pieces"));
    };
    let mut all = Vec::with_capacity(shape.types.len());
    for ((array, kind), encoding) in piece.columns().iter().zip(&shape.types).zip(&shape.encodings)
    {
        let columns = array_to_columns(array, kind.clone(), shape.options, encoding);
        for pages in columns.map_err(|e| bug(&e))? {
            let mut compressed = Vec::new();
            for page in pages {
                let page = page.map_err(|e| bug(&e))?;
                let page = compress(page, Vec::new(), shape.options.compression);
                compressed.push(page.map_err(|e| bug(&e))?);
            }
            all.push(compressed);
        }
    }
    Ok(all)
}
