//! The pins: what lies where under the pin root, and whose it is.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aya::maps::{Array, Map, MapData};
use pseudobridge_common::abi::{self, Meta};

use super::error::Doing as _;
use super::maps::Plain;
use super::{Error, Hook, shape};

/// How the name of a place ends where pins are made, or removed, before that of the pin root.
pub(super) const INCOMPLETE: &str = "-incomplete";

/// How the name of what is to take something's place ends. No dot: bpffs reserves them.
const NEXT: &str = "-next";

/// Name of the directory of maps.
const MAPS: &str = "maps";

/// Name of the directory of maps that are to take their place.
const NEXT_MAPS: &str = "maps-next";

/// A pin root.
///
/// `maps/`, one pin a map; `programs/tc`, `xdp` and `uplink`; `links/HOOK-INTERFACE`, one pin an
/// attachment. It comes into being all at once: everything is first pinned beside it, and then
/// renamed. `maps-next/` and `programs/HOOK-next` are there while maps or programs are replaced,
/// or where that was cut short: whatever does it again begins by removing them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pins {
    root: PathBuf,
    /// Name of the directory with the maps.
    maps: &'static str,
}

/// What lies at a pin root.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pinned {
    /// Nothing.
    No,
    /// Not all of what belongs there, or a map that is none of ours by type and sizes: somebody
    /// changed pins by hand.
    InPart,
    /// The maps and the programs of this node.
    Yes,
}

impl Pins {
    /// The pins under `root`.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            maps: MAPS,
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

    /// The pin of the program of a hook.
    #[must_use]
    pub fn program(&self, hook: Hook) -> PathBuf {
        self.programs().join(hook.as_str())
    }

    /// Where a program is pinned before it takes the other one's place.
    pub(super) fn next_program(&self, hook: Hook) -> PathBuf {
        self.programs().join(format!("{hook}{NEXT}"))
    }

    /// The pin of the link by which a program hangs on an interface.
    #[must_use]
    pub fn link(&self, hook: Hook, interface: &str) -> PathBuf {
        self.links().join(format!("{hook}-{interface}"))
    }

    pub(super) fn maps(&self) -> PathBuf {
        self.root.join(self.maps)
    }

    /// The same pins, with maps that are to take the place of the present ones.
    pub(super) fn with_next_maps(&self) -> Self {
        Self {
            root: self.root.clone(),
            maps: NEXT_MAPS,
        }
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
            maps: MAPS,
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
        // Every version's has this type and these sizes.
        if !shape::is_whole(self, abi::maps::META)? {
            return Err(Error::ForeignPin {
                path: self.map(abi::maps::META),
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
        for part in Hook::ALL.map(|hook| self.program(hook)) {
            if !exists(&part)? {
                return Ok(Pinned::InPart);
            }
        }
        if !exists(&self.links())? || !shape::are_whole(self)? {
            return Ok(Pinned::InPart);
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
            create_dir(directory)?;
        }
        Ok(())
    }

    /// Puts these pins where `target`'s are to be.
    pub(super) fn rename_to(&self, target: &Self) -> Result<(), Error> {
        rename(&self.root, &target.root)
    }

    /// The interfaces that have a link pinned, by hook. Hooks without any are left out.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read.
    pub fn linked(&self) -> Result<BTreeMap<Hook, Vec<String>>, Error> {
        let mut names = list(&self.links())?;
        names.sort_unstable();
        let mut linked: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (hook, interface) in names.iter().filter_map(|name| Hook::of_link(name)) {
            linked.entry(hook).or_default().push(interface.to_owned());
        }
        Ok(linked)
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
        let next_maps = self.with_next_maps().maps();
        for directory in [self.links(), self.programs(), next_maps, self.maps()] {
            remove_with_pins(&directory)?;
        }
        remove_dir(&self.root)
    }

    /// Whether there is something that was to take another one's place, and did not come to it.
    pub(super) fn has_next(&self) -> Result<bool, Error> {
        let mut next = Hook::ALL.map(|hook| self.next_program(hook)).to_vec();
        next.push(self.with_next_maps().maps());
        for path in next {
            if exists(&path)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes what maps were to take the present ones' place.
    pub(super) fn remove_next_maps(&self) -> Result<(), Error> {
        remove_with_pins(&self.with_next_maps().maps())
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
            ["maps/", "maps-next/", "programs/", "links/"].contains(&name)
        })?;
        for maps in [self.maps(), self.with_next_maps().maps()] {
            known(&maps, &|name| abi::maps::ALL.contains(&name))?;
        }
        known(&self.programs(), &|name| {
            let name = name.strip_suffix(NEXT).unwrap_or(name);
            Hook::ALL.iter().any(|hook| hook.as_str() == name)
        })?;
        known(&self.links(), &|name| {
            Hook::of_link(name).is_some() && !name.ends_with(['/', '@'])
        })
    }

    /// Whose maps these are.
    pub(super) fn meta(&self) -> Result<Meta, Error> {
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

pub(super) fn create_dir(directory: &Path) -> Result<(), Error> {
    fs::create_dir(directory).doing(format_args!("make the directory {}", directory.display()))
}

/// Removes a directory and the pins in it; that it is gone already is fine.
fn remove_with_pins(directory: &Path) -> Result<(), Error> {
    for name in list(directory)? {
        unpin(&directory.join(name))?;
    }
    remove_dir(directory)
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
