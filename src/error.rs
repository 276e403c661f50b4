//! Errors say who must act.
//!
//! The variant names the party: the caller ([`Error::Params`], [`Error::Schema`]), whoever made the
//! file ([`Error::Format`]), nobody yet ([`Error::Unsupported`]), the operator ([`Error::Limit`],
//! [`Error::Store`]), or us ([`Error::NotDeterministic`], [`Error::Bug`]). The message says what
//! was found; [`Error::remedy`] says what to do about it. Messages never carry credentials: a URL
//! is shown without its query and user parts.

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, by who must act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A parameter, flag or pipeline file is wrong: the caller mends it.
    #[error("{field}: {message}")]
    Params {
        /// The param or flag, as the user wrote it (`tile_px`, `--shard`, `steps[1].tile.mpp`).
        field: String,
        /// What was given, and what is allowed.
        message: String,
    },
    /// A manifest lacks a column that a step reads: the caller runs the step that makes it.
    #[error("the manifest has no usable column `{column}`, which `{step}` reads: {message}")]
    Schema {
        /// The step that was to run.
        step: String,
        /// The column it reads.
        column: String,
        /// What is wrong with it, and which step makes it.
        message: String,
    },
    /// The file is broken: whoever made it must make it again.
    #[error("{what}: {message}")]
    Format {
        /// Which part of which format ("TIFF directory 2", "JPEG tile (3, 4) of level 0").
        what: String,
        /// What is wrong with it.
        message: String,
    },
    /// The file is sound, but this version cannot read it.
    #[error("{what} is not supported")]
    Unsupported {
        /// What we lack.
        what: String,
        /// What to do instead.
        instead: String,
    },
    /// Larger than allowed.
    #[error("{what} is {found}, more than the limit of {allowed}")]
    Limit {
        /// What is too large.
        what: String,
        /// How large it is, with its unit.
        found: String,
        /// The limit, with its unit.
        allowed: String,
        /// How to raise the limit.
        raise: String,
    },
    /// The outside world: a path, a bucket, a full disk.
    #[error("{path}: {cause}")]
    Store {
        /// Where (never with credentials).
        path: String,
        /// What the store said.
        cause: String,
    },
    /// The same cause gave other bytes: a bug in a step, a codec or the hardware.
    #[error("record {key} is not reproducible: {message}")]
    NotDeterministic {
        /// The key whose outputs differ.
        key: String,
        /// Which output, and how.
        message: String,
    },
    /// A panic that the engine caught.
    #[error("internal error: {message}")]
    Bug {
        /// The panic's message.
        message: String,
    },
    /// The run was asked to stop (SIGTERM, SIGINT) before this was done.
    #[error("stopped before it was done")]
    Stopped,
}

impl Error {
    /// A wrong param or flag.
    pub fn params(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Params { field: field.into(), message: message.into() }
    }

    /// A broken file.
    pub fn format(what: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Format { what: what.into(), message: message.into() }
    }

    /// A sound file that we cannot read.
    pub fn unsupported(what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into(), instead: instead.into() }
    }

    /// Something larger than allowed.
    pub fn limit(
        what: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
        raise: impl Into<String>,
    ) -> Self {
        Self::Limit {
            what: what.into(),
            found: found.into(),
            allowed: allowed.into(),
            raise: raise.into(),
        }
    }

    /// The outside world failed.
    pub fn store(path: impl Into<String>, cause: impl std::fmt::Display) -> Self {
        Self::Store { path: path.into(), cause: cause.to_string() }
    }

    /// The variant as one lower-case word: what `failures.jsonl` and logs carry as `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Params { .. } => "params",
            Self::Schema { .. } => "schema",
            Self::Format { .. } => "format",
            Self::Unsupported { .. } => "unsupported",
            Self::Limit { .. } => "limit",
            Self::Store { .. } => "store",
            Self::NotDeterministic { .. } => "not-deterministic",
            Self::Bug { .. } => "bug",
            Self::Stopped => "stopped",
        }
    }

    /// What to do about it, in one sentence.
    pub fn remedy(&self) -> String {
        match self {
            Self::Params { .. } => "correct the value; `--help` lists what is allowed".into(),
            Self::Schema { .. } => "run the step that makes the column, or add it by hand".into(),
            Self::Format { .. } => {
                "the file is damaged or is not what its name says: get a sound copy, or leave it out"
                    .into()
            }
            Self::Unsupported { instead, .. } => instead.clone(),
            Self::Limit { raise, .. } => raise.clone(),
            Self::Store { .. } => {
                "check that the place exists, that you may read and write it, and that it has room"
                    .into()
            }
            Self::NotDeterministic { .. } => {
                "keep both outputs and report this: a step must give the same bytes every time"
                    .into()
            }
            Self::Bug { .. } => "report this with the file that caused it".into(),
            Self::Stopped => "run the same command again: it goes on where it stopped".into(),
        }
    }
}
