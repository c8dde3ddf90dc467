//! The engine's directory, with a check value on the two small files that have
//! none of their own: the list of segments (with the commit's position) and the
//! list of files. A flipped byte there can bring removed records back without
//! any other sign. All other files carry check values in their footers.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tantivy::Directory;
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    DirectoryLock, FileHandle, Lock, MmapDirectory, WatchCallback, WatchHandle, WritePtr,
};

use crate::index::schema::fnv;

/// A line end, sixteen hexadecimal digits.
const TRAILER_BYTES: usize = 17;

/// A directory on disk whose small files end with a check value.
#[derive(Debug, Clone)]
pub(super) struct CheckedDirectory(pub(super) MmapDirectory);

impl Directory for CheckedDirectory {
    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        let mut bytes = self.0.atomic_read(path)?;
        let length = bytes.len().saturating_sub(TRAILER_BYTES);
        if bytes[length..] != *trailer(&bytes[..length]).as_bytes() {
            let fault = io::Error::new(io::ErrorKind::InvalidData, "its check value differs");
            return Err(OpenReadError::wrap_io_error(fault, path.to_path_buf()));
        }
        bytes.truncate(length);
        Ok(bytes)
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        self.0
            .atomic_write(path, &[data, trailer(data).as_bytes()].concat())
    }

    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.0.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.0.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.0.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        self.0.open_write(path)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.0.sync_directory()
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        self.0.acquire_lock(lock)
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.0.watch(callback)
    }
}

fn trailer(data: &[u8]) -> String {
    format!("\n{:016x}", fnv(data))
}
