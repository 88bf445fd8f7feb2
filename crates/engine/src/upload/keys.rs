//! Which file of this page has which key.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use crate::FileId;

/// The keys that were planned for the files of this page, each by its hash: they are many, and two that had one hash
/// would only get one name a number that it does not need.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// `None` is a file that an earlier page stored.
    owners: BTreeMap<u64, Option<FileId>>,
    /// The number of the next copy of the file with this key.
    next_copies: BTreeMap<u64, u32>,
}

impl Keys {
    /// Assigns a key to a file, unless another file has it.
    ///
    /// # Errors
    ///
    /// The number of the copy to ask for, if another file has it. `copy` is the one that was asked for. `None` if there
    /// were more copies than there are keys, so that the Lambda does not put the number into the key.
    pub(crate) fn claim(&mut self, key: &str, file: FileId, copy: u32) -> Result<(), Option<u32>> {
        let key = hash(key);
        if *self.owners.entry(key).or_insert(Some(file)) == Some(file) {
            return Ok(());
        }
        if copy > 1 {
            let is_possible = (copy as usize) < self.owners.len() + 2;
            return Err(is_possible.then(|| copy.saturating_add(1)));
        }
        let next = self.next_copies.entry(key).or_insert(2);
        let copy = *next;
        *next = copy.saturating_add(1);
        Err(Some(copy))
    }

    /// An earlier page stored a file under this key.
    pub(crate) fn mark_taken(&mut self, key: &str) {
        self.owners.insert(hash(key), None);
    }
}

fn hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_of_one_name_gets_the_next_number() {
        let mut keys = Keys::default();
        assert_eq!(keys.claim("b/a.txt", FileId(1), 0), Ok(()));
        assert_eq!(keys.claim("b/a.txt", FileId(1), 0), Ok(()));
        assert_eq!(keys.claim("b/a.txt", FileId(2), 0), Err(Some(2)));
        assert_eq!(keys.claim("b/a.txt", FileId(3), 0), Err(Some(3)));
        assert_eq!(keys.claim("b/a (2).txt", FileId(2), 2), Ok(()));
    }

    #[test]
    fn a_key_of_a_file_that_is_not_on_the_list_is_taken() {
        let mut keys = Keys::default();
        keys.mark_taken("b/a.txt");
        assert_eq!(keys.claim("b/a.txt", FileId(0), 0), Err(Some(2)));
    }

    #[test]
    fn a_lambda_that_ignores_the_number_is_noticed() {
        let mut keys = Keys::default();
        assert_eq!(keys.claim("b/a.txt", FileId(0), 0), Ok(()));
        assert_eq!(keys.claim("b/a.txt", FileId(1), 0), Err(Some(2)));
        assert_eq!(keys.claim("b/a.txt", FileId(1), 2), Err(Some(3)));
        assert_eq!(keys.claim("b/a.txt", FileId(1), 3), Err(None));
    }

    #[test]
    fn a_number_that_a_name_has_already_is_passed_over() {
        let mut keys = Keys::default();
        assert_eq!(keys.claim("b/a (2).txt", FileId(1), 0), Ok(()));
        assert_eq!(keys.claim("b/a.txt", FileId(2), 0), Ok(()));
        assert_eq!(keys.claim("b/a.txt", FileId(3), 0), Err(Some(2)));
        assert_eq!(keys.claim("b/a (2).txt", FileId(3), 2), Err(Some(3)));
        assert_eq!(keys.claim("b/a (3).txt", FileId(3), 3), Ok(()));
    }
}
