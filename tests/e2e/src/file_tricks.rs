//! What shares, sync clients, scanners and users do to a file while it is being uploaded.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result};

/// How far a trick moves a file's modification time. Some file systems keep it in steps of two seconds.
const LATER: Duration = Duration::from_secs(60);

/// A file that is away from its path until [`Self::bring_back`].
#[derive(Debug)]
pub struct Away {
    path: PathBuf,
    kept: PathBuf,
}

/// Takes a file away, as a share or a stick that is unplugged does. Until it is back, the browser finds nothing.
pub fn take_away(path: &Path) -> Result<Away> {
    let mut kept = path.to_owned().into_os_string();
    kept.push(".away");
    let kept = PathBuf::from(kept);
    fs::rename(path, &kept).with_context(|| format!("{} cannot be taken away", path.display()))?;
    Ok(Away {
        path: path.to_owned(),
        kept,
    })
}

/// Makes a file unreadable, as a scanner's lock does. Tests may run as root, who may read whatever its mode is, so a
/// folder stands in its place: it is there and can be opened, but not read.
pub fn make_unreadable(path: &Path) -> Result<Away> {
    let away = take_away(path)?;
    fs::create_dir(path)?;
    Ok(away)
}

impl Away {
    /// Puts the file back as it was, with its time.
    pub fn bring_back(self) -> Result<()> {
        if self.path.is_dir() {
            fs::remove_dir(&self.path)?;
        }
        fs::rename(&self.kept, &self.path).context("the file cannot be brought back")
    }
}

/// Moves a file's modification time and nothing else, as content providers of phones do.
pub fn touch(path: &Path) -> Result<()> {
    let file = File::options().write(true).open(path)?;
    file.set_modified(SystemTime::now() + LATER)?;
    Ok(())
}

/// Replaces a file by a new one with the same bytes, as sync clients do.
pub fn replace_by_equal_bytes(path: &Path) -> Result<()> {
    replace(path, |_| {})
}

/// Replaces a file by a new one of the same size that has none of its bytes.
pub fn replace_by_other_bytes(path: &Path) -> Result<()> {
    replace(path, |bytes| bytes.iter_mut().for_each(|byte| *byte = !*byte))
}

/// The new file is there at once and whole, so that no browser sees a part of it.
fn replace(path: &Path, change: impl FnOnce(&mut [u8])) -> Result<()> {
    let mut bytes = fs::read(path)?;
    change(&mut bytes);
    let mut new = path.to_owned().into_os_string();
    new.push(".new");
    fs::write(&new, bytes)?;
    touch(Path::new(&new))?;
    fs::rename(&new, path).context("the new file cannot take its place")
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    const BYTES: &[u8] = b"as it was picked";

    fn with_file(test: impl FnOnce(&Path)) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        fs::write(&path, BYTES).expect("a file");
        test(&path);
    }

    fn modified(path: &Path) -> SystemTime {
        let found = fs::metadata(path).and_then(|found| found.modified());
        found.expect("a time")
    }

    #[test]
    fn a_file_that_was_away_comes_back_as_it_was() {
        for (take, error) in [
            (take_away as fn(&Path) -> Result<Away>, ErrorKind::NotFound),
            (make_unreadable, ErrorKind::IsADirectory),
        ] {
            with_file(|path| {
                let before = modified(path);
                let away = take(path).expect("it goes");
                assert_eq!(fs::read(path).map_err(|error| error.kind()), Err(error));
                away.bring_back().expect("it comes back");
                assert_eq!(fs::read(path).expect("it is back"), BYTES);
                assert_eq!(modified(path), before);
            });
        }
    }

    #[test]
    fn each_trick_changes_time_and_bytes_as_its_name_says() {
        for (trick, same_bytes) in [
            (touch as fn(&Path) -> Result<()>, true),
            (replace_by_equal_bytes, true),
            (replace_by_other_bytes, false),
        ] {
            with_file(|path| {
                let before = modified(path);
                trick(path).expect("it works");
                let bytes = fs::read(path).expect("a file");
                assert_eq!(bytes.len(), BYTES.len());
                assert_eq!(bytes == BYTES, same_bytes);
                assert!(modified(path) > before);
            });
        }
    }
}
