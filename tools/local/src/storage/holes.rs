//! Zeros that take no room on the disk: a sparse file is as small here as where it came from.

use std::{
    fs::File,
    io::{self, Seek as _, SeekFrom, Write as _},
    iter,
};

/// As many zeros as a file system can leave out.
const ZEROS: [u8; 4096] = [0; 4096];

/// Some bytes that are to be written, or a number of zeros that need not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Bytes(&'a [u8]),
    Zeros(i64),
}

/// Divides bytes into those that are to be written and blocks of zeros.
pub(crate) fn pieces(bytes: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = bytes;
    iter::from_fn(move || {
        let is_zero = |block: &[u8]| ZEROS.starts_with(block);
        let are_zeros = is_zero(rest.chunks(ZEROS.len()).next()?);
        let alike = rest
            .chunks(ZEROS.len())
            .take_while(|block| is_zero(block) == are_zeros);
        let (piece, more) = rest.split_at(alike.map(<[u8]>::len).sum());
        rest = more;
        Some(if are_zeros {
            Piece::Zeros(i64::try_from(piece.len()).unwrap_or(i64::MAX))
        } else {
            Piece::Bytes(piece)
        })
    })
}

/// Writes bytes to a new file, but for zeros. The file has its size only after [`File::set_len`].
pub(crate) fn write_sparsely(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    for piece in pieces(bytes) {
        match piece {
            Piece::Bytes(bytes) => file.write_all(bytes)?,
            Piece::Zeros(count) => {
                file.seek(SeekFrom::Current(count))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::MetadataExt as _};

    use super::*;

    #[test]
    fn blocks_of_zeros_stand_between_what_is_to_be_written() {
        let mut bytes = vec![0; 3 * ZEROS.len() + 2];
        assert_eq!(pieces(&bytes).collect::<Vec<_>>(), [Piece::Zeros(12_290)]);
        bytes[ZEROS.len()] = 1;
        let found: Vec<Piece<'_>> = pieces(&bytes).collect();
        let block = &bytes[ZEROS.len()..2 * ZEROS.len()];
        assert_eq!(
            found,
            [Piece::Zeros(4096), Piece::Bytes(block), Piece::Zeros(4098)]
        );
        assert_eq!(pieces(&[]).next(), None);
    }

    #[test]
    fn a_file_has_its_bytes_and_no_room_for_its_zeros() {
        let mut bytes = vec![0; 4 << 20];
        bytes[..3].fill(1);
        bytes[2 << 20] = 2;
        let file = tempfile::NamedTempFile::new().expect("a file");
        for piece in bytes.chunks(100_000) {
            write_sparsely(file.as_file(), piece).expect("the bytes are written");
        }
        file.as_file().set_len(bytes.len() as u64).expect("a size");
        assert!(fs::read(file.path()).expect("the file") == bytes);
        let room = file.as_file().metadata().expect("metadata").blocks() * 512;
        assert!(room < 1 << 20, "{room} bytes");
    }
}
