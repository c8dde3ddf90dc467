//! Files beyond memory: the engines that spill to disk, and a cluster of this program, write
//! the files of a run in memory, byte by byte.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

const CORPUS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/test-corpora/corpora/uk_20k/records.csv.gz"
);

/// The least that the engine takes: it spills.
const LITTLE: [&str; 2] = ["--memory", "64"];

fn accord() -> Command {
    Command::new(env!("CARGO_BIN_EXE_accord"))
}

fn run(command: &mut Command) -> Output {
    command.output().expect("accord runs")
}

fn said(ended: &Output) -> String {
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

/// A folder for what is written, with a model learnt from the corpus.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        fs::create_dir(bench.path("work")).expect("a folder");
        let model = bench.path("model.toml");
        let ended = run(accord()
            .args(["train", "--quiet", CORPUS, "--out"])
            .arg(model));
        assert!(ended.status.success(), "{}", said(&ended));
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Links the corpus; gives links and persons.
    fn link(&self, arguments: &[&str]) -> [String; 2] {
        let files = ["links", "persons"].map(|kind| self.path(kind));
        let ended = run(accord()
            .args(["link", "--quiet", CORPUS, "--links"])
            .arg(&files[0])
            .arg("--persons")
            .arg(&files[1])
            .args(arguments)
            .current_dir(&self.folder));
        assert!(ended.status.success(), "{}", said(&ended));
        files.map(|file| fs::read_to_string(file).expect("written"))
    }

    /// The same by another engine, which must leave nothing behind.
    fn links_alike(&self, arguments: &[&str], engine: &[&str]) {
        let within = self.link(arguments);
        assert!(within[0].lines().count() > 1_000);
        let engine = [arguments, engine, &["--work-folder", "work"]].concat();
        let beyond = self.link(&engine);
        assert!(within == beyond, "{engine:?} writes other files");
        let left = fs::read_dir(self.path("work")).expect("a folder");
        assert_eq!(left.count(), 0, "the work folder is empty again");
    }
}

#[test]
fn tables_that_spill_link_as_memory_does() {
    let bench = Bench::new();
    let spills = [&["--engine", "datafusion"], &LITTLE[..]].concat();
    bench.links_alike(&["--model", "model.toml"], &spills);
    let care = ["--policy", "care", "--across-sources-only"];
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/models/uk_care.toml");
    bench.links_alike(&[&["--model", shipped], &care[..]].concat(), &spills);
}

#[test]
fn what_an_engine_cannot_do_is_refused_in_a_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let twice = folder.path().join("twice.csv");
    fs::write(&twice, "record_id,given_name\nA,Ann\nB,Bob\nA,Ann\n").expect("written");
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/models/uk_care.toml");
    let engine = ["--engine", "datafusion"];
    for (arguments, sentence) in [
        (&[][..], "weighs by a model that is there"),
        (&["--model", model][..], "1 rows repeat a record_id"),
        (
            &["--model", model, "--memory", "8"][..],
            "--memory is 64 or more",
        ),
        (
            &["--model", model, "--report", "r.html"][..],
            "--report is of the engine in memory",
        ),
        (
            &["--model", model, "--scheduler", "a:1"][..],
            "--scheduler is for --engine ballista",
        ),
    ] {
        let ended = run(accord()
            .args(["link", "--quiet", "--links", "links"])
            .args(engine)
            .args(arguments)
            .arg(&twice)
            .current_dir(&folder));
        assert_eq!(ended.status.code(), Some(1));
        assert!(said(&ended).contains(sentence), "{}", said(&ended));
    }
}

#[cfg(feature = "ballista")]
mod cluster {
    use std::net::TcpListener;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use super::{Bench, CORPUS, accord, run, said};

    /// A process of the cluster, which ends with the story.
    struct Member(Child);

    impl Member {
        fn start(command: &mut Command) -> Self {
            let command = command.stdout(Stdio::null());
            Self(command.spawn().expect("accord runs"))
        }
    }

    impl Drop for Member {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn free_address() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("an address").to_string()
    }

    /// A scheduler that listens.
    fn scheduler_at(address: &str) -> Member {
        let member = Member::start(
            accord()
                .args(["cluster", "scheduler", "--listen", address])
                .stderr(Stdio::null()),
        );
        let mut waited = 0;
        while std::net::TcpStream::connect(address).is_err() {
            assert!(waited < 600, "the scheduler does not listen");
            waited += 1;
            std::thread::sleep(Duration::from_millis(100));
        }
        member
    }

    #[test]
    fn a_cluster_that_nobody_works_for_is_given_up_with_a_word() {
        let folder = tempfile::tempdir().expect("a folder");
        let model = concat!(env!("CARGO_MANIFEST_DIR"), "/models/uk_care.toml");
        let scheduler = free_address();
        let gives_up = |words: &[&str]| {
            let begun = Instant::now();
            let ended = run(accord()
                .args([
                    "link", "--quiet", CORPUS, "--links", "links", "--model", model,
                ])
                .args(["--engine", "ballista", "--scheduler", &scheduler])
                .args(["--cluster-wait", "5", "--work-folder", "."])
                .current_dir(&folder));
            assert!(begun.elapsed() < Duration::from_secs(60));
            let said = said(&ended);
            assert_eq!(ended.status.code(), Some(1), "{said}");
            let given_up = "given up after 5 s";
            for word in words.iter().chain([&"waiting for the cluster", &given_up]) {
                assert!(said.contains(word), "{word}: {said}");
            }
            let left = std::fs::read_dir(&folder).expect("a folder").count();
            assert_eq!(left, 0, "no file was read, and none is written");
        };
        let start = format!("accord cluster scheduler --listen {scheduler}");
        gives_up(&["no scheduler listens at", &start]);
        let _scheduler = scheduler_at(&scheduler);
        let start = format!("accord cluster executor --scheduler {scheduler}");
        gives_up(&["no executor has taken", &start]);
    }

    #[test]
    fn a_cluster_of_two_executors_links_as_memory_does() {
        let bench = Bench::new();
        let scheduler = free_address();
        let _scheduler = scheduler_at(&scheduler);
        let _executors = [0, 1].map(|place| {
            Member::start(
                accord()
                    .args(["cluster", "executor", "--cores", "1", "--memory", "256"])
                    .args(["--scheduler", &scheduler, "--listen", &free_address()])
                    .arg("--work-folder")
                    .arg(bench.path(&format!("executor-{place}"))),
            )
        });
        let engine = ["--engine", "ballista", "--scheduler", &scheduler];
        bench.links_alike(&["--model", "model.toml"], &engine);
    }
}
