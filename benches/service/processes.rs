//! Processor time and memory of processes, as the kernel counts them.

/// Ticks of a second in `/proc` (USER_HZ, 100 on every Linux that Rust knows).
const TICKS: f64 = 100.0;

fn fields(process: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

/// Seconds of processor time of living processes and of their children that
/// have ended.
pub(crate) fn cpu_of(processes: &[u32]) -> f64 {
    let of = |process: &u32| {
        let fields = fields(*process)?;
        // utime, stime, cutime, cstime: fields 14 to 17, of which 3 is the first here.
        let ticks = fields.get(11..15)?.iter().map(|it| it.parse::<f64>());
        ticks.sum::<Result<f64, _>>().ok()
    };
    processes.iter().filter_map(of).sum::<f64>() / TICKS
}

/// Memory that a process holds.
pub(crate) fn resident_mib(process: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

/// Processor time of the service and of its database server.
pub(crate) struct Meter<'a> {
    service: u32,
    database: &'a dyn Fn() -> f64,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(service: u32, database: &'a dyn Fn() -> f64) -> Self {
        Self { service, database }
    }

    /// Seconds so far: the service's, the server's.
    pub(crate) fn read(&self) -> (f64, f64) {
        (cpu_of(&[self.service]), (self.database)())
    }
}
