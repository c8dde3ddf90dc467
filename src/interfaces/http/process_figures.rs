//! What the kernel knows of this process: memory, computing time, open files.
//! Where there is no `/proc`, there is nothing.

use std::fs;

/// Ticks of `/proc/self/stat` in a second: fixed for user space on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Figures of a process; those that cannot be read are absent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ProcessFigures {
    /// Memory in use, in bytes.
    pub(super) resident_bytes: Option<f64>,
    /// Computing time since the start, in seconds.
    pub(super) cpu_seconds: Option<f64>,
    /// Open files and connections.
    pub(super) open_files: Option<usize>,
    /// How many there may be.
    pub(super) open_files_max: Option<f64>,
}

impl ProcessFigures {
    /// Of this process, now.
    pub(super) fn now() -> Self {
        let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).ok();
        Self {
            resident_bytes: read("status").and_then(|text| resident_bytes(&text)),
            cpu_seconds: read("stat").and_then(|text| cpu_seconds(&text)),
            open_files: fs::read_dir("/proc/self/fd").ok().map(Iterator::count),
            open_files_max: read("limits").and_then(|text| open_files_max(&text)),
        }
    }
}

fn resident_bytes(status: &str) -> Option<f64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1_024.0)
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    // The name in brackets may hold anything, spaces and brackets too.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut times = rest.split_whitespace().skip(11);
    let user: f64 = times.next()?.parse().ok()?;
    let system: f64 = times.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn open_files_max(limits: &str) -> Option<f64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{cpu_seconds, open_files_max, resident_bytes};

    #[test]
    fn the_kernels_tables_are_read() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 4 0 99 1 1";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(
            resident_bytes("VmPeak: 9 kB\nVmRSS:\t   2 kB\n"),
            Some(2_048.0)
        );
        let limits = "Max open files            1024                 4096                 files";
        assert_eq!(open_files_max(limits), Some(1_024.0));
        assert_eq!(cpu_seconds("nothing"), None);
    }
}
