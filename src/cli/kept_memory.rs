//! Memory of a run over whole files: what one stage frees the next one needs again, and
//! the allocator, which gives it back after a second, is better told to keep it.

/// How the allocator is told, before the process begins.
const SETTING: &str = "MIMALLOC_PURGE_DELAY";

/// Starts this program again in its own place, with freed memory kept: a million records
/// then take a fifth less processor time and a tenth more memory (docs/performance.md).
/// Does nothing where somebody has said how long memory is to be kept, or where the
/// program cannot be started again.
#[cfg(unix)]
pub(super) fn keep_freed_memory() {
    use std::os::unix::process::CommandExt as _;

    if std::env::var_os(SETTING).is_some() {
        return;
    }
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    // It returns only where it failed, and then this process goes on as it is.
    let _failed = std::process::Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(SETTING, "-1")
        .exec();
}

/// Elsewhere a process cannot take the place of another.
#[cfg(not(unix))]
pub(super) fn keep_freed_memory() {}
