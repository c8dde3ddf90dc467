//! The clock jumps while the service runs: a day and a year ahead, an hour and
//! a day back. Ids, the order and the times of events do not follow it, nothing is lost,
//! and the ledger stays sound. The jumps are made by libfaketime, where it is
//! installed.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::load::{Load, Sender, lost, surplus};
use super::{or_skipped, report, say, within};
use crate::world::{Place, Setting, World};

const PROOF: &str = "clock_jumps";
const CLIENTS: usize = 4;
const READ: usize = 50;
const JUMPS: [&str; 6] = ["+0", "-1h", "+1d", "-1d", "+366d", "+0"];

pub(crate) fn library() -> Result<PathBuf, String> {
    let folders = [
        "/usr/lib",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
    ];
    folders
        .map(|folder| PathBuf::from(folder).join("faketime/libfaketimeMT.so.1"))
        .into_iter()
        .find(|file| file.is_file())
        .ok_or_else(|| "libfaketime is not installed".to_owned())
}

/// What the service believes the time to be, by the header of an answer.
fn date(world: &World) -> String {
    let answer = world.get_root("/healthz").send().expect(200);
    answer.headers.get("date").cloned().unwrap_or_default()
}

/// The times of all events, in their order.
fn times(world: &World) -> Vec<OffsetDateTime> {
    let (mut times, mut after) = (Vec::new(), String::new());
    loop {
        let page = world.get(&format!("/events?limit=500{after}"));
        let page = page.send().expect(200);
        for event in page.list("events") {
            let at = event["at"].as_str().expect("an instant");
            times.push(OffsetDateTime::parse(at, &Rfc3339).expect("an instant"));
        }
        if page["more"] == false {
            return times;
        }
        after = format!("&after={}", page.member("next"));
    }
}

#[test]
fn ids_and_order_do_not_follow_a_clock_that_jumps() {
    let Some(library) = or_skipped(PROOF, "sqlite", library()) else {
        return;
    };
    let offset = super::open_folder("clock").join("offset");
    fs::write(&offset, "+0\n").expect("the offset can be written");
    let setting = Setting {
        environment: vec![
            ("LD_PRELOAD", library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", offset.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ],
        ..Setting::default()
    };
    let world = [World::prepared(Place::Sqlite, setting)];
    world[0].serves();
    let (mut kept, mut dates) = (Vec::new(), BTreeSet::new());
    for (round, jump) in JUMPS.iter().enumerate() {
        let load = Load::new(&world, &format!("jumped {round}"), Sender::Insists);
        kept.extend(load.during(CLIENTS, || {
            within(60, "records come in", || load.count(None) > 10);
            fs::write(&offset, format!("{jump}\n")).expect("the offset can be written");
            let before = load.count(None);
            within(60, "records come in", || load.count(None) > before + 20);
            // An answer says the time of the last second, and never an earlier one.
            thread::sleep(Duration::from_millis(1200));
            // The day and the year.
            dates.extend(date(&world[0]).get(5..16).map(ToOwned::to_owned));
        }));
    }
    if dates.len() < 3 {
        say(&format!(
            "proof: {PROOF} engine=sqlite skipped: the clock did not jump"
        ));
        return;
    }
    let mut failures = lost(&world[0], &kept, READ);
    failures.extend(surplus(&world[0], &kept));
    if !times(&world[0]).is_sorted() {
        failures.push("the ledger's time went back with the clock".to_owned());
    }
    world[0].verify();
    let more = format!("jumps={}", JUMPS.len() - 1);
    report(PROOF, "sqlite", kept.len(), &failures, &more);
    let _ = fs::remove_dir_all(offset.parent().expect("a folder"));
}
