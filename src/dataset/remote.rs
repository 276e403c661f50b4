//! A prefix of an object store as a root.

use std::sync::{Arc, Mutex, OnceLock};

use futures::TryStreamExt;
use object_store::path::{Path, PathPart};
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, WriteMultipart};
use tokio::runtime::Runtime;

use super::Stored;
use crate::error::{Error, Result};
use crate::slide::ReadAt;

/// Objects over this size go up in parts.
const WHOLE_PUT_BYTES: u64 = 64 << 20;
/// Bytes that one range request asks for.
const BLOCK_BYTES: u64 = 1 << 20;
/// Blocks that are kept of one open object.
const BLOCKS: usize = 16;

#[derive(Clone)]
pub(super) struct Prefix {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    uri: String,
}

/// The one runtime of the process: two threads that wait for the network.
pub(super) fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<std::result::Result<Runtime, String>> = OnceLock::new();
    RUNTIME
        .get_or_init(|| {
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .thread_name("store")
                .build()
                .map_err(|e| e.to_string())
        })
        .as_ref()
        .map_err(|e| Error::store("network threads", e))
}

impl Prefix {
    pub fn open(uri: &str) -> Result<Self> {
        let url = url::Url::parse(uri)
            .map_err(|e| Error::params("URL", format!("{e}: {}", shown(uri))))?;
        // Accounts and credentials come from the environment, never from a flag.
        let environment = std::env::vars().map(|(name, value)| (name.to_ascii_lowercase(), value));
        let (store, prefix) = object_store::parse_url_opts(&url, environment)
            .map_err(|e| Error::store(shown(uri), e))?;
        Ok(Self { store: Arc::from(store), prefix, uri: shown(uri) })
    }

    pub fn over(store: Arc<dyn ObjectStore>, prefix: &str) -> Result<Self> {
        let path = Path::parse(prefix).map_err(|e| Error::params("prefix", e.to_string()))?;
        Ok(Self { uri: format!("{store}/{prefix}"), store, prefix: path })
    }

    pub fn uri(&self) -> &str {
        &self.uri
    }

    fn at(&self, path: &str) -> Result<Path> {
        let mut full = self.prefix.clone();
        for part in path.split('/').filter(|p| !p.is_empty()) {
            if part == ".." {
                return Err(Error::format("path", format!("{path:?} leads out of {}", self.uri)));
            }
            // Names of partitions are escaped already, as those expect it who read them.
            full = match path.starts_with(super::PARTITIONS) {
                true => full
                    .join(PathPart::parse(part).map_err(|e| Error::format("path", e.to_string()))?),
                false => full.join(part),
            };
        }
        Ok(full)
    }

    fn failed(&self, path: &str) -> impl Fn(object_store::Error) -> Error + use<> {
        let name = if path.is_empty() { self.uri.clone() } else { format!("{}/{path}", self.uri) };
        move |e| Error::store(name.clone(), with_root(&e))
    }

    pub fn length(&self, path: &str) -> Result<Option<u64>> {
        let at = self.at(path)?;
        match runtime()?.block_on(self.store.head(&at)) {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(self.failed(path)(e)),
        }
    }

    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let at = self.at(path)?;
        let read = async {
            let answer = self.store.get(&at).await?;
            if answer.meta.size > super::WHOLE_FILE_BYTES {
                return Ok(Err(super::file::too_large(path, answer.meta.size)));
            }
            answer.bytes().await.map(|bytes| Ok(bytes.to_vec()))
        };
        match runtime()?.block_on(read) {
            Ok(bytes) => bytes.map(Some),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(self.failed(path)(e)),
        }
    }

    pub fn list(&self, below: &str) -> Result<Vec<Stored>> {
        let at = self.at(below)?;
        let prefix = (!at.as_ref().is_empty()).then_some(&at);
        let found: Vec<_> = runtime()?
            .block_on(self.store.list(prefix).try_collect())
            .map_err(self.failed(below))?;
        let root = self.prefix.as_ref();
        Ok(found
            .into_iter()
            .filter_map(|meta| {
                let path = meta.location.as_ref().strip_prefix(root)?.trim_start_matches('/');
                // Some stores show folders as empty objects.
                (!path.is_empty()).then(|| Stored { path: path.to_string(), length: meta.size })
            })
            .collect())
    }

    pub fn write_new(&self, path: &str, bytes: &[u8]) -> Result<bool> {
        let at = self.at(path)?;
        let options = PutOptions::from(PutMode::Create);
        let payload = PutPayload::from(bytes.to_vec());
        match runtime()?.block_on(self.store.put_opts(&at, payload, options)) {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(e) => Err(self.failed(path)(e)),
        }
    }

    pub fn replace(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let at = self.at(path)?;
        let payload = PutPayload::from(bytes.to_vec());
        runtime()?.block_on(self.store.put(&at, payload)).map(|_| ()).map_err(self.failed(path))
    }

    pub fn put_file(&self, path: &str, file: &std::path::Path) -> Result<()> {
        let source = super::local::open_file(file)?;
        if source.size() <= WHOLE_PUT_BYTES {
            return self.replace(path, &source.read_vec(0, source.size())?);
        }
        let at = self.at(path)?;
        runtime()?.block_on(async {
            let upload = self.store.put_multipart(&at).await.map_err(self.failed(path))?;
            let mut upload = WriteMultipart::new_with_chunk_size(upload, 16 << 20);
            let mut offset = 0;
            while offset < source.size() {
                let length = (16 << 20).min(source.size() - offset);
                upload.wait_for_capacity(4).await.map_err(self.failed(path))?;
                upload.write(&source.read_vec(offset, length)?);
                offset += length;
            }
            upload.finish().await.map(|_| ()).map_err(self.failed(path))
        })
    }

    pub fn remove(&self, path: &str) -> Result<()> {
        let at = self.at(path)?;
        match runtime()?.block_on(self.store.delete(&at)) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(self.failed(path)(e)),
        }
    }

    pub fn source(&self, path: &str) -> Result<Arc<dyn ReadAt>> {
        let name = format!("{}/{path}", self.uri);
        let size = self
            .length(path)?
            .ok_or_else(|| Error::store(name.clone(), "there is no such object"))?;
        let (store, at) = (self.store.clone(), self.at(path)?);
        Ok(Arc::new(RemoteFile { store, at, size, name, blocks: Mutex::default() }))
    }
}

/// Objects on their way up, a bounded number at once.
pub(super) struct Uploads {
    prefix: Prefix,
    under_way: tokio::task::JoinSet<Result<()>>,
}

/// Puts under way at once for one unit: enough to hide the latency of a store.
const UPLOADS: usize = 16;

impl Prefix {
    pub fn uploads(&self) -> Uploads {
        Uploads { prefix: self.clone(), under_way: tokio::task::JoinSet::new() }
    }
}

impl Uploads {
    pub fn put(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        while self.under_way.len() >= UPLOADS {
            self.wait_for_one()?;
        }
        let (store, at, failed) =
            (self.prefix.store.clone(), self.prefix.at(path)?, self.prefix.failed(path));
        let payload = PutPayload::from(bytes.to_vec());
        self.under_way.spawn_on(
            async move { store.put(&at, payload).await.map(|_| ()).map_err(failed) },
            runtime()?.handle(),
        );
        Ok(())
    }

    pub fn finish(&mut self) -> Result<()> {
        while !self.under_way.is_empty() {
            self.wait_for_one()?;
        }
        Ok(())
    }

    fn wait_for_one(&mut self) -> Result<()> {
        match runtime()?.block_on(self.under_way.join_next()) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(e)) => Err(Error::store(self.prefix.uri.clone(), e)),
        }
    }
}

/// What an error says, and what is at the root of it where it does not say so: "error sending request" alone tells
/// nobody that a certificate was refused.
fn with_root(error: &object_store::Error) -> String {
    let words = error.to_string();
    let mut root: &dyn std::error::Error = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    let cause = root.to_string();
    if words.contains(&cause) { words } else { format!("{words}: {cause}") }
}

/// A URL without user, password, query or fragment: what may stand in a message.
pub(super) fn shown(uri: &str) -> String {
    let plain = uri.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    match plain.split_once("://") {
        Some((scheme, rest)) => match rest.split_once('/').unwrap_or((rest, "")) {
            // `abfss://container@account…` names a place; `user:password@host` names a secret.
            (host, path) if host.contains(':') && host.contains('@') => {
                let host = host.rsplit_once('@').map_or(host, |(_, h)| h);
                format!("{scheme}://{host}/{path}").trim_end_matches('/').to_string()
            }
            _ => plain.to_string(),
        },
        None => plain.to_string(),
    }
}

/// An object that is read by ranges; a few blocks of it are kept.
struct RemoteFile {
    store: Arc<dyn ObjectStore>,
    at: Path,
    size: u64,
    name: String,
    blocks: Mutex<Vec<(u64, bytes::Bytes)>>,
}

impl RemoteFile {
    fn fetch(&self, range: std::ops::Range<u64>) -> Result<bytes::Bytes> {
        let expected = range.end - range.start;
        let bytes = runtime()?
            .block_on(self.store.get_range(&self.at, range))
            .map_err(|e| Error::store(self.name.clone(), with_root(&e)))?;
        if bytes.len() as u64 == expected {
            Ok(bytes)
        } else {
            Err(Error::store(
                self.name.clone(),
                "the store gave fewer bytes than asked: was it replaced?",
            ))
        }
    }

    fn block(&self, number: u64) -> Result<bytes::Bytes> {
        let lock = || self.blocks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, bytes)) = lock().iter().find(|(n, _)| *n == number) {
            return Ok(bytes.clone());
        }
        let start = number * BLOCK_BYTES;
        let bytes = self.fetch(start..(start + BLOCK_BYTES).min(self.size))?;
        let mut blocks = lock();
        if blocks.len() == BLOCKS {
            blocks.remove(0);
        }
        blocks.push((number, bytes.clone()));
        Ok(bytes)
    }
}

impl ReadAt for RemoteFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let end = offset.checked_add(buffer.len() as u64).filter(|end| *end <= self.size);
        let end =
            end.ok_or_else(|| Error::format("file", format!("it ends before byte {offset}")))?;
        if buffer.len() as u64 >= BLOCK_BYTES {
            buffer.copy_from_slice(&self.fetch(offset..end)?);
            return Ok(());
        }
        let mut at = offset;
        let mut rest = buffer;
        while !rest.is_empty() {
            let block = self.block(at / BLOCK_BYTES)?;
            let from = (at % BLOCK_BYTES) as usize;
            let count = rest.len().min(block.len() - from);
            let (now, later) = rest.split_at_mut(count);
            now.copy_from_slice(&block[from..from + count]);
            at += count as u64;
            rest = later;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{shown, with_root};

    #[test]
    fn the_root_of_an_error_is_told_once() {
        let refused = || std::io::Error::other("invalid peer certificate");
        let sending = std::io::Error::other(refused());
        let whole = object_store::Error::Generic { store: "S3", source: sending.into() };
        assert_eq!(with_root(&whole).matches("invalid peer certificate").count(), 1);
        #[derive(Debug, thiserror::Error)]
        #[error("error sending request")]
        struct Sending(#[source] std::io::Error);
        let hidden =
            object_store::Error::Generic { store: "S3", source: Box::new(Sending(refused())) };
        assert_eq!(
            with_root(&hidden),
            "Generic S3 error: error sending request: invalid peer certificate"
        );
    }

    #[test]
    fn messages_carry_no_secret() {
        assert_eq!(shown("https://u:p@host/c/x?sig=abc#f"), "https://host/c/x");
        assert_eq!(
            shown("abfss://c@acc.dfs.core.windows.net/x/"),
            "abfss://c@acc.dfs.core.windows.net/x"
        );
        assert_eq!(shown("s3://bucket/p?token=1"), "s3://bucket/p");
    }
}
