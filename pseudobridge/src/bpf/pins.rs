//! The pins: what lies where under the pin root, and whose it is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aya::maps::{Array, Map, MapData};
use pseudobridge_common::abi::{self, Meta};

use super::Error;
use super::error::Doing as _;
use super::maps::Plain;

/// How the name of a place ends where pins are made, or removed, before that of the pin root.
pub(super) const INCOMPLETE: &str = "-incomplete";

/// A pin root.
///
/// `maps/`, one pin a map; `programs/tc`; `links/tc-INTERFACE`, one pin an attachment. It comes
/// into being all at once: everything is first pinned beside it, and then renamed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pins {
    root: PathBuf,
}

/// What lies at a pin root.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pinned {
    /// Nothing.
    No,
    /// Not all of what belongs there: somebody removed pins by hand.
    InPart,
    /// The maps and the program of this node.
    Yes,
}

impl Pins {
    /// The pins under `root`.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// The pin root itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The pin of a map, by a name of [`abi::maps`].
    #[must_use]
    pub fn map(&self, name: &str) -> PathBuf {
        self.maps().join(name)
    }

    /// The pin of the tc program.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.programs().join("tc")
    }

    /// Where a program is pinned before it takes the other one's place.
    pub(super) fn next_program(&self) -> PathBuf {
        self.programs().join("tc-next")
    }

    /// The pin of the link by which the tc program hangs on an interface.
    #[must_use]
    pub fn link(&self, interface: &str) -> PathBuf {
        self.links().join(format!("tc-{interface}"))
    }

    fn maps(&self) -> PathBuf {
        self.root.join("maps")
    }

    fn programs(&self) -> PathBuf {
        self.root.join("programs")
    }

    fn links(&self) -> PathBuf {
        self.root.join("links")
    }

    /// Where pins are made before they are all there.
    #[must_use]
    pub fn incomplete(&self) -> Self {
        let mut name = self.root.file_name().unwrap_or_default().to_owned();
        name.push(INCOMPLETE);
        Self {
            root: self.root.with_file_name(name),
        }
    }

    /// What is there, checked to be ours.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPin`], [`Error::OtherVersion`] and [`Error::OtherNode`], by `netns_cookie`,
    /// the cookie of the node's network namespace.
    pub fn look(&self, netns_cookie: u64) -> Result<Pinned, Error> {
        if !exists(&self.root)? {
            return Ok(Pinned::No);
        }
        self.refuse_strangers()?;
        if !exists(&self.map(abi::maps::META))? {
            return Err(Error::Nameless {
                root: self.root.clone(),
            });
        }
        let meta = self.meta()?;
        if meta.abi_version != abi::VERSION {
            return Err(Error::OtherVersion {
                root: self.root.clone(),
                theirs: meta.abi_version,
                ours: abi::VERSION,
            });
        }
        if meta.netns_cookie != netns_cookie {
            return Err(Error::OtherNode {
                root: self.root.clone(),
                theirs: meta.netns_cookie,
                ours: netns_cookie,
            });
        }
        let mut parts = abi::maps::ALL.map(|name| self.map(name)).to_vec();
        parts.extend([self.program(), self.links()]);
        for part in parts {
            if !exists(&part)? {
                return Ok(Pinned::InPart);
            }
        }
        Ok(Pinned::Yes)
    }

    /// Makes sure that what an unfinished installation left is ours, if there is any.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPin`].
    pub fn look_at_incomplete(&self) -> Result<bool, Error> {
        let incomplete = self.incomplete();
        incomplete.refuse_strangers()?;
        exists(&incomplete.root)
    }

    /// Makes the empty directories.
    pub(super) fn create(&self) -> Result<(), Error> {
        for directory in [&self.root, &self.maps(), &self.programs(), &self.links()] {
            fs::create_dir(directory)
                .doing(format_args!("make the directory {}", directory.display()))?;
        }
        Ok(())
    }

    /// Puts these pins where `target`'s are to be.
    pub(super) fn rename_to(&self, target: &Self) -> Result<(), Error> {
        rename(&self.root, &target.root)
    }

    /// The interfaces that have a link pinned.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read.
    pub fn linked_interfaces(&self) -> Result<Vec<String>, Error> {
        let mut names = list(&self.links())?;
        names.sort_unstable();
        Ok(names
            .iter()
            .filter_map(|name| Some(name.strip_prefix("tc-")?.to_owned()))
            .collect())
    }

    /// Removes all pins. They are put aside as a whole first, so that a crash in between leaves
    /// only [`Pins::incomplete`]. Whatever is not ours is refused before anything is touched.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPin`], or what rename(2) and unlink(2) say.
    pub fn remove(&self) -> Result<(), Error> {
        self.refuse_strangers()?;
        let aside = self.incomplete();
        self.rename_to(&aside)?;
        aside.remove_in_place()
    }

    /// Removes pins one by one, links first.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPin`], or what unlink(2) says.
    pub fn remove_in_place(&self) -> Result<(), Error> {
        self.refuse_strangers()?;
        for directory in [self.links(), self.programs(), self.maps()] {
            for name in list(&directory)? {
                unpin(&directory.join(name))?;
            }
            remove_dir(&directory)?;
        }
        remove_dir(&self.root)
    }

    /// Everything under the root must bear a name of ours.
    fn refuse_strangers(&self) -> Result<(), Error> {
        let known = |directory: &Path, is_ours: &dyn Fn(&str) -> bool| {
            let names = list(directory)?;
            match names.iter().find(|name| !is_ours(name)) {
                Some(stranger) => Err(Error::ForeignPin {
                    path: directory.join(stranger),
                }),
                None => Ok(()),
            }
        };
        known(&self.root, &|name| {
            ["maps/", "programs/", "links/"].contains(&name)
        })?;
        known(&self.maps(), &|name| abi::maps::ALL.contains(&name))?;
        known(&self.programs(), &|name| ["tc", "tc-next"].contains(&name))?;
        known(&self.links(), &|name| {
            name.starts_with("tc-") && !name.ends_with(['/', '@'])
        })
    }

    fn meta(&self) -> Result<Meta, Error> {
        let path = self.map(abi::maps::META);
        let reading = format!("read the map {}", path.display());
        let map = MapData::from_pin(&path).doing(&reading)?;
        let map = Map::from_map_data(map).doing(&reading)?;
        let meta: Array<_, Plain<Meta>> = Array::try_from(map).doing(&reading)?;
        Ok(meta.get(&0, 0).doing(&reading)?.0)
    }
}

/// Puts a pin, or a directory of them, into the place of another.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).doing(format_args!(
        "rename {} to {}",
        from.display(),
        to.display()
    ))
}

/// Removes a pin; that it is gone already is fine.
pub(super) fn unpin(path: &Path) -> Result<(), Error> {
    unless_gone(fs::remove_file(path)).doing(format_args!("remove the pin {}", path.display()))
}

fn remove_dir(path: &Path) -> Result<(), Error> {
    unless_gone(fs::remove_dir(path)).doing(format_args!("remove {}", path.display()))
}

fn unless_gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn exists(path: &Path) -> Result<bool, Error> {
    fs::exists(path).doing(format_args!("look at {}", path.display()))
}

/// The names in a directory, with a mark behind those of directories and symbolic links, as ls(1)
/// sets it: no pin is one. None where there is no directory.
fn list(directory: &Path) -> Result<Vec<String>, Error> {
    let reading = format!("read the directory {}", directory.display());
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).doing(&reading),
    };
    entries
        .map(|entry| {
            let entry = entry?;
            let mut name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type()?;
            if kind.is_dir() {
                name.push('/');
            } else if kind.is_symlink() {
                name.push('@');
            }
            Ok(name)
        })
        .collect::<io::Result<_>>()
        .doing(&reading)
}
