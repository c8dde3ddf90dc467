//! Filesystems of the proofs' own: a small one in memory, that can be filled,
//! and one in a file, whose power can be cut. Both need root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{open_folder, program};

/// A filesystem that is mounted; taken away with the value.
pub(super) struct Mounted {
    pub folder: PathBuf,
    /// The file that holds it; one in memory has none.
    file: Option<PathBuf>,
}

impl Mounted {
    /// A filesystem of some MiB in memory.
    pub(super) fn in_memory(name: &str, megabytes: usize) -> Result<Self, String> {
        is_root()?;
        let folder = open_folder(name);
        let size = format!("size={megabytes}m,mode=755");
        run(
            "mount",
            &["-t", "tmpfs", "-o", &size, "tmpfs", &text(&folder)],
        )?;
        Ok(Self { folder, file: None })
    }

    /// An ext4 filesystem in a file, over a loop device.
    pub(super) fn in_file(name: &str, megabytes: u64) -> Result<Self, String> {
        is_root()?;
        program("xfs_io")?;
        if !Path::new("/dev/loop-control").exists() {
            return Err("there is no loop device (/dev/loop-control)".to_owned());
        }
        let folder = open_folder(name);
        let file = folder.with_extension("ext4");
        let made = fs::File::create(&file).and_then(|file| file.set_len(megabytes << 20));
        made.map_err(|error| format!("{}: {error}", file.display()))?;
        run("mkfs.ext4", &["-q", "-F", &text(&file)])?;
        let mounted = Self {
            folder,
            file: Some(file),
        };
        mounted.mount()?;
        Ok(mounted)
    }

    /// Mounts the file; its journal is replayed.
    pub(super) fn mount(&self) -> Result<(), String> {
        let file = self.file.as_ref().expect("a filesystem in a file");
        run("mount", &["-o", "loop", &text(file), &text(&self.folder)])
    }

    pub(super) fn unmount(&self) -> Result<(), String> {
        run("umount", &[&text(&self.folder)])
    }

    /// Everything reaches the file: what a set-up writes is not under test.
    pub(super) fn sync(&self) {
        run("sync", &["-f", &text(&self.folder)]).expect("the filesystem is synced");
    }

    /// From now on nothing more reaches the file, and what has not yet is lost.
    pub(super) fn cut_power(&self) {
        run("xfs_io", &["-x", "-c", "shutdown", &text(&self.folder)]).expect("the power is cut");
    }

    /// Fills what is left, so that nothing fits any more.
    pub(super) fn fill(&self) {
        let ballast = text(&self.folder.join("ballast"));
        // It ends with the refusal of the disk, which is what is wanted.
        let _ = run("dd", &["if=/dev/zero", &format!("of={ballast}"), "bs=4096"]);
    }

    /// Gives the space back.
    pub(super) fn empty(&self) {
        fs::remove_file(self.folder.join("ballast")).expect("the ballast is there");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // A proof that failed half-way may have left it unmounted.
        let _ = run("umount", &["-l", &text(&self.folder)]);
        if let Some(file) = &self.file {
            let _ = fs::remove_file(file);
        }
        let _ = fs::remove_dir(&self.folder);
    }
}

fn is_root() -> Result<(), String> {
    use std::os::unix::fs::MetadataExt as _;
    let own = fs::metadata("/proc/self").map_or(1, |about| about.uid());
    if own == 0 {
        Ok(())
    } else {
        Err("mounting a filesystem needs root".to_owned())
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn run(name: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program(name)?)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(format!("{name} {}: {said}", arguments.join(" ")))
    }
}
