//! An image on its way through a list of drawn ops, with its mask and the way of its places.

use std::borrow::Cow;

use crate::error::{Error, Result};
use crate::image::{Image, check_size};
use crate::pixels::resize::Resizer;
use crate::pixels::table::Table;
use crate::steps::targets::Motion;

/// Where the places of an image went in one op.
#[derive(Debug, Clone)]
pub struct Move {
    /// How.
    pub motion: Motion,
    /// Width and height before.
    pub before: (u32, u32),
    /// Width and height after.
    pub after: (u32, u32),
}

/// An image at work. Ops that look each sample up in a table are put together, and are done at once
/// when something else looks at the samples.
pub struct Picture<'a> {
    image: Cow<'a, Image>,
    mask: Option<Cow<'a, Image>>,
    moves: Vec<Move>,
    pending: Option<Table>,
    resizer: Resizer,
    limit_bytes: u64,
}

/// What an image and its mask became, and where things went.
pub type Finished<'a> = (Cow<'a, Image>, Option<Cow<'a, Image>>, Vec<Move>);

impl<'a> Picture<'a> {
    /// An 8-bit image of 1 or 3 channels; a mask has its size, and any channels and depth. No frame may
    /// need more than `limit_bytes`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for other images; [`Error::Format`] for a mask of another size.
    pub fn new(image: &'a Image, mask: Option<&'a Image>, limit_bytes: u64) -> Result<Self> {
        if image.as_u8().is_none() || !matches!(image.channels(), 1 | 3) {
            return Err(Error::unsupported(
                "augmenting what is no 8-bit grey or RGB image",
                "convert it first (`normalize`)",
            ));
        }
        let size = |image: &Image| (image.width_px(), image.height_px());
        if let Some(mask) = mask
            && size(mask) != size(image)
        {
            let message = format!(
                "{} × {} pixels, and its image, upright, has {} × {}",
                mask.width_px(),
                mask.height_px(),
                image.width_px(),
                image.height_px()
            );
            return Err(Error::format("mask", message));
        }
        Ok(Self {
            image: Cow::Borrowed(image),
            mask: mask.map(Cow::Borrowed),
            moves: Vec::new(),
            pending: None,
            resizer: Resizer::new(),
            limit_bytes,
        })
    }

    /// Width and height.
    pub fn size(&self) -> (u32, u32) {
        (self.image.width_px(), self.image.height_px())
    }

    /// Whether it has colours.
    pub fn is_rgb(&self) -> bool {
        self.image.channels() == 3
    }

    /// Looks each sample up; together with the tables before and after it.
    pub fn table(&mut self, table: Table) {
        self.pending = Some(match self.pending.take() {
            Some(before) => before.then(&table),
            None => table,
        });
    }

    /// Changes samples in place.
    ///
    /// # Errors
    /// Those of `change`.
    pub fn change(&mut self, change: impl FnOnce(&mut Image) -> Result<()>) -> Result<()> {
        self.settle()?;
        change(self.image.to_mut())
    }

    /// Makes another image of the same size.
    ///
    /// # Errors
    /// Those of `make`; [`Error::Bug`] when the size is another.
    pub fn replace(&mut self, make: impl FnOnce(&Image) -> Result<Image>) -> Result<()> {
        self.settle()?;
        let size = self.size();
        self.image = Cow::Owned(make(&self.image)?);
        if self.size() != size {
            return Err(Error::Bug { message: "an op without a motion changed the size".into() });
        }
        Ok(())
    }

    /// Moves places into a frame of this width and height: `make` is given the image, then the mask
    /// (`true`).
    ///
    /// # Errors
    /// Those of `make`; [`Error::Limit`] when the frame is too large; [`Error::Bug`] when what is made
    /// has another.
    pub fn moved(
        &mut self,
        motion: Motion,
        after: (u32, u32),
        mut make: impl FnMut(&Image, &mut Resizer, bool) -> Result<Image>,
    ) -> Result<()> {
        self.settle()?;
        let mask_bytes = self.mask.as_ref().map_or(0, |mask| u64::from(mask.channels()) * 2);
        let bytes = mask_bytes.max(self.image.channels().into());
        check_size(after.0, after.1, bytes, self.limit_bytes)?;
        let before = self.size();
        self.image = Cow::Owned(make(&self.image, &mut self.resizer, false)?);
        if let Some(mask) = &self.mask {
            self.mask = Some(Cow::Owned(make(mask, &mut self.resizer, true)?));
        }
        if self.size() != after {
            return Err(Error::Bug { message: "an op made another size than it said".into() });
        }
        self.moves.push(Move { motion, before, after });
        Ok(())
    }

    fn settle(&mut self) -> Result<()> {
        match self.pending.take() {
            Some(table) => table.apply(self.image.to_mut()),
            None => Ok(()),
        }
    }

    /// The image, the mask, and the way of places.
    ///
    /// # Errors
    /// [`Error::Bug`] only.
    pub fn finish(mut self) -> Result<Finished<'a>> {
        self.settle()?;
        Ok((self.image, self.mask, self.moves))
    }
}
